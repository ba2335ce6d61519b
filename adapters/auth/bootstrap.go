package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/oklog/ulid/v2"
)

// BootstrapName is the user that a ledger begins with.
const BootstrapName = "admin"

// Bootstrap makes sure that somebody can sign in. With a password set, the user
// admin has it; whether the user is disabled is left as it is. Without, a ledger
// that has no users yet gets the user admin with a random password, which is
// returned this once and has to be changed at the first sign-in. Of several
// processes that start at once, one makes the user.
func (u *Users) Bootstrap(ctx context.Context, set string) (made string, err error) {
	if set != "" {
		return "", u.bootstrapWith(ctx, set)
	}
	var some bool
	if err := u.db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM ledger.users)").Scan(&some); err != nil {
		return "", fmt.Errorf("users: %w", err)
	}
	if some {
		return "", nil
	}
	made = strings.ToLower(rand.Text()[:20]) // 100 bits
	hash, err := u.hasher.hash(ctx, made)
	if err != nil {
		return "", err
	}
	first, err := u.makeAdmin(ctx, hash, true)
	if err != nil || !first {
		return "", err
	}
	return made, nil
}

func (u *Users) bootstrapWith(ctx context.Context, password string) error {
	is, err := u.named(ctx, BootstrapName)
	exists := !errors.Is(err, ErrNoUser)
	if err != nil && exists {
		return err
	}
	if exists {
		same, err := u.has(ctx, is.ID, password)
		if same || err != nil {
			return err
		}
	}
	hash, err := u.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	if !exists {
		if first, err := u.makeAdmin(ctx, hash, false); first || err != nil {
			return err
		}
		if is, err = u.named(ctx, BootstrapName); err != nil {
			return err
		}
	}
	_, err = u.change(ctx, By{}, is.ID, PasswordReset, func(tx pgx.Tx, is User) (string, bool, error) {
		return "by the environment", true, errors.Join(setPassword(ctx, tx, is.ID, hash, false), endSessions(ctx, tx, is.ID))
	})
	return err
}

// has tells whether a user has a password.
func (u *Users) has(ctx context.Context, id, password string) (bool, error) {
	var hash string
	if err := u.db.QueryRow(ctx, "SELECT coalesce(password_hash, '') FROM ledger.users WHERE id = $1", id).Scan(&hash); err != nil {
		return false, fmt.Errorf("password: %w", err)
	}
	leave, err := u.hasher.enter()
	if err != nil {
		return false, err
	}
	defer leave()
	return u.hasher.match(ctx, password, hash)
}

// makeAdmin makes the user admin; false: there is one by now.
func (u *Users) makeAdmin(ctx context.Context, hash string, mustChange bool) (first bool, err error) {
	id := ulid.Make().String()
	err = pgx.BeginFunc(ctx, u.db, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			INSERT INTO ledger.users (id, name, role, password_hash, must_change_password, created_at)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`, id, BootstrapName, Admin, hash, mustChange, u.now())
		if err != nil {
			return fmt.Errorf("user %s: %w", BootstrapName, err)
		}
		if first = tag.RowsAffected() == 1; !first {
			return nil
		}
		return note(ctx, tx, u.now(), UserJoined, By{}, id, "at the first start")
	})
	return first, err
}
