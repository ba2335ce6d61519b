package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"importledger/events"
)

// visit is one request and who makes it. It belongs to the request's goroutine.
type visit struct {
	*Web
	w       http.ResponseWriter
	r       *http.Request
	id      string // of the request, for the log and for whoever asks about it
	started time.Time
	user    User // zero: nobody is signed in
	token   string
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// meta is what events that follow from the request carry.
func (v *visit) meta() events.Meta {
	return events.Meta{At: v.Now().UnixMilli(), Actor: v.user.ID, CorrelationID: v.id, CausationID: v.id}
}

// handle makes a route's handler: it finds out who is there and whether they may.
func (w *Web) handle(r route) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, req *http.Request) {
		v := visitOf(req)
		v.w, v.r = out, req
		if err := v.enter(r); err != nil {
			v.fail(err)
		}
	})
}

type visitKey struct{}

func visitOf(r *http.Request) *visit { return r.Context().Value(visitKey{}).(*visit) }

func (v *visit) enter(r route) error {
	if err := v.identify(); err != nil {
		return err
	}
	switch {
	case r.who == public:
		return r.serve(v)
	case v.user.ID == "":
		return v.askToSignIn()
	case v.user.MustChange && r.pattern != "GET /set-up" && r.pattern != "POST /set-up" && r.pattern != "POST /sign-out":
		return v.seeOther("/set-up")
	}
	if lacking := v.user.lacks(r.who); lacking != "" {
		if err := v.Sessions.Refused(v.ctx(), v.client(), v.user.ID, r.pattern, lacking); err != nil {
			return err
		}
		return notAllowed(v.user, lacking)
	}
	return r.serve(v)
}

// identify finds the user of the session that the browser names.
func (v *visit) identify() error {
	if v.token = sessionToken(v.r); v.token == "" {
		return nil
	}
	user, err := v.Sessions.Resume(v.ctx(), v.token)
	if errors.Is(err, ErrNoSession) {
		v.token = ""
		return nil
	}
	v.user = user
	return err
}

// askToSignIn leads to the sign-in page and from there back to this one. What a
// script asks for is only told.
func (v *visit) askToSignIn() error {
	if v.wantsPage() && v.r.Method == http.MethodGet {
		return v.seeOther("/sign-in?" + url.Values{"next": {v.r.URL.RequestURI()}}.Encode())
	}
	return errSignedOut
}

// wantsPage tells a person's browser from a script of a page.
func (v *visit) wantsPage() bool { return strings.Contains(v.r.Header.Get("Accept"), "text/html") }

func (v *visit) seeOther(to string) error {
	http.Redirect(v.w, v.r, to, http.StatusSeeOther) //nolint:gosec // G710: a path of ours, or what safeNext has passed
	return nil
}

func (v *visit) home() error { return v.seeOther("/imports") }

// reached waits until the read models have what the address's after names: the write
// that led here.
func (v *visit) reached(models ...string) error {
	after := v.r.URL.Query().Get("after")
	if after == "" {
		return nil
	}
	position, err := events.ParsePosition(after)
	if err != nil {
		return nil //nolint:nilerr // not ours: nothing to wait for
	}
	_, err = v.hasReached(position, longestWait, models...)
	return err // the page shows what there is, and follows
}

// hasReached waits for a while until read models have come to a position of the log.
func (v *visit) hasReached(position events.Position, patience time.Duration, models ...string) (bool, error) {
	ctx, cancel := context.WithTimeout(v.ctx(), patience)
	defer cancel()
	err := v.Projections.WaitFor(ctx, position, models...)
	if err != nil && ctx.Err() != nil && v.ctx().Err() == nil {
		return false, nil
	}
	return err == nil, err
}

// longestWait is how long a page waits for its own write to be visible.
const longestWait = 2 * time.Second
