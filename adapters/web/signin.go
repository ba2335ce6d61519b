package web

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"importledger/commands"
)

type signInView struct {
	Name  string
	Next  string
	Fault *fault
}

func (v *visit) signInPage() error {
	next := safeNext(v.r.URL.Query().Get("next"))
	if v.user.ID != "" {
		return v.seeOther(next)
	}
	return v.render(http.StatusOK, "signin", view{Title: "Sign in", Bare: true, Body: signInView{Next: next}})
}

func (v *visit) signIn() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	name, next := strings.TrimSpace(v.r.PostForm.Get("name")), safeNext(v.r.PostForm.Get("next"))
	token, err := v.Sessions.SignIn(v.ctx(), v.client(), name, v.r.PostForm.Get("password"), v.token)
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && refusal.Kind != commands.Unavailable {
		f := refused(refusal)
		return v.render(f.Status, "signin", view{Title: "Sign in", Bare: true, Body: signInView{Name: name, Next: next, Fault: f}})
	}
	if err != nil {
		return err
	}
	setSession(v.w, token)
	return v.seeOther(next)
}

func (v *visit) signOut() error {
	if err := v.Sessions.SignOut(v.ctx(), v.client(), v.token); err != nil {
		return err
	}
	clearSession(v.w)
	return v.seeOther("/sign-in?done=signed-out")
}

// safeNext is where to go after signing in: a page of ours, never another host's.
func safeNext(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") || strings.HasPrefix(next, "/sign-") {
		return "/imports"
	}
	return next
}

// client is where the request comes from.
func (v *visit) client() Client {
	host, _, err := net.SplitHostPort(v.r.RemoteAddr)
	if err != nil {
		host = v.r.RemoteAddr
	}
	return Client{Address: host, Agent: v.r.UserAgent(), Request: v.id}
}

const maxForm = 1 << 20 // bytes; a mapping of a hundred columns is 20 kB

// parseForm reads a form, which is small, into PostForm.
func (v *visit) parseForm() error {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil {
		return errForm
	}
	return nil
}
