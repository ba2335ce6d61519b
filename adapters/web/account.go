package web

import (
	"errors"
	"net/http"

	"importledger/commands"
)

// accountView is who is signed in: what they may do, their password and where they
// are signed in.
type accountView struct {
	Sessions []Session
	Fault    *fault // of the password
}

func (v *visit) accountPage() error { return v.showAccount(http.StatusOK, nil) }

func (v *visit) showAccount(status int, f *fault) error {
	found, _, err := v.Sessions.List(v.ctx(), v.user.ID, 0, sessionsShown)
	if err != nil {
		return err
	}
	return v.render(status, "account", view{Title: "Your account", Section: "account", Body: accountView{Sessions: found, Fault: f}})
}

func (v *visit) changePassword() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	form := v.r.PostForm
	if form.Get("password") != form.Get("again") {
		return v.showAccount(http.StatusUnprocessableEntity, errPasswordsDiffer)
	}
	token, err := v.Sessions.ChangePassword(v.ctx(), v.client(), v.token, form.Get("current"), form.Get("password"))
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && refusal.Kind != commands.Unavailable {
		f := refused(refusal)
		if f.Code == "sign-in-refused" {
			f.Message = "That is not your password as it is now. Type it again."
		}
		return v.showAccount(f.Status, f)
	}
	if err != nil {
		return err
	}
	setSession(v.w, token)
	return v.seeOther("/account?done=password-changed")
}

// errPasswordsDiffer: a password that is not typed alike twice is nobody's wish.
var errPasswordsDiffer = &fault{Status: http.StatusUnprocessableEntity, Code: "passwords-differ", Message: "The two passwords differ. Type the same one twice."}

// endOwnSession ends a session of who is signed in. The one of this browser ends by
// signing out.
func (v *visit) endOwnSession() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	if err := v.endSession(v.ctx(), v.user.ID); err != nil {
		return err
	}
	return v.seeOther("/account?done=session-ended")
}
