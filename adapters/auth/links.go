package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"importledger/commands"
)

// linkLifetime is how long an invitation, or a reset, can be answered.
const linkLifetime = 72 * time.Hour

// Link lets its bearer choose a user's password, once. The token is a secret: it is
// given out here and kept nowhere.
type Link struct {
	Token     string
	ExpiresAt time.Time
}

// ErrLink is returned for a token that nobody was given, that was used, replaced or
// is too old.
var ErrLink = &commands.Refusal{Kind: commands.NotFound, Code: "link-invalid",
	Message: "This link is not valid, or no longer. Ask for a new one."}

// newLink makes a link; the user's older one stops working.
func newLink(ctx context.Context, tx pgx.Tx, userID string, now time.Time) (Link, error) {
	token, stored := newOpaque()
	link := Link{Token: token, ExpiresAt: now.Add(linkLifetime)}
	_, err := tx.Exec(ctx, `
		INSERT INTO ledger.user_links (user_id, token_hash, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (user_id) DO UPDATE SET token_hash = excluded.token_hash, expires_at = excluded.expires_at`,
		userID, stored, link.ExpiresAt)
	if err != nil {
		return Link{}, fmt.Errorf("link: %w", err)
	}
	return link, nil
}

func endLink(ctx context.Context, tx pgx.Tx, userID string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM ledger.user_links WHERE user_id = $1", userID); err != nil {
		return fmt.Errorf("link: %w", err)
	}
	return nil
}

// LinkUser tells whose link a token is, to greet them. The link can still be used.
func (u *Users) LinkUser(ctx context.Context, token string) (User, error) {
	is, err := findUser(ctx, u.db, `
		WHERE disabled_at IS NULL AND id = (SELECT user_id FROM ledger.user_links WHERE token_hash = $1 AND expires_at > $2)`,
		opaqueHash(token), u.now())
	if errors.Is(err, ErrNoUser) {
		err = ErrLink
	}
	return is, err
}

// UseLink sets the password of the user whose link the token is. The link is used
// up and the user's sessions end; a password that is refused leaves both.
func (u *Users) UseLink(ctx context.Context, by By, token, password string) (User, error) {
	is, _, err := u.useLink(ctx, by, token, password)
	return is, err
}

// useLink also gives the hash of the password.
func (u *Users) useLink(ctx context.Context, by By, token, password string) (is User, hash string, err error) {
	if is, err = u.LinkUser(ctx, token); err != nil {
		return User{}, "", err
	}
	if hash, err = u.newPassword(ctx, password, is.Name); err != nil {
		return User{}, "", err
	}
	by.ID = is.ID
	action := PasswordChanged
	if is.Invited {
		action = UserJoined
	}
	is, err = u.change(ctx, by, is.ID, action, func(tx pgx.Tx, _ User) (string, bool, error) {
		used, err := tx.Exec(ctx, "DELETE FROM ledger.user_links WHERE token_hash = $1 AND expires_at > $2", opaqueHash(token), u.now())
		if err != nil {
			return "", false, fmt.Errorf("link: %w", err)
		}
		if used.RowsAffected() == 0 { // somebody was faster
			return "", false, ErrLink
		}
		return "by link", true, errors.Join(setPassword(ctx, tx, is.ID, hash, false), endSessions(ctx, tx, is.ID))
	})
	return is, hash, err
}

// Reset makes a link by which a user chooses another password. The old password
// works until then, unless the user never had one.
func (u *Users) Reset(ctx context.Context, by By, id string) (is User, link Link, err error) {
	is, err = u.change(ctx, by, id, PasswordReset, func(tx pgx.Tx, is User) (string, bool, error) {
		if err := by.hasAll(u.roles[is.Role]); err != nil {
			return "", false, err
		}
		if is.DisabledAt != nil {
			return "", false, errDisabled
		}
		link, err = newLink(ctx, tx, id, u.now())
		return "link", true, err
	})
	return is, link, err
}

var errDisabled = &commands.Refusal{Kind: commands.Conflict, Code: "user-disabled", Message: "This user is disabled. Enable them first."}

// SetPassword gives a user a password that somebody else knows: they must choose
// their own when they sign in. Their sessions end.
func (u *Users) SetPassword(ctx context.Context, by By, id, password string) (User, error) {
	is, err := u.Find(ctx, id)
	if err != nil {
		return User{}, err
	}
	hash, err := u.newPassword(ctx, password, is.Name)
	if err != nil {
		return User{}, err
	}
	return u.change(ctx, by, is.ID, PasswordReset, func(tx pgx.Tx, is User) (string, bool, error) {
		if err := by.hasAll(u.roles[is.Role]); err != nil {
			return "", false, err
		}
		return "password", true, errors.Join(setPassword(ctx, tx, is.ID, hash, true), endSessions(ctx, tx, is.ID), endLink(ctx, tx, is.ID))
	})
}

// newPassword checks a password and hashes it.
func (u *Users) newPassword(ctx context.Context, password, name string) (hash string, err error) {
	if err := checkPassword(password, name); err != nil {
		return "", err
	}
	return u.hasher.hash(ctx, password)
}

func setPassword(ctx context.Context, tx pgx.Tx, id, hash string, mustChange bool) error {
	_, err := tx.Exec(ctx, "UPDATE ledger.users SET password_hash = $2, must_change_password = $3 WHERE id = $1", id, hash, mustChange)
	if err != nil {
		return fmt.Errorf("password: %w", err)
	}
	return nil
}
