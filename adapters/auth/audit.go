package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Audit is the log of sign-ins, refusals and administrative changes. A change
// writes its entry in its own transaction. What can happen many times over (refused
// requests, wrong secrets, tokens) is written at once the first time; more of the
// like within a minute are counted, and become one entry. A process that is killed
// takes such a count with it, and nothing else. Safe for concurrent use.
type Audit struct {
	db  DB
	now func() time.Time

	mu      sync.Mutex
	repeats map[repeatKey]*repeat
}

type repeatKey struct{ action, actor, target, detail, network string }

type repeat struct {
	by    By // of the last one
	first time.Time
	times int // beyond the first, which is written
}

const (
	repeatsWithin = time.Minute
	maxRepeats    = 4096
)

func newAudit(db DB, now func() time.Time) *Audit {
	return &Audit{db: db, now: now, repeats: map[repeatKey]*repeat{}}
}

// Note writes down something that may happen many times over.
func (a *Audit) Note(ctx context.Context, action string, by By, target, detail string) error {
	key, now := repeatKey{action, by.ID, target, detail, network(by.Address)}, a.now()
	a.mu.Lock()
	known := a.repeats[key]
	if known != nil && now.Sub(known.first) < repeatsWithin {
		known.times++
		known.by = by
		a.mu.Unlock()
		return nil
	}
	full := len(a.repeats) >= maxRepeats
	a.mu.Unlock()
	if known != nil || full {
		if err := a.flush(ctx, full); err != nil {
			return err
		}
	}
	if err := note(ctx, a.db, now, action, by, target, detail); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.repeats[key] == nil { // not by another request meanwhile
		a.repeats[key] = &repeat{by: by, first: now}
	}
	return nil
}

// Flush writes the counts of minutes that have passed; Close writes all.
func (a *Audit) Flush(ctx context.Context) error { return a.flush(ctx, false) }

// Close writes what has been counted and not written.
func (a *Audit) Close(ctx context.Context) error { return a.flush(ctx, true) }

func (a *Audit) flush(ctx context.Context, all bool) error {
	now, done := a.now(), map[repeatKey]*repeat{}
	a.mu.Lock()
	for key, r := range a.repeats {
		if all || now.Sub(r.first) >= repeatsWithin {
			done[key] = r
			delete(a.repeats, key)
		}
	}
	a.mu.Unlock()
	var failed []error
	for key, r := range done {
		if r.times == 0 {
			continue
		}
		by := r.by
		by.ID = key.actor
		failed = append(failed, noteTimes(ctx, a.db, now, key.action, by, key.target, key.detail, r.times))
	}
	return errors.Join(failed...)
}

// Entry is one line of the audit log.
type Entry struct {
	ID         int64
	At         time.Time
	Action     string
	Actor      string // id; empty: nobody known, or the program itself
	ActorName  string // of a user or client that is known
	Target     string
	TargetName string
	Times      int
	Detail     string
	Network    string
	Request    string
}

// Filter says which entries are wanted; what is empty is not asked about.
type Filter struct {
	Actor, Target, Action string
	From, To              time.Time // from inclusive, to exclusive
}

const filtered = `
	FROM ledger.audit_log l
	LEFT JOIN ledger.users u ON u.id = l.actor LEFT JOIN ledger.api_clients c ON c.id = l.actor
	LEFT JOIN ledger.users v ON v.id = l.target LEFT JOIN ledger.api_clients d ON d.id = l.target
	WHERE ($1 = '' OR l.actor = $1) AND ($2 = '' OR l.target = $2) AND ($3 = '' OR l.action = $3)
		AND ($4::timestamptz IS NULL OR l.at >= $4) AND ($5::timestamptz IS NULL OR l.at < $5)`

// List gives a page of entries, the newest first, and how many there are.
func (a *Audit) List(ctx context.Context, f Filter, offset, limit int) (page []Entry, total int, err error) {
	args := []any{f.Actor, f.Target, f.Action, orNull(f.From), orNull(f.To)}
	if err := a.db.QueryRow(ctx, "SELECT count(*) "+filtered, args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("audit log: %w", err)
	}
	page, err = list[Entry](ctx, a.db, "audit log", `
		SELECT l.id, l.at, l.action, coalesce(l.actor, ''), coalesce(u.name, c.name, ''), coalesce(l.target, ''), coalesce(v.name, d.name, ''),
			l.times, coalesce(l.detail, ''), coalesce(l.network, ''), coalesce(l.request, '')`+filtered+`
		ORDER BY l.id DESC OFFSET $6 LIMIT $7`, append(args, offset, limit)...)
	return page, total, err
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// shortestRetention is what the database itself holds: see the table's trigger.
const shortestRetention = 30 * 24 * time.Hour

// Tidy removes what has had its time: entries of the audit log after retention,
// sessions and links that have ended, counts that no longer matter.
func (g *Guard) Tidy(ctx context.Context, retention time.Duration) error {
	now := g.now()
	var failed []error
	for _, old := range []struct {
		sql    string
		before time.Time
	}{
		{"DELETE FROM ledger.audit_log WHERE at < $1", now.Add(-max(retention, shortestRetention+time.Hour))},
		{"DELETE FROM ledger.sessions WHERE expires_at < $1", now},
		{"DELETE FROM ledger.sessions WHERE last_seen_at < $1", now.Add(-sessionIdle)},
		{"DELETE FROM ledger.user_links WHERE expires_at < $1", now},
		{"DELETE FROM ledger.secret_attempts WHERE last_at < $1", now.Add(-24 * time.Hour)},
		{"DELETE FROM ledger.rate_windows WHERE started < $1", now.Add(-2 * rateWindow)},
	} {
		if _, err := g.db.Exec(ctx, old.sql, old.before); err != nil {
			failed = append(failed, fmt.Errorf("tidy up: %w", err))
		}
	}
	return errors.Join(failed...)
}

var _ DB = pgx.Tx(nil)
