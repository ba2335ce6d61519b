package api

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const (
	realm             = `Bearer realm="importledger"`
	refusedPerMinute  = 600  // requests of one address without good credentials
	tokensPerMinute   = 1200 // of one address
	actionForbidden   = "request.forbidden"
	actionRefused     = "request.token-refused"
	actionLimited     = "request.limited"
	otherOriginDetail = "from another origin"
)

// requireScope lets a request pass whose token, or session, has the scope, or each of
// several.
func (a *API) requireScope(scopes string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		if err := a.admitCaller(r, scopes); err != nil {
			a.fail(w, r, a.explain(r.Context(), err))
			return
		}
		next(ctx)
	}
}

func (a *API) admitCaller(r *http.Request, scopes string) error {
	who, err := a.authenticate(r)
	if e, ok := errors.AsType[*errorAnswer](err); ok && e.status == http.StatusUnauthorized {
		return a.slowedDown(r, e)
	}
	if err != nil {
		return err
	}
	requestOf(r.Context()).caller = who
	wait, err := a.access.Limits.Caller(r.Context(), who.id, a.access.RequestsPerMinute)
	a.logSoft(r.Context(), err)
	if wait > 0 {
		a.note(r, actionLimited, "", "")
		return overLimit("These are more requests a minute than one client may send.", wait)
	}
	lacking := who.lacks(scopes)
	if lacking == "" {
		return nil
	}
	a.note(r, actionForbidden, r.Pattern, lacking)
	if who.mustChange {
		return answer(http.StatusForbidden, "password-must-change", "Choose a password of your own first: sign in and follow the page.")
	}
	return answer(http.StatusForbidden, "scope-missing", "This needs the scope "+lacking+".").
		with("WWW-Authenticate", realm+`, error="insufficient_scope", error_description="The scope `+lacking+` is missing.", scope="`+scopes+`"`)
}

// slowedDown counts requests without good credentials by their address; good ones
// from the same address are not concerned.
func (a *API) slowedDown(r *http.Request, refusal *errorAnswer) error {
	wait, err := a.access.Limits.Address(r.Context(), "refused", a.access.Address(r), refusedPerMinute)
	a.logSoft(r.Context(), err)
	if wait > 0 {
		return overLimit("Too many requests without good credentials come from this address.", wait)
	}
	return refusal
}

// authenticate says who a request comes from: the bearer of a good token, or who is
// signed in with the browser that sends it.
func (a *API) authenticate(r *http.Request) (caller, error) {
	sent := r.Header.Values("Authorization")
	switch {
	case len(sent) == 0:
		return a.signedIn(r)
	case len(sent) > 1:
		return caller{}, answer(http.StatusBadRequest, "malformed", "Send one Authorization header.").
			with("WWW-Authenticate", realm+`, error="invalid_request", error_description="More than one Authorization header."`)
	}
	scheme, token, _ := strings.Cut(sent[0], " ")
	if token = strings.TrimSpace(token); token == "" || !strings.EqualFold(scheme, "Bearer") {
		return caller{}, errNoToken()
	}
	id, scopes, err := a.tokens.Verify(r.Context(), token)
	if refused, ok := errors.AsType[oauthError](err); ok {
		if id != "" { // a token that was good once
			requestOf(r.Context()).caller.id = id
			a.note(r, actionRefused, r.Pattern, "")
		}
		return caller{}, answer(http.StatusUnauthorized, "token-invalid", refused.Error()).
			with("WWW-Authenticate", realm+`, error="invalid_token", error_description="`+refused.Error()+`"`)
	}
	return caller{id: id, scopes: scopes}, err
}

func errNoToken() *errorAnswer {
	return answer(http.StatusUnauthorized, "token-missing", "Send an access token: Authorization: Bearer …. POST /oauth2/token gives one.").
		with("WWW-Authenticate", realm)
}

// signedIn takes a browser's session in the place of a token, for pages of this
// server only: other pages can make the browser send its cookie.
func (a *API) signedIn(r *http.Request) (caller, error) {
	is, found, err := a.access.Sessions.Of(r)
	if err != nil {
		return caller{}, err
	}
	if !found {
		return caller{}, errNoToken()
	}
	who := caller{id: is.User.ID, scopes: is.Scopes, mustChange: is.User.MustChange}
	if !sameOrigin(r) {
		requestOf(r.Context()).caller = who
		a.note(r, actionForbidden, r.Pattern, otherOriginDetail)
		return caller{}, answer(http.StatusForbidden, "other-origin", "A page of another origin cannot use this session. Use an access token.")
	}
	return who, nil
}

var otherOrigins = http.NewCrossOriginProtection()

// sameOrigin tells that a request is not from a page of another origin: for what
// changes something by http.CrossOriginProtection, and for reading by what the
// browser says itself, where it says so.
func sameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return otherOrigins.Check(r) == nil
	}
	return false
}

// by is on whose behalf a request asks.
func (a *API) by(ctx context.Context) By {
	known := requestOf(ctx)
	return By{ID: known.caller.id, Scopes: known.caller.scopes, Address: known.address, Request: known.id}
}

// note writes something to the audit log that must not fail for it.
func (a *API) note(r *http.Request, action, target, detail string) {
	a.logSoft(r.Context(), a.access.Audit.Note(r.Context(), action, a.by(r.Context()), target, detail))
}

// logSoft logs a fault that the request goes on in spite of.
func (a *API) logSoft(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "access control", slog.String("request", requestOf(ctx).id), slog.String("error", withoutValues(err)))
	}
}

func overLimit(message string, wait time.Duration) *errorAnswer {
	return answer(http.StatusTooManyRequests, "too-many-requests", message+" Try again later.").with("Retry-After", seconds(wait))
}

// seconds rounds up: who comes earlier comes in vain.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}
