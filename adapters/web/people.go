package web

import (
	"context"
	"time"
)

// People are the users of the ledger. Refusals that a person can act on are
// *commands.Refusal.
type People interface {
	// Names gives the name of each id of a user or API client that is known.
	Names(ctx context.Context, ids []string) (map[string]string, error)
	// List gives a page of all by name, and how many there are.
	List(ctx context.Context, offset, limit int) (page []Person, total int, err error)
	Find(ctx context.Context, id string) (Person, error)
	// Invite makes a user, with a link by which they choose a password.
	Invite(ctx context.Context, by By, name, role string) (Person, Link, error)
	// SetRole gives a user another role; their sessions end.
	SetRole(ctx context.Context, by By, id, role string) (Person, error)
	Disable(ctx context.Context, by By, id string) (Person, error)
	Enable(ctx context.Context, by By, id string) (Person, error)
	// Reset makes a link by which a user chooses another password.
	Reset(ctx context.Context, by By, id string) (Person, Link, error)
}

// By is on whose behalf something is asked for.
type By struct {
	User User
	From Client
}

func (v *visit) by() By { return By{v.user, v.client()} }

// Person is somebody who signs in, or has been asked to.
type Person struct {
	ID         string
	Name       string
	Role       string
	MustChange bool // has to choose a password first
	Invited    bool // has not chosen one yet
	CreatedAt  time.Time
	SignedInAt *time.Time // nil: never
	DisabledAt *time.Time // nil: is not
}

// Word is how the person stands.
func (p Person) Word() string {
	switch {
	case p.DisabledAt != nil:
		return "Disabled"
	case p.Invited:
		return "Invited"
	}
	return "Active"
}

// Icon is the shape of how the person stands.
func (p Person) Icon() string {
	return map[string]string{"Disabled": "canceled", "Invited": "preparing", "Active": "imported"}[p.Word()]
}

// Link lets its bearer choose a user's password, once.
type Link struct {
	Token     string
	ExpiresAt time.Time
}

// Programs are the API clients of the ledger. Refusals that a person can act on are
// *commands.Refusal.
type Programs interface {
	// List gives a page of all by name, the revoked ones too, and how many there are.
	List(ctx context.Context, offset, limit int) (page []Program, total int, err error)
	Find(ctx context.Context, id string) (Program, error)
	// Create makes a client; its secret is given out here and kept nowhere.
	Create(ctx context.Context, by By, name string, scopes []string) (is Program, secret string, err error)
	// Rotate gives a client another secret; the old one stops at once.
	Rotate(ctx context.Context, by By, id string) (is Program, secret string, err error)
	// Revoke ends a client for good.
	Revoke(ctx context.Context, by By, id string) (Program, error)
}

// Program is an API client.
type Program struct {
	ID        string // the client_id of OAuth 2.0
	Name      string
	Scopes    []string
	Origin    string // "bootstrap": named by the server's environment
	CreatedAt time.Time
	RevokedAt *time.Time // nil: is not
}

// AuditLog is the log of sign-ins, refusals and administrative changes.
type AuditLog interface {
	// Note writes down what may happen many times over.
	Note(ctx context.Context, action string, by By, target, detail string) error
	// List gives a page of entries, the newest first, and how many there are.
	List(ctx context.Context, f AuditFilter, offset, limit int) (page []AuditEntry, total int, err error)
}

// AuditEntry is one line of the audit log.
type AuditEntry struct {
	ID         int64
	At         time.Time
	Action     string
	Actor      string // id; empty: nobody known, or the server itself
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
	From, To              time.Time // from inclusive, to exclusive
}
