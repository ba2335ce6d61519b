package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"

	"importledger/commands"
)

// ErrSignIn is the one answer to a name that nobody has, a wrong password, a user
// who is disabled, and one who has not chosen a password yet.
var ErrSignIn = &commands.Refusal{Kind: commands.Unacceptable, Code: "sign-in-refused", Message: "The name or the password is wrong."}

// SignIn is what somebody signs in with.
type SignIn struct {
	Name     string
	Password string
	Agent    string // what the browser calls itself
	Previous string // token of the session that the browser has now, which ends; empty: none
}

// SignIn checks a name and a password, and opens a session with a token of its own.
// Errors: ErrSignIn; *Delayed, or a *Refused "slow_down" when too many wait.
func (s *Sessions) SignIn(ctx context.Context, by By, in SignIn) (token string, is Session, err error) {
	user, hash, err := s.identify(ctx, by, in)
	if err != nil {
		return "", Session{}, err
	}
	if token, err = s.begin(ctx, by, user, hash, in.Agent, in.Previous); err != nil {
		return "", Session{}, err
	}
	is, found, err := s.Resume(ctx, token)
	if err == nil && !found {
		err = ErrSignIn
	}
	return token, is, err
}

// begin opens the session of a user who still has this password: one that was
// changed meanwhile opens nothing. The browser's previous session ends.
func (s *Sessions) begin(ctx context.Context, by By, user, hash, agent, previous string) (token string, err error) {
	by.ID = user
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		if previous != "" {
			if _, err := tx.Exec(ctx, "DELETE FROM ledger.sessions WHERE token_hash = $1", opaqueHash(previous)); err != nil {
				return fmt.Errorf("session: %w", err)
			}
		}
		tag, err := tx.Exec(ctx, "UPDATE ledger.users SET signed_in_at = $3 WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL", user, hash, s.now())
		if err != nil {
			return fmt.Errorf("user: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return ErrSignIn
		}
		if token, err = s.open(ctx, tx, user, agent); err != nil {
			return err
		}
		return note(ctx, tx, s.now(), SignedIn, by, user, "")
	})
	return token, err
}

// Join is what a user chooses a password with.
type Join struct {
	Link     string // its token
	Password string
	Agent    string // what the browser calls itself
	Previous string // token of the session that the browser has now, which ends; empty: none
}

// Join sets the password of the user whose link it is, and signs them in. Errors:
// ErrLink, what is refused of the password.
func (s *Sessions) Join(ctx context.Context, by By, in Join) (token string, err error) {
	is, hash, err := s.users.useLink(ctx, by, in.Link, in.Password)
	if err != nil {
		return "", err
	}
	return s.begin(ctx, by, is.ID, hash, in.Agent, in.Previous)
}

// identify checks a password and gives the user and the hash it was held against.
func (s *Sessions) identify(ctx context.Context, by By, in SignIn) (userID, hash string, err error) {
	name := strings.ToLower(in.Name)
	if !userName.MatchString(name) {
		name = "" // nobody's: what was typed here can be anything, a password too
	}
	if len(in.Password) > 4*longestPassword {
		in.Password = "" // no password is so long, and none is empty
	}
	by.ID = "" // nobody known yet
	return s.try(ctx, trial{by: by, subject: "user " + name, secrets: []string{in.Password}, wrong: ErrSignIn, failed: SignInFailed, delayed: SignInDelayed,
		find: func(ctx context.Context) (id, hash string, err error) {
			err = s.db.QueryRow(ctx, `
				SELECT id, CASE WHEN disabled_at IS NULL THEN coalesce(password_hash, '') ELSE '' END
				FROM ledger.users WHERE lower(name) = $1`, name).Scan(&id, &hash)
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return "", "", fmt.Errorf("user: %w", err)
			}
			return id, hash, nil
		}})
}

// ChangePassword lets the user of a session choose another password. All their
// sessions end, and this one goes on under a new token. Errors: ErrSignedOut,
// ErrSignIn for a wrong current password, what is refused of the new one, *Delayed.
func (s *Sessions) ChangePassword(ctx context.Context, by By, token, current, next string) (newToken string, err error) {
	is, found, err := s.Resume(ctx, token)
	if err != nil {
		return "", err
	}
	if !found {
		return "", ErrSignedOut
	}
	if err := checkPassword(next, is.User.Name); err != nil {
		return "", err
	}
	if current == next {
		return "", errSamePassword
	}
	user, _, err := s.identify(ctx, by, SignIn{Name: is.User.Name, Password: current})
	if err != nil {
		return "", err
	}
	hash, err := s.hasher.hash(ctx, next)
	if err != nil {
		return "", err
	}
	by.ID = user
	_, err = s.users.change(ctx, by, user, PasswordChanged, func(tx pgx.Tx, _ User) (string, bool, error) {
		if err := errors.Join(setPassword(ctx, tx, user, hash, false), endSessions(ctx, tx, user), endLink(ctx, tx, user)); err != nil {
			return "", false, err
		}
		newToken, err = s.open(ctx, tx, user, is.Agent)
		return "", true, err
	})
	return newToken, err
}

var errSamePassword = &commands.Refusal{Kind: commands.Unacceptable, Code: "password-unchanged", Message: "The new password is the old one. Choose another."}

// printable keeps what a browser calls itself to one line of text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}
