package auth

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// What the audit log tells. A name stays for ever.
const (
	SignedIn         = "user.signed-in"
	SignInFailed     = "user.sign-in-failed"
	SignInDelayed    = "user.sign-in-delayed"
	SignedOut        = "user.signed-out"
	UserInvited      = "user.invited"
	UserJoined       = "user.joined"
	UserRoleChanged  = "user.role-changed"
	UserDisabled     = "user.disabled"
	UserEnabled      = "user.enabled"
	PasswordChanged  = "user.password-changed"
	PasswordReset    = "user.password-reset"
	SessionRevoked   = "session.revoked"
	ClientCreated    = "client.created"
	ClientRotated    = "client.secret-rotated"
	ClientRevoked    = "client.revoked"
	ClientFailed     = "client.secret-wrong"
	ClientDelayed    = "client.delayed"
	TokenIssued      = "client.token-issued"
	RequestRefused   = "request.token-refused"
	RequestForbidden = "request.forbidden"
	RequestLimited   = "request.limited"
)

// execer is a pool or a transaction.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// note adds an entry to the audit log: with a change, in the change's transaction.
func note(ctx context.Context, db execer, now time.Time, action string, by By, target, detail string) error {
	return noteTimes(ctx, db, now, action, by, target, detail, 1)
}

func noteTimes(ctx context.Context, db execer, now time.Time, action string, by By, target, detail string, times int) error {
	_, err := db.Exec(ctx, `
		INSERT INTO ledger.audit_log (at, action, actor, target, detail, network, request, times)
		VALUES ($1, $2, nullif($3, ''), nullif($4, ''), nullif($5, ''), nullif($6, ''), nullif($7, ''), $8)`,
		now, action, by.ID, target, detail, network(by.Address), by.Request, times)
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	return nil
}

// network is as much of an address as is kept: enough to tell one place from
// another, and not one person.
func network(a netip.Addr) string {
	a = a.Unmap()
	bits := 48
	switch {
	case !a.IsValid():
		return ""
	case a.Is4():
		bits = 24
	}
	p, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
