package auth

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// attempts make wrong secrets slow, for all processes together. An attempt is
// counted before it is looked at and taken back when it was right, so that many at
// once are no way round. Three counts are kept, each with its own patience: of one
// subject from one place, of one place, and of one subject wherever it is tried.
type attempts struct {
	db  DB
	key []byte // of the digests, so that the table tells no names and addresses
	now func() time.Time
}

// patience is how a count becomes a delay.
type patience struct {
	free    float64       // attempts without one
	longest time.Duration // it doubles from two seconds up to this
	forgive time.Duration // in which one attempt is forgotten
}

// In the long run this leaves a guesser one guess in ten minutes at one account
// from one place, one a minute from one place at all accounts together, and one a
// minute at one account from everywhere. The last is short, since it also hits the
// account's owner.
var (
	subjectHere = patience{free: 10, longest: 15 * time.Minute, forgive: 10 * time.Minute}
	anybodyHere = patience{free: 60, longest: 5 * time.Minute, forgive: time.Minute}
	subjectAny  = patience{free: 100, longest: time.Minute, forgive: time.Minute}
)

// Delayed is an attempt that was not looked at, since too many before it were
// wrong.
type Delayed struct{ after time.Duration }

func (d *Delayed) Error() string { return "Too many wrong attempts. Wait before the next one." }

// OAuthError gives the code of a request that was not looked at.
func (d *Delayed) OAuthError() string { return "slow_down" }

// RetryAfter is how long to wait.
func (d *Delayed) RetryAfter() time.Duration { return d.after }

// attempt is one that was counted.
type attempt struct {
	of   *attempts
	keys []attemptKey
}

type attemptKey struct {
	digest []byte
	patience
	whole bool // forgotten as a whole after a success
}

// begin counts an attempt at a subject ("user ann"), or fails with *Delayed.
func (a *attempts) begin(ctx context.Context, subject string, from netip.Addr) (*attempt, error) {
	place := placeOf(from)
	made := &attempt{of: a, keys: []attemptKey{
		{a.digest("both", subject, place), subjectHere, true},
		{a.digest("place", place), anybodyHere, false},
		{a.digest("subject", subject), subjectAny, false},
	}}
	// In one order for all, so that two processes never wait for each other.
	slices.SortFunc(made.keys, func(x, y attemptKey) int { return bytes.Compare(x.digest, y.digest) })
	now := a.now()
	var delayed time.Duration
	err := pgx.BeginFunc(ctx, a.db, func(tx pgx.Tx) error {
		for _, k := range made.keys {
			next, err := k.count(ctx, tx, now)
			if err != nil {
				return err
			}
			delayed = max(delayed, next.Sub(now))
		}
		if delayed > 0 {
			return &Delayed{delayed} // and nothing is counted
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// count adds an attempt, or gives the later time from which one is looked at.
func (k attemptKey) count(ctx context.Context, tx pgx.Tx, now time.Time) (next time.Time, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO ledger.secret_attempts AS a (key, failures, last_at, next_at) VALUES ($1, 1, $2, $2)
		ON CONFLICT (key) DO UPDATE SET
			failures = greatest(0, a.failures - extract(epoch FROM $2 - a.last_at) / $3::float8) + 1,
			last_at = $2,
			next_at = CASE
				WHEN greatest(0, a.failures - extract(epoch FROM $2 - a.last_at) / $3::float8) + 1 <= $4::float8 THEN $2
				ELSE $2 + interval '1 second' * least($5::float8,
					power(2, least(30, floor(greatest(0, a.failures - extract(epoch FROM $2 - a.last_at) / $3::float8) + 1 - $4::float8))))
			END
		WHERE a.next_at <= $2
		RETURNING $2::timestamptz`,
		k.digest, now, k.forgive.Seconds(), k.free, k.longest.Seconds()).Scan(&next)
	if errors.Is(err, pgx.ErrNoRows) {
		err = tx.QueryRow(ctx, "SELECT next_at FROM ledger.secret_attempts WHERE key = $1", k.digest).Scan(&next)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("wrong attempts: %w", err)
	}
	return next, nil
}

// right takes an attempt back.
func (t *attempt) right(ctx context.Context) error {
	return pgx.BeginFunc(ctx, t.of.db, func(tx pgx.Tx) error {
		for _, k := range t.keys {
			sql := "UPDATE ledger.secret_attempts SET failures = greatest(0, failures - 1), next_at = $2 WHERE key = $1"
			if k.whole {
				sql = "DELETE FROM ledger.secret_attempts WHERE key = $1 AND last_at <= $2"
			}
			if _, err := tx.Exec(ctx, sql, k.digest, t.of.now()); err != nil {
				return fmt.Errorf("wrong attempts: %w", err)
			}
		}
		return nil
	})
}

func (a *attempts) digest(parts ...string) []byte { return digest(a.key, parts...) }

// digest is keyed, so that names and addresses cannot be read from it by trying
// them all.
func digest(key []byte, parts ...string) []byte {
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		fmt.Fprintf(mac, "%d:%s", len(p), p)
	}
	return mac.Sum(nil)[:16]
}

// placeOf is what counts as one place: of an IPv6 address the /64, which one
// subscriber has whole.
func placeOf(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}
