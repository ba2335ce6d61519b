package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"importledger/commands"
)

// programsView is a page of the API clients, by name.
type programsView struct {
	Programs []Program
	Pages    pages
}

const programsOnPage = 50

func (v *visit) programsPage() error {
	number := pageNumber(v.r.URL.Query())
	found, total, err := v.Programs.List(v.ctx(), (number-1)*programsOnPage, programsOnPage)
	if err != nil {
		return err
	}
	page := programsView{Programs: found, Pages: paginate("/clients", nil, number, programsOnPage, total)}
	page.Pages.ByName = true
	return v.render(http.StatusOK, "programs", view{Title: "API clients", Section: "clients", Body: page})
}

// newProgramView is the form that asks for a new API client.
type newProgramView struct {
	Name   string
	Scopes []scopeChoice
	Fault  *fault
}

// scopeChoice is a scope that can be given.
type scopeChoice struct {
	Name   string
	Chosen bool
	Yours  bool // false: one that who looks does not have, and cannot give
}

func (v *visit) newProgramPage() error { return v.showNewProgram(http.StatusOK, "", nil, nil) }

func (v *visit) showNewProgram(status int, name string, chosen []string, f *fault) error {
	form := newProgramView{Name: name, Fault: f}
	for _, s := range v.Scopes {
		form.Scopes = append(form.Scopes, scopeChoice{s, slices.Contains(chosen, s), v.user.May(s)})
	}
	return v.render(status, "program-new", view{Title: "New API client", Section: "clients", Body: form})
}

func (v *visit) createProgram() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	name, scopes := strings.TrimSpace(v.r.PostForm.Get("name")), v.r.PostForm["scope"]
	is, secret, err := v.Programs.Create(v.ctx(), v.by(), name, scopes)
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && refusal.Kind != commands.Unavailable {
		f := refused(refusal)
		return v.showNewProgram(f.Status, name, scopes, f)
	}
	if err != nil {
		return err
	}
	return v.showSecret(http.StatusCreated, is, secret)
}

// programView is one API client, with its secret in the one answer that has it.
type programView struct {
	Program Program
	Secret  string
	Address string // of the server, beside a secret
	Fault   *fault
}

func (v *visit) showSecret(status int, is Program, secret string) error {
	return v.render(status, "program", view{Title: is.Name, Section: "clients", Body: programView{Program: is, Secret: secret, Address: v.reachedAt()}})
}

func (v *visit) programPage() error { return v.showProgram(http.StatusOK, nil) }

func (v *visit) showProgram(status int, f *fault) error {
	is, err := v.Programs.Find(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.render(status, "program", view{Title: is.Name, Section: "clients", Body: programView{Program: is, Fault: f}})
}

func (v *visit) rotateProgram() error {
	is, secret, err := v.Programs.Rotate(v.ctx(), v.by(), v.r.PathValue("id"))
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && (refusal.Kind == commands.Conflict || refusal.Kind == commands.Forbidden) {
		f := refused(refusal)
		return v.showProgram(f.Status, f)
	}
	if err != nil {
		return err
	}
	return v.showSecret(http.StatusOK, is, secret)
}

func (v *visit) revokeProgram() error {
	is, err := v.Programs.Revoke(v.ctx(), v.by(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.seeOther("/clients/" + is.ID + "?done=client-revoked")
}
