package connectors

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Wrong passwords of one username from one address cost more and more time, then a
// ban; so do those of one address with any username, after more of them. Counting by
// username alone would let anybody lock a connector out.
const (
	freeFailures    = 2               // wrong passwords that cost nothing
	longestDelay    = 8 * time.Second // before a wrong one is answered
	bannedAt        = 10              // wrong passwords of a username from an address
	addressBannedAt = 50              // wrong passwords from an address
	firstBan        = 15 * time.Minute
	longestBan      = 24 * time.Hour // and how long wrong ones are remembered
)

// Password tells which connector signs in with a password. It is nobody's business
// why it does not: one error for wrong passwords, unknown usernames and disabled
// connectors, after the same time. The wrong ones are answered late.
func (c *Connectors) Password(ctx context.Context, protocol, username string, from netip.Addr, password string) (connectorID string, err error) {
	who, err := c.signingIn(ctx, protocol, username)
	if err != nil {
		return "", err
	}
	if password == "" {
		c.refusedLogin(ctx, who, "password-empty", from)
		return "", errNotAllowed
	}
	keys := c.attemptKeys(username, from)
	turn, err := c.beginTurn(ctx, keys[0].digest)
	if err != nil {
		return "", err
	}
	defer turn.end(ctx)
	banned, err := c.isBanned(ctx, keys)
	if err != nil {
		return "", err
	}
	if banned {
		c.refusedLogin(ctx, who, errManyRefused.Code, from)
		return "", errManyRefused
	}
	ok, err := c.deps.Passwords.Match(ctx, password, who.passwordHash)
	if err != nil {
		return "", fmt.Errorf("compare a password: %w", err)
	}
	if ok && who.id != "" {
		return who.id, c.forgetAttempts(ctx, keys[0])
	}
	c.refusedLogin(ctx, who, "password-wrong", from)
	delay, err := c.countAttempt(ctx, keys)
	if err != nil {
		return "", err
	}
	if err := turn.keep(ctx, delay); err != nil {
		return "", err
	}
	if err := c.delay(ctx, delay); err != nil {
		return "", err
	}
	return "", errNotAllowed
}

// Key tells which connector signs in with an SSH key, given as ParseKey gives it.
// Clients offer all the keys that they have: one that is not the connector's is no
// attempt to be counted.
func (c *Connectors) Key(ctx context.Context, protocol, username string, key string) (connectorID string, err error) {
	who, err := c.signingIn(ctx, protocol, username)
	if err != nil {
		return "", err
	}
	for _, known := range who.keys {
		if sameKey(known, key) {
			return who.id, nil
		}
	}
	return "", errNotAllowed
}

// sameKey compares without the comments that follow the keys.
func sameKey(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	return len(x) >= 2 && len(y) >= 2 && x[0] == y[0] && x[1] == y[1]
}

// Refused writes down that a client left without having shown who it is.
func (c *Connectors) Refused(ctx context.Context, protocol, username string, from netip.Addr, why string) error {
	who, err := c.signingIn(ctx, protocol, username)
	if err == nil {
		c.refusedLogin(ctx, who, why, from)
	}
	return err
}

func (c *Connectors) refusedLogin(ctx context.Context, who applicant, why string, from netip.Addr) {
	if who.known != "" {
		c.note(ctx, who.known, activity{action: loginRefused, detail: why, network: networkOf(from)})
	}
}

// applicant is a connector that somebody claims to be.
type applicant struct {
	known        string // id; empty: there is no such username
	id           string // the same; empty too while it may not come in
	passwordHash string
	keys         []string
}

func (c *Connectors) signingIn(ctx context.Context, protocol, username string) (who applicant, err error) {
	var enabled bool
	err = c.deps.DB.QueryRow(ctx, `
		SELECT id, enabled, coalesce(password_hash, ''), public_keys FROM ledger.connectors
		WHERE username = $1 AND protocol = $2 AND removed_at IS NULL`, strings.ToValidUTF8(strings.ReplaceAll(username, "\x00", ""), ""), protocol).
		Scan(&who.known, &enabled, &who.passwordHash, &who.keys)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return applicant{}, nil
	case err != nil:
		return applicant{}, fmt.Errorf("connector that signs in: %w", err)
	case !enabled:
		return applicant{known: who.known, passwordHash: who.passwordHash}, nil
	}
	who.id = who.known
	return who, nil
}

// attemptKey is what wrong passwords are counted under, and how many lead to a ban.
type attemptKey struct {
	digest []byte
	most   int
}

// attemptKeys gives that of the username from the address first. Of an IPv6 address
// the first 64 bits count: the rest is the client's to choose.
func (c *Connectors) attemptKeys(username string, from netip.Addr) [2]attemptKey {
	from = from.Unmap().WithZone("")
	if from.Is6() {
		if p, err := from.Prefix(64); err == nil {
			from = p.Addr()
		}
	}
	digest := func(text string) []byte {
		h := hmac.New(sha256.New, c.deps.DigestKey)
		h.Write([]byte(text)) // a hash.Hash never fails
		return h.Sum(nil)
	}
	return [2]attemptKey{{digest(from.String() + "\x00" + username), bannedAt}, {digest(from.String()), addressBannedAt}}
}

func (c *Connectors) isBanned(ctx context.Context, keys [2]attemptKey) (banned bool, err error) {
	err = c.deps.DB.QueryRow(ctx, "SELECT EXISTS (SELECT FROM ledger.connector_attempts WHERE key IN ($1, $2) AND banned_until > $3)",
		keys[0].digest, keys[1].digest, c.deps.Now()).Scan(&banned)
	if err != nil {
		return false, fmt.Errorf("wrong passwords: %w", err)
	}
	return banned, nil
}

// countAttempt counts a wrong password, and gives how long its answer waits.
func (c *Connectors) countAttempt(ctx context.Context, keys [2]attemptKey) (delay time.Duration, err error) {
	now := c.deps.Now()
	for i, key := range keys {
		var failures int
		err := c.deps.DB.QueryRow(ctx, `
			INSERT INTO ledger.connector_attempts AS a (key, failures, last_at) VALUES ($1, 1, $2)
			ON CONFLICT (key) DO UPDATE SET last_at = $2, failures = CASE WHEN a.last_at < $3 THEN 1 ELSE a.failures + 1 END
			RETURNING failures`, key.digest, now, now.Add(-longestBan)).Scan(&failures)
		if err != nil {
			return 0, fmt.Errorf("wrong passwords: %w", err)
		}
		if i == 0 {
			delay = delayAfter(failures)
		}
		if failures < key.most {
			continue
		}
		until := now.Add(banAfter(failures - key.most))
		if _, err := c.deps.DB.Exec(ctx, "UPDATE ledger.connector_attempts SET banned_until = greatest(banned_until, $2) WHERE key = $1", key.digest, until); err != nil {
			return 0, fmt.Errorf("wrong passwords: %w", err)
		}
	}
	return delay, nil
}

// forgetAttempts starts afresh after a right password.
func (c *Connectors) forgetAttempts(ctx context.Context, key attemptKey) error {
	if _, err := c.deps.DB.Exec(ctx, "DELETE FROM ledger.connector_attempts WHERE key = $1", key.digest); err != nil {
		return fmt.Errorf("wrong passwords: %w", err)
	}
	return nil
}

func delayAfter(failures int) time.Duration {
	if failures <= freeFailures {
		return 0
	}
	return min(time.Second<<min(failures-freeFailures-1, 10), longestDelay)
}

func banAfter(beyond int) time.Duration { return min(firstBan<<min(beyond, 10), longestBan) }
