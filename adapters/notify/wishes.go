package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/mail"
	"strings"

	"github.com/jackc/pgx/v5"

	"importledger/commands"
)

// When says which imports a user gets mail about.
type When string

// What can be said.
const (
	Mine  When = "mine" // which is so until somebody says otherwise
	Any   When = "any"
	Never When = "never"
)

// Wish is what mail a user wants.
type Wish struct {
	When    When
	Address string // empty: there is none, and so no mail
	Own     bool   // the address is set; else it is the name, where that is one
}

// reader is a user who gets mail.
type reader struct {
	id   string
	wish Wish
}

func wishOf(name string, address, when *string) Wish {
	w := Wish{When: Mine}
	if when != nil {
		w.When = When(*when)
	}
	switch {
	case address != nil:
		w.Address, w.Own = *address, true
	case isAddress(name):
		w.Address = name
	}
	return w
}

// isAddress tells a bare mail address.
func isAddress(s string) bool {
	parsed, err := mail.ParseAddress(s)
	return err == nil && parsed.Address == s && parsed.Name == "" && len(s) <= 254 && !strings.ContainsAny(s, "\r\n")
}

var (
	errNoUser     = &commands.Refusal{Kind: commands.NotFound, Code: "user-not-found", Message: "There is no such user."}
	errBadAddress = &commands.Refusal{Kind: commands.Unacceptable, Code: "mail-address-invalid", Message: "This is no mail address. Write it like ann@example.org.",
		Details: []commands.Detail{{Field: "address", Code: "invalid", Message: "Write it like ann@example.org."}}}
	errBadWhen = &commands.Refusal{Kind: commands.Unacceptable, Code: commands.InvalidRequest, Message: "Mail can come when an import of yours ends, when any import ends, or never.",
		Details: []commands.Detail{{Field: "when", Code: "invalid", Message: "It is one of mine, any, never."}}}
	errBadLink = &commands.Refusal{Kind: commands.NotFound, Code: "unsubscribe-link-invalid", Message: "This link is not whole. Copy all of it from the mail, or sign in and change what mail you get under Notifications."}
)

// Wishes gives what mail a user wants.
func (n *Notifier) Wishes(ctx context.Context, userID string) (Wish, error) {
	var name string
	var address, when *string
	err := n.DB.QueryRow(ctx, `
		SELECT u.name, s.address, s.mail_when FROM ledger.users u LEFT JOIN ledger.user_notices s ON s.user_id = u.id
		WHERE u.id = $1`, userID).Scan(&name, &address, &when)
	if errors.Is(err, pgx.ErrNoRows) {
		return Wish{}, errNoUser
	}
	if err != nil {
		return Wish{}, fmt.Errorf("wishes: %w", err)
	}
	return wishOf(name, address, when), nil
}

// SetWishes changes what mail a user wants. An empty address means their name.
func (n *Notifier) SetWishes(ctx context.Context, userID string, when When, address string) error {
	if when != Mine && when != Any && when != Never {
		return errBadWhen
	}
	if address != "" && !isAddress(address) {
		return errBadAddress
	}
	_, err := n.DB.Exec(ctx, `
		INSERT INTO ledger.user_notices (user_id, mail_when, address) VALUES ($1, $2, nullif($3, ''))
		ON CONFLICT (user_id) DO UPDATE SET mail_when = excluded.mail_when, address = excluded.address`, userID, string(when), address)
	if err != nil {
		return fmt.Errorf("wishes: %w", err)
	}
	return nil
}

// unsubscribeToken is in the links of a user's mail: their id, and what only we can
// have written beside it. It opens nothing, and works as long as they get mail.
func (n *Notifier) unsubscribeToken(userID string) string {
	mac := hmac.New(sha256.New, n.Key)
	mac.Write([]byte("unsubscribe\x00" + userID))
	return userID + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:18])
}

// CheckUnsubscribe tells whether a link's token is one.
func (n *Notifier) CheckUnsubscribe(token string) error {
	userID, _, _ := strings.Cut(token, ".")
	if !hmac.Equal([]byte(token), []byte(n.unsubscribeToken(userID))) {
		return errBadLink
	}
	return nil
}

// Unsubscribe ends a user's mail.
func (n *Notifier) Unsubscribe(ctx context.Context, token string) error {
	if err := n.CheckUnsubscribe(token); err != nil {
		return err
	}
	userID, _, _ := strings.Cut(token, ".")
	_, err := n.DB.Exec(ctx, `
		INSERT INTO ledger.user_notices (user_id, mail_when) SELECT id, 'never' FROM ledger.users WHERE id = $1
		ON CONFLICT (user_id) DO UPDATE SET mail_when = excluded.mail_when`, userID)
	if err != nil {
		return fmt.Errorf("unsubscribe: %w", err)
	}
	return nil
}
