package auth

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"importledger/commands"
)

const (
	sessionIdle     = 12 * time.Hour      // a session that is not used for so long ends
	sessionLifetime = 14 * 24 * time.Hour // and after this, however much it is used
	seenEvery       = time.Minute         // how exactly its use is written down
	maxSessions     = 20                  // of one user; the one used longest ago gives way
	maxAgent        = 200                 // bytes of what a browser calls itself
)

// Session is a browser that is signed in.
type Session struct {
	ID        string // names it in lists; opens nothing
	User      User
	Scopes    []string // none while the user must change the password
	Agent     string   // what the browser calls itself
	CreatedAt time.Time
	SeenAt    time.Time // to the minute
	ExpiresAt time.Time
}

// Sessions are the browsers that are signed in. Each request asks the database, so
// that an end is an end at once, in all processes; it writes once a minute at most.
// Safe for concurrent use.
type Sessions struct {
	*Guard
	users *Users
}

// NewSessions makes the sessions of users.
func NewSessions(users *Users) *Sessions { return &Sessions{users.Guard, users} }

// ErrSignedOut is returned where a session is needed and there is none.
var ErrSignedOut = &commands.Refusal{Kind: commands.NotFound, Code: "session-not-found", Message: "There is no such session, or it has ended."}

// ScopesOf gives what a role may do, for those who keep users who must change their
// password from doing it themselves.
func (s *Sessions) ScopesOf(role string) []string { return s.users.roles[role] }

// Of gives the session whose cookie a request carries; false: none that is good.
func (s *Sessions) Of(r *http.Request) (Session, bool, error) {
	c, err := r.Cookie(CookieName)
	if err != nil {
		return Session{}, false, nil //nolint:nilerr // there is no such cookie
	}
	return s.Resume(r.Context(), c.Value)
}

const sessionColumns = `
	s.id, s.agent, s.created_at, s.last_seen_at, s.expires_at,
	u.id, u.name, u.role, u.must_change_password, u.password_hash IS NULL, u.created_at, u.signed_in_at, u.disabled_at`

func (s *Sessions) scan(row pgx.CollectableRow) (Session, error) {
	var x Session
	err := row.Scan(&x.ID, &x.Agent, &x.CreatedAt, &x.SeenAt, &x.ExpiresAt,
		&x.User.ID, &x.User.Name, &x.User.Role, &x.User.MustChange, &x.User.Invited, &x.User.CreatedAt, &x.User.SignedInAt, &x.User.DisabledAt)
	if !x.User.MustChange {
		x.Scopes = s.users.roles[x.User.Role]
	}
	return x, err
}

// live is the condition of a session that is good at $1, when $2 is the end of idleness.
const live = "u.disabled_at IS NULL AND s.expires_at > $1 AND s.last_seen_at > $2"

func (s *Sessions) query(ctx context.Context, where string, args ...any) ([]Session, error) {
	now := s.now()
	rows, err := s.db.Query(ctx, "SELECT "+sessionColumns+" FROM ledger.sessions s JOIN ledger.users u ON u.id = s.user_id WHERE "+live+" "+where,
		append([]any{now, now.Add(-sessionIdle)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("sessions: %w", err)
	}
	all, err := pgx.CollectRows(rows, s.scan)
	if err != nil {
		return nil, fmt.Errorf("sessions: %w", err)
	}
	return all, nil
}

// Resume gives the session of a token; false: none that is good.
func (s *Sessions) Resume(ctx context.Context, token string) (Session, bool, error) {
	found, err := s.query(ctx, "AND s.token_hash = $3", opaqueHash(token))
	if err != nil || len(found) == 0 {
		return Session{}, false, err
	}
	is := found[0]
	if now := s.now(); now.Sub(is.SeenAt) >= seenEvery {
		_, err := s.db.Exec(ctx, "UPDATE ledger.sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2", is.ID, now)
		if err != nil {
			return Session{}, false, fmt.Errorf("session: %w", err)
		}
	}
	return is, true, nil
}

// Find gives a session by its id, so that one can ask before revoking it.
func (s *Sessions) Find(ctx context.Context, id string) (Session, error) {
	found, err := s.query(ctx, "AND s.id = $3", id)
	if err == nil && len(found) == 0 {
		err = ErrSignedOut
	}
	if err != nil {
		return Session{}, err
	}
	return found[0], nil
}

// List gives a page of the sessions of a user, of everybody without one, the one
// used last first, and how many there are.
func (s *Sessions) List(ctx context.Context, userID string, offset, limit int) (page []Session, total int, err error) {
	now := s.now()
	err = s.db.QueryRow(ctx, "SELECT count(*) FROM ledger.sessions s JOIN ledger.users u ON u.id = s.user_id WHERE "+live+" AND (s.user_id = $3 OR $3 = '')",
		now, now.Add(-sessionIdle), userID).Scan(&total)
	if err != nil {
		return nil, 0, fmt.Errorf("sessions: %w", err)
	}
	page, err = s.query(ctx, "AND (s.user_id = $3 OR $3 = '') ORDER BY s.last_seen_at DESC, s.id OFFSET $4 LIMIT $5", userID, offset, limit)
	return page, total, err
}

// Revoke ends a session. Ending one that has ended is no error.
func (s *Sessions) Revoke(ctx context.Context, by By, id string) error {
	return s.end(ctx, by, SessionRevoked, "id = $1", id)
}

// SignOut ends the session of a token.
func (s *Sessions) SignOut(ctx context.Context, by By, token string) error {
	return s.end(ctx, by, SignedOut, "token_hash = $1", opaqueHash(token))
}

func (s *Sessions) end(ctx context.Context, by By, action, which string, arg any) error {
	return pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "DELETE FROM ledger.sessions WHERE "+which+" RETURNING user_id", arg)
		if err != nil {
			return fmt.Errorf("session: %w", err)
		}
		users, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("session: %w", err)
		}
		for _, id := range users {
			if action == SignedOut {
				by.ID = id
			}
			if err := note(ctx, tx, s.now(), action, by, id, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// endSessions signs a user out everywhere.
func endSessions(ctx context.Context, tx pgx.Tx, userID string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM ledger.sessions WHERE user_id = $1", userID); err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	return nil
}

// open makes a session and gives its token. A token is made for it and never taken
// from outside, so that nobody can plant one.
func (s *Sessions) open(ctx context.Context, tx pgx.Tx, userID, agent string) (token string, err error) {
	token, stored := newOpaque()
	now := s.now()
	if len(agent) > maxAgent {
		agent = agent[:maxAgent]
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO ledger.sessions (id, token_hash, user_id, agent, created_at, last_seen_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $5, $6)`, rand.Text(), stored, userID, printable(agent), now, now.Add(sessionLifetime))
	if err == nil {
		_, err = tx.Exec(ctx, `
			DELETE FROM ledger.sessions WHERE id IN (
				SELECT id FROM ledger.sessions WHERE user_id = $1 ORDER BY last_seen_at DESC, created_at DESC OFFSET $2)`, userID, maxSessions)
	}
	if err != nil {
		return "", fmt.Errorf("session: %w", err)
	}
	return token, nil
}
