package auth

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/oklog/ulid/v2"

	"importledger/commands"
)

// User is somebody who signs in, or has been asked to.
type User struct {
	ID         string
	Name       string
	Role       string
	MustChange bool // may do nothing but choose a password
	Invited    bool // has not chosen a password yet
	CreatedAt  time.Time
	SignedInAt *time.Time // nil: never
	DisabledAt *time.Time // nil: is not
}

// Users are the people of a ledger. What changes is in force with the next request
// of any process. Safe for concurrent use.
type Users struct {
	*Guard
	roles Roles
}

// NewUsers makes Users.
func NewUsers(g *Guard, roles Roles) *Users { return &Users{g, roles} }

// What is refused of users.
var (
	ErrNoUser    = &commands.Refusal{Kind: commands.NotFound, Code: "user-not-found", Message: "There is no such user. Take one from the list of users."}
	ErrNameTaken = &commands.Refusal{Kind: commands.Conflict, Code: "user-name-taken", Message: "There is a user of this name already. Choose another name, or give that user a new password."}
	ErrLastAdmin = &commands.Refusal{Kind: commands.Conflict, Code: "last-admin",
		Message: "This is the last admin who can sign in. Make somebody else an admin first."}
	errName = &commands.Refusal{Kind: commands.Unacceptable, Code: "user-name-invalid",
		Message: "A user's name has 1 to 100 letters, digits and the characters . _ @ + -"}
)

var userName = regexp.MustCompile(`^[A-Za-z0-9._@+-]{1,100}$`)

const userColumns = `id, name, role, must_change_password, password_hash IS NULL, created_at, signed_in_at, disabled_at`

// List gives a page of all users by name, and how many there are.
func (u *Users) List(ctx context.Context, offset, limit int) (page []User, total int, err error) {
	if err := u.db.QueryRow(ctx, "SELECT count(*) FROM ledger.users").Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("users: %w", err)
	}
	page, err = list[User](ctx, u.db, "users",
		"SELECT "+userColumns+" FROM ledger.users ORDER BY lower(name) OFFSET $1 LIMIT $2", offset, limit)
	return page, total, err
}

// Find gives a user by id.
func (u *Users) Find(ctx context.Context, id string) (User, error) {
	return findUser(ctx, u.db, "WHERE id = $1", id)
}

func (u *Users) named(ctx context.Context, name string) (User, error) {
	return findUser(ctx, u.db, "WHERE lower(name) = $1", strings.ToLower(name))
}

func findUser(ctx context.Context, db DB, where string, args ...any) (User, error) {
	found, err := list[User](ctx, db, "user", "SELECT "+userColumns+" FROM ledger.users "+where, args...)
	if err == nil && len(found) == 0 {
		err = ErrNoUser
	}
	if err != nil {
		return User{}, err
	}
	return found[0], nil
}

// Invite makes a user who has no password yet, and the token of a link by which
// they choose one.
func (u *Users) Invite(ctx context.Context, by By, name, role string) (made User, link Link, err error) {
	if !userName.MatchString(name) {
		return User{}, Link{}, errName
	}
	if err := u.mayGive(by, role); err != nil {
		return User{}, Link{}, err
	}
	made = User{ID: ulid.Make().String(), Name: name, Role: role, Invited: true, CreatedAt: u.now()}
	err = pgx.BeginFunc(ctx, u.db, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO ledger.users (id, name, role, created_at) VALUES ($1, $2, $3, $4)", made.ID, name, role, made.CreatedAt)
		if isTaken(err) {
			return ErrNameTaken
		}
		if err != nil {
			return fmt.Errorf("user: %w", err)
		}
		if link, err = newLink(ctx, tx, made.ID, made.CreatedAt); err != nil {
			return err
		}
		return note(ctx, tx, made.CreatedAt, UserInvited, by, made.ID, role)
	})
	return made, link, err
}

func (u *Users) mayGive(by By, role string) error {
	if err := u.roles.check(role); err != nil {
		return err
	}
	return by.hasAll(u.roles[role])
}

// change runs one change of one user, whose row is locked. Changes that could take
// the last admin away wait for each other.
func (u *Users) change(ctx context.Context, by By, id, action string, what func(tx pgx.Tx, is User) (detail string, changed bool, err error)) (is User, err error) {
	err = pgx.BeginFunc(ctx, u.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT FROM ledger.users WHERE role = $1 OR id = $2 ORDER BY id FOR UPDATE", Admin, id); err != nil {
			return fmt.Errorf("user: %w", err)
		}
		var err error
		if is, err = findUser(ctx, tx, "WHERE id = $1", id); err != nil {
			return err
		}
		detail, changed, err := what(tx, is)
		if err != nil || !changed {
			return err
		}
		if err := note(ctx, tx, u.now(), action, by, id, detail); err != nil {
			return err
		}
		is, err = findUser(ctx, tx, "WHERE id = $1", id)
		return err
	})
	return is, err
}

// SetRole gives a user another role. Their sessions end: what they may do is asked
// for with a new sign-in.
func (u *Users) SetRole(ctx context.Context, by By, id, role string) (User, error) {
	if err := u.mayGive(by, role); err != nil {
		return User{}, err
	}
	return u.change(ctx, by, id, UserRoleChanged, func(tx pgx.Tx, is User) (string, bool, error) {
		if is.Role == role {
			return "", false, nil
		}
		if err := by.hasAll(u.roles[is.Role]); err != nil {
			return "", false, err
		}
		if err := othersAdminister(ctx, tx, is); err != nil {
			return "", false, err
		}
		_, err := tx.Exec(ctx, "UPDATE ledger.users SET role = $2 WHERE id = $1", id, role)
		return is.Role + " → " + role, true, errors.Join(err, endSessions(ctx, tx, id))
	})
}

// Disable keeps a user out from now on and ends their sessions.
func (u *Users) Disable(ctx context.Context, by By, id string) (User, error) {
	return u.change(ctx, by, id, UserDisabled, func(tx pgx.Tx, is User) (string, bool, error) {
		if is.DisabledAt != nil {
			return "", false, nil
		}
		if err := othersAdminister(ctx, tx, is); err != nil {
			return "", false, err
		}
		_, err := tx.Exec(ctx, "UPDATE ledger.users SET disabled_at = $2 WHERE id = $1", id, u.now())
		return "", true, errors.Join(err, endSessions(ctx, tx, id), endLink(ctx, tx, id))
	})
}

// Enable lets a user in again.
func (u *Users) Enable(ctx context.Context, by By, id string) (User, error) {
	return u.change(ctx, by, id, UserEnabled, func(tx pgx.Tx, is User) (string, bool, error) {
		if is.DisabledAt == nil {
			return "", false, nil
		}
		if err := by.hasAll(u.roles[is.Role]); err != nil {
			return "", false, err
		}
		_, err := tx.Exec(ctx, "UPDATE ledger.users SET disabled_at = NULL WHERE id = $1", id)
		return "", true, err
	})
}

// othersAdminister refuses to lose the last admin who can sign in.
func othersAdminister(ctx context.Context, tx pgx.Tx, is User) error {
	if is.Role != Admin || is.DisabledAt != nil || is.Invited {
		return nil
	}
	var others int
	err := tx.QueryRow(ctx, `
		SELECT count(*) FROM ledger.users
		WHERE role = $1 AND id <> $2 AND disabled_at IS NULL AND password_hash IS NOT NULL`, Admin, is.ID).Scan(&others)
	if err != nil {
		return fmt.Errorf("admins: %w", err)
	}
	if others == 0 {
		return ErrLastAdmin
	}
	return nil
}
