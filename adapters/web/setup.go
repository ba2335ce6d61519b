package web

import (
	"errors"
	"net/http"
	"slices"

	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

type setUpView struct {
	KeyIdentifier  string
	KeyIdentifiers []keyChoice
	Open           bool // the key identifier can still be chosen
	Fault          *fault
}

type keyChoice struct{ Name, Label, About string }

var keyChoices = []keyChoice{
	{events.Email, "E-mail address", "Two rows with the same address are about the same contact."},
	{events.Phone, "Phone number", "Numbers are compared in their international form."},
	{events.ExternalID, "Your own id", "A customer number, or an id of another system."},
}

func (v *visit) setUpPage() error {
	if !v.user.MustChange {
		return v.seeOther("/imports")
	}
	return v.showSetUp(http.StatusOK, nil)
}

func (v *visit) showSetUp(status int, f *fault) error {
	key, err := v.Account.KeyIdentifier(v.ctx())
	if err != nil {
		return err
	}
	open, err := v.keyIsOpen()
	if err != nil {
		return err
	}
	return v.render(status, "setup", view{Title: "Set up importledger", Bare: true,
		Body: setUpView{KeyIdentifier: key, KeyIdentifiers: keyChoices, Open: open, Fault: f}})
}

// keyIsOpen: it can be changed as long as nothing is derived from it.
func (v *visit) keyIsOpen() (bool, error) {
	contacts, err := projections.CountContacts(v.ctx(), v.DB)
	return contacts == 0 && v.user.May(contactsWrite), err
}

func (v *visit) setUp() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	form := v.r.PostForm
	if form.Get("password") != form.Get("again") {
		return v.showSetUp(http.StatusUnprocessableEntity, errPasswordsDiffer)
	}
	open, err := v.keyIsOpen()
	if err != nil {
		return err
	}
	token, err := v.Sessions.ChangePassword(v.ctx(), v.client(), v.token, form.Get("current"), form.Get("password"))
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok {
		f := refused(refusal)
		return v.showSetUp(f.Status, f)
	}
	if err != nil {
		return err
	}
	setSession(v.w, token)
	// Only now: whoever cannot say the password they were given sets nothing.
	if key := form.Get("key"); open && slices.Contains(events.KeyIdentifiers, key) {
		if _, err := v.Account.SetKeyIdentifier(v.ctx(), v.meta(), key); err != nil {
			return err
		}
	}
	return v.seeOther("/imports?done=set-up")
}
