package auth

import (
	"context"
	"errors"
	"time"
)

// Guard is what users, sessions and clients have in common: the database, the one
// place where secrets are checked, and the audit log. Safe for concurrent use.
type Guard struct {
	db       DB
	hasher   *Hasher
	attempts *attempts
	audit    *Audit
	now      func() time.Time
}

// NewGuard makes a Guard; a process needs one. The key, of at least 32 bytes, is
// shared by replicas. now nil: time.Now.
func NewGuard(db DB, key []byte, now func() time.Time) (*Guard, error) {
	if len(key) < minSecret {
		return nil, errShortSecret
	}
	if now == nil {
		now = time.Now
	}
	h, err := NewHasher()
	if err != nil {
		return nil, err
	}
	return &Guard{db: db, hasher: h, attempts: &attempts{db: db, key: key, now: now}, audit: newAudit(db, now), now: now}, nil
}

// Audit gives the audit log.
func (g *Guard) Audit() *Audit { return g.audit }

// trial is a secret that somebody came with.
type trial struct {
	by      By
	subject string                                                 // what wrong ones are counted by: "user ann"
	secrets []string                                               // ways to read what was sent: one must be right
	find    func(ctx context.Context) (id, hash string, err error) // of whom it must be; empty: nobody
	wrong   error                                                  // what is said when it is wrong
	failed  string                                                 // and what the audit log says
	delayed string                                                 // of an attempt that came too soon
}

// try checks a secret, and gives whose it is and the hash it was held against.
// Whoever does not exist takes as long as whoever does. Errors: t.wrong, *Delayed,
// a *Refused "slow_down".
func (g *Guard) try(ctx context.Context, t trial) (id, hash string, err error) {
	leave, err := g.hasher.enter()
	if err != nil {
		return "", "", err
	}
	defer leave()
	counted, err := g.attempts.begin(ctx, t.subject, t.by.Address)
	if delayed, ok := errors.AsType[*Delayed](err); ok {
		return "", "", g.refuse(ctx, t, t.delayed, delayed)
	}
	if err != nil {
		return "", "", err
	}
	if id, hash, err = t.find(ctx); err != nil {
		return "", "", err
	}
	for _, secret := range t.secrets {
		same, err := g.hasher.match(ctx, secret, hash)
		if err != nil {
			return "", "", err
		}
		if same {
			return id, hash, counted.right(ctx)
		}
	}
	return "", "", g.refuse(ctx, t, t.failed, t.wrong)
}

// refuse writes down whom a refusal concerned, if there is such a one.
func (g *Guard) refuse(ctx context.Context, t trial, action string, refusal error) error {
	id, _, err := t.find(ctx)
	if err != nil {
		return err
	}
	if err := g.audit.Note(ctx, action, t.by, id, ""); err != nil {
		return err
	}
	return refusal
}
