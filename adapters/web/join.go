package web

import (
	"errors"
	"net/http"
	"strings"

	"importledger/commands"
)

type joinView struct {
	Link  string
	Fault *fault
}

// joinPage lets whoever has a link of an invitation, or of a reset, choose a
// password. The link's secret stands behind its #, so that it is in no request for a
// page and in no log; a script puts it into the form, or a person does.
func (v *visit) joinPage() error { return v.showJoin(http.StatusOK, "", nil) }

func (v *visit) showJoin(status int, link string, f *fault) error {
	return v.render(status, "join", view{Title: "Choose a password", Bare: true, Body: joinView{Link: link, Fault: f}})
}

func (v *visit) join() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	form := v.r.PostForm
	link := strings.TrimSpace(form.Get("link"))
	if form.Get("password") != form.Get("again") {
		return v.showJoin(http.StatusUnprocessableEntity, link, errPasswordsDiffer)
	}
	secret := link[strings.LastIndexByte(link, '#')+1:] // of a whole link, or the secret alone
	token, err := v.Sessions.Join(v.ctx(), v.client(), secret, form.Get("password"), v.token)
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok {
		f := refused(refusal)
		return v.showJoin(f.Status, link, f)
	}
	if err != nil {
		return err
	}
	setSession(v.w, token)
	return v.seeOther("/imports?done=set-up")
}
