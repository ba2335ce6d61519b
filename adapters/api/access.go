package api

import (
	"context"
	"net/http"
	"net/netip"
	"time"
)

// Access is who may come in beside the bearers of tokens, and how much they may ask
// for.
type Access struct {
	Sessions Sessions
	Users    Users
	Clients  Clients
	Audit    Audit
	Limits   RateLimits
	// Address is where a request comes from, trusted proxies seen through.
	Address func(*http.Request) netip.Addr
	// RequestsPerMinute is the limit of one client or user.
	RequestsPerMinute int64
}

// By is on whose behalf something is asked for.
type By struct {
	ID      string
	Scopes  []string
	Address netip.Addr
	Request string
}

// User is somebody who signs in, or has been asked to.
type User struct {
	ID         string
	Name       string
	Role       string
	MustChange bool // may do nothing but choose a password
	Invited    bool // has not chosen a password yet
	CreatedAt  time.Time
	SignedInAt *time.Time
	DisabledAt *time.Time
}

// Link lets its bearer choose a user's password, once.
type Link struct {
	Token     string
	ExpiresAt time.Time
}

// Users are the people of the ledger. Refusals are *commands.Refusal.
type Users interface {
	List(ctx context.Context, offset, limit int) (page []User, total int, err error)
	Find(ctx context.Context, id string) (User, error)
	Invite(ctx context.Context, by By, name, role string) (User, Link, error)
	SetRole(ctx context.Context, by By, id, role string) (User, error)
	Disable(ctx context.Context, by By, id string) (User, error)
	Enable(ctx context.Context, by By, id string) (User, error)
	Reset(ctx context.Context, by By, id string) (User, Link, error)
	SetPassword(ctx context.Context, by By, id, password string) (User, error)
}

// Session is a browser that is signed in.
type Session struct {
	ID        string
	User      User
	Scopes    []string // none while the user must change the password
	Agent     string   // what the browser calls itself
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
}

// Sessions are the browsers that are signed in.
type Sessions interface {
	// Of gives the session that a request carries; false: none that is good.
	Of(r *http.Request) (Session, bool, error)
	// List gives those of a user, without one everybody's.
	List(ctx context.Context, userID string, offset, limit int) (page []Session, total int, err error)
	Revoke(ctx context.Context, by By, id string) error
}

// Client is a program that may ask for tokens.
type Client struct {
	ID        string
	Name      string
	Scopes    []string
	Origin    string
	CreatedAt time.Time
	RevokedAt *time.Time
}

// Clients are the API clients of the ledger. Refusals are *commands.Refusal.
type Clients interface {
	List(ctx context.Context, offset, limit int) (page []Client, total int, err error)
	Find(ctx context.Context, id string) (Client, error)
	Create(ctx context.Context, by By, name string, scopes []string) (is Client, secret string, err error)
	Rotate(ctx context.Context, by By, id string) (is Client, secret string, err error)
	Revoke(ctx context.Context, by By, id string) (Client, error)
}

// AuditEntry is one line of the audit log.
type AuditEntry struct {
	ID         int64
	At         time.Time
	Action     string
	Actor      string
	ActorName  string
	Target     string
	TargetName string
	Times      int
	Detail     string
	Network    string
	Request    string
}

// AuditFilter says which entries are wanted; what is empty is not asked about.
type AuditFilter struct {
	Actor, Target, Action string
	From, To              time.Time
}

// Audit is the log of sign-ins, refusals and administrative changes.
type Audit interface {
	// Note writes down what may happen many times over.
	Note(ctx context.Context, action string, by By, target, detail string) error
	List(ctx context.Context, f AuditFilter, offset, limit int) (page []AuditEntry, total int, err error)
}

// RateLimits count requests, for all processes together. Over a limit, wait says
// how long until there is more. An error comes beside an answer.
type RateLimits interface {
	Caller(ctx context.Context, id string, perMinute int64) (wait time.Duration, err error)
	Address(ctx context.Context, purpose string, from netip.Addr, perMinute int64) (wait time.Duration, err error)
}
