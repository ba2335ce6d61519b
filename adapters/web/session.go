package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Sessions knows who uses a browser. Refusals that a person can act on are
// *commands.Refusal.
type Sessions interface {
	// SignIn checks a password and begins a session; previous is the token of the one
	// that the browser has, which ends, or empty.
	SignIn(ctx context.Context, from Client, name, password, previous string) (token string, err error)
	// Resume gives whose session a token is, or ErrNoSession.
	Resume(ctx context.Context, token string) (User, error)
	// Join gives the user whose link the secret is a password, and begins a session. The
	// link is used up.
	Join(ctx context.Context, from Client, secret, password, previous string) (token string, err error)
	// Refused writes down that somebody may not use a route.
	Refused(ctx context.Context, from Client, userID, route, scope string) error
	SignOut(ctx context.Context, from Client, token string) error
	// ChangePassword gives the session's user another password, and a new token in
	// the place of the old one. The user's other sessions end.
	ChangePassword(ctx context.Context, from Client, token, current, next string) (newToken string, err error)
	// List gives a page of a user's sessions, the one used last first, and how many
	// there are.
	List(ctx context.Context, userID string, offset, limit int) (page []Session, total int, err error)
	// Revoke ends a session. Ending one that has ended is no error.
	Revoke(ctx context.Context, by By, id string) error
}

// Session is a browser that is signed in.
type Session struct {
	ID        string // names it in lists; opens nothing
	Agent     string // what the browser calls itself
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
}

// Client is where a request comes from.
type Client struct {
	Address string
	Agent   string // what the browser calls itself
	Request string // id of the request
}

// ErrNoSession: the token is of no session, or of one that has ended.
var ErrNoSession = errors.New("no session")

// User is who is signed in.
type User struct {
	ID     string
	Name   string
	Role   string
	Scopes []string
	// MustChange: the password was given to the user and has to be replaced first.
	MustChange bool
	Session    string // id of the session that the request is of
}

// May tells whether the user has a scope; signedIn is everybody's.
func (u User) May(scope string) bool { return scope == signedIn || slices.Contains(u.Scopes, scope) }

// lacks gives the first of a route's scopes that the user has not; empty: none.
func (u User) lacks(scopes string) string {
	if scopes == signedIn {
		return ""
	}
	for scope := range strings.FieldsSeq(scopes) {
		if !u.May(scope) {
			return scope
		}
	}
	return ""
}

// SessionCookie holds the session's token. By its prefix browsers send it to this
// host alone, over an encrypted connection or to the own machine, and let nobody
// else set it. It ends with the browser: how long a session lasts is the server's
// to say.
const SessionCookie = "__Host-importledger"

func setSession(w http.ResponseWriter, token string) {
	http.SetCookie(w, sessionCookie(token))
}

func clearSession(w http.ResponseWriter) {
	cookie := sessionCookie("") //nolint:gosec // G124: sessionCookie has set them
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
}

func sessionCookie(token string) *http.Cookie {
	return &http.Cookie{Name: SessionCookie, Value: token, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// sessionToken is empty where the browser sends none.
func sessionToken(r *http.Request) string {
	cookie, err := r.Cookie(SessionCookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}
