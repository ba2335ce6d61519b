package web

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"importledger/commands"
)

// usersView is a page of the users, by name.
type usersView struct {
	People []Person
	Pages  pages
}

const usersOnPage = 50

func (v *visit) usersPage() error {
	number := pageNumber(v.r.URL.Query())
	found, total, err := v.People.List(v.ctx(), (number-1)*usersOnPage, usersOnPage)
	if err != nil {
		return err
	}
	page := usersView{People: found, Pages: paginate("/users", nil, number, usersOnPage, total)}
	page.Pages.ByName = true
	return v.render(http.StatusOK, "users", view{Title: "Users", Section: "users", Body: page})
}

// inviteView is the form that asks for a new user.
type inviteView struct {
	Name  string
	Role  string
	Roles []roleChoice
	Fault *fault
}

// roleChoice is a role and what it may do.
type roleChoice struct {
	Name   string
	Scopes []string
}

// roleChoices are all roles, those that may do least first.
func (v *visit) roleChoices() []roleChoice {
	var all []roleChoice
	for _, name := range slices.Sorted(maps.Keys(v.Roles)) {
		all = append(all, roleChoice{name, v.Roles[name]})
	}
	slices.SortStableFunc(all, func(a, b roleChoice) int { return cmp.Compare(len(a.Scopes), len(b.Scopes)) })
	return all
}

func (v *visit) invitePage() error { return v.showInvite(http.StatusOK, inviteView{}) }

func (v *visit) showInvite(status int, form inviteView) error {
	form.Roles = v.roleChoices()
	if form.Role == "" {
		form.Role = form.Roles[0].Name
	}
	return v.render(status, "invite", view{Title: "Invite a user", Section: "users", Body: form})
}

// invite answers with the link itself: it is shown once, and stands in no address.
func (v *visit) invite() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	form := inviteView{Name: strings.TrimSpace(v.r.PostForm.Get("name")), Role: v.r.PostForm.Get("role")}
	is, link, err := v.People.Invite(v.ctx(), v.by(), form.Name, form.Role)
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && refusal.Kind != commands.Unavailable {
		form.Fault = refused(refusal)
		return v.showInvite(form.Fault.Status, form)
	}
	if err != nil {
		return err
	}
	return v.showLink(http.StatusCreated, is, link)
}

// linkView is a link by which somebody chooses a password.
type linkView struct {
	Person  Person
	Address string
	Until   int64
}

func (v *visit) showLink(status int, is Person, link Link) error {
	title := "A new password for " + is.Name
	if is.Invited {
		title = "An invitation for " + is.Name
	}
	return v.render(status, "link", view{Title: title, Section: "users",
		Body: linkView{Person: is, Address: v.reachedAt() + "/join#" + link.Token, Until: link.ExpiresAt.UnixMilli()}})
}

// reachedAt is what the pages are reached at: as it is set, else as the browser says
// it with a form, which has passed for one of this site.
func (v *visit) reachedAt() string {
	if v.PublicURL != "" {
		return v.PublicURL
	}
	if origin := v.r.Header.Get("Origin"); strings.HasPrefix(origin, "http") {
		return origin
	}
	return "http://" + v.r.Host
}
