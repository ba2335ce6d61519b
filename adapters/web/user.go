package web

import (
	"context"
	"errors"
	"net/http"

	"importledger/commands"
)

// userView is one user: what they may do, and where they are signed in.
type userView struct {
	Person   Person
	Self     bool // it is who looks
	Role     string
	Roles    []roleChoice
	Sessions []Session
	Fault    *fault
}

// sessionsShown is more than one user can have.
const sessionsShown = 50

func (v *visit) userPage() error { return v.showUser(http.StatusOK, v.r.PathValue("id"), nil) }

func (v *visit) showUser(status int, id string, f *fault) error {
	is, err := v.People.Find(v.ctx(), id)
	if err != nil {
		return err
	}
	page := userView{Person: is, Self: is.ID == v.user.ID, Role: is.Role, Roles: v.roleChoices(), Fault: f}
	if page.Sessions, _, err = v.Sessions.List(v.ctx(), is.ID, 0, sessionsShown); err != nil {
		return err
	}
	return v.render(status, "user", view{Title: is.Name, Section: "users", Body: page})
}

// changeUser makes a handler of one change of a user, which leads back to them.
func changeUser(done string, change func(*visit, context.Context, string) error) func(*visit) error {
	return func(v *visit) error {
		if err := v.parseForm(); err != nil {
			return err
		}
		id := v.r.PathValue("id")
		err := change(v, v.ctx(), id)
		if refusal, ok := errors.AsType[*commands.Refusal](err); ok && (refusal.Kind == commands.Conflict || refusal.Kind == commands.Forbidden || refusal.Kind == commands.Unacceptable) {
			f := refused(refusal)
			return v.showUser(f.Status, id, f)
		}
		if err != nil {
			return err
		}
		if id == v.user.ID && done != "sessions-ended" {
			return v.seeOther("/users?done=" + done) // signed out by it, perhaps
		}
		return v.seeOther("/users/" + id + "?done=" + done)
	}
}

var (
	setRole = changeUser("role-set", func(v *visit, ctx context.Context, id string) error {
		_, err := v.People.SetRole(ctx, v.by(), id, v.r.PostForm.Get("role"))
		return err
	})
	disableUser = changeUser("disabled", func(v *visit, ctx context.Context, id string) error {
		_, err := v.People.Disable(ctx, v.by(), id)
		return err
	})
	enableUser = changeUser("enabled", func(v *visit, ctx context.Context, id string) error {
		_, err := v.People.Enable(ctx, v.by(), id)
		return err
	})
	endUserSession = changeUser("session-ended", func(v *visit, ctx context.Context, id string) error {
		return v.endSession(ctx, id)
	})
)

// endSession ends one of a user's sessions, and nobody else's: its id comes with the
// form.
func (v *visit) endSession(ctx context.Context, userID string) error {
	found, _, err := v.Sessions.List(ctx, userID, 0, sessionsShown)
	if err != nil {
		return err
	}
	for _, s := range found {
		if s.ID == v.r.PostForm.Get("session") {
			return v.Sessions.Revoke(ctx, v.by(), s.ID)
		}
	}
	return nil // it has ended already
}

// resetPassword answers with a link by which the user chooses another password.
func (v *visit) resetPassword() error {
	id := v.r.PathValue("id")
	is, link, err := v.People.Reset(v.ctx(), v.by(), id)
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && (refusal.Kind == commands.Conflict || refusal.Kind == commands.Forbidden) {
		f := refused(refusal)
		return v.showUser(f.Status, id, f)
	}
	if err != nil {
		return err
	}
	return v.showLink(http.StatusOK, is, link)
}
