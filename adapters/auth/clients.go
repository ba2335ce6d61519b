package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"importledger/commands"
)

// Client is a program that may ask for tokens.
type Client struct {
	ID        string // the client_id of OAuth 2.0
	Name      string
	Scopes    []string
	Origin    string // "bootstrap": named by the environment; "managed": made by somebody
	CreatedAt time.Time
	RevokedAt *time.Time // nil: is not
}

// Clients are the API clients of a ledger. Safe for concurrent use.
type Clients struct {
	*Guard
	scopes []string // those that there are
}

// NewClients makes Clients; scopes are all that there are.
func NewClients(g *Guard, scopes []string) *Clients { return &Clients{g, scopes} }

// What is refused of clients.
var (
	ErrNoClient      = &commands.Refusal{Kind: commands.NotFound, Code: "client-not-found", Message: "There is no such API client. Take one from the list of API clients."}
	ErrClientRevoked = &commands.Refusal{Kind: commands.Conflict, Code: "client-revoked", Message: "This API client is revoked, for good. Create another."}
	errClientName    = &commands.Refusal{Kind: commands.Unacceptable, Code: "client-name-invalid", Message: "An API client's name has 1 to 100 characters on one line."}
	errBootstrap     = &commands.Refusal{Kind: commands.Conflict, Code: "client-of-environment",
		Message: "This API client's secret is set by IMPORTLEDGER_CLIENT_SECRET. Change it there, and start again."}
)

const clientColumns = "id, name, scopes, origin, created_at, disabled_at"

// List gives a page of all clients by name, and how many there are.
func (c *Clients) List(ctx context.Context, offset, limit int) (page []Client, total int, err error) {
	if err := c.db.QueryRow(ctx, "SELECT count(*) FROM ledger.api_clients").Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("API clients: %w", err)
	}
	page, err = list[Client](ctx, c.db, "API clients", "SELECT "+clientColumns+" FROM ledger.api_clients ORDER BY lower(name), id OFFSET $1 LIMIT $2", offset, limit)
	return page, total, err
}

// Find gives a client by id.
func (c *Clients) Find(ctx context.Context, id string) (Client, error) {
	return findClient(ctx, c.db, id, "")
}

func findClient(ctx context.Context, db DB, id, locking string) (Client, error) {
	found, err := list[Client](ctx, db, "API client", "SELECT "+clientColumns+" FROM ledger.api_clients WHERE id = $1 "+locking, id)
	if err == nil && len(found) == 0 {
		err = ErrNoClient
	}
	if err != nil {
		return Client{}, err
	}
	return found[0], nil
}

// Create makes a client with some of the scopes of whoever asks. The secret is given
// out here and kept nowhere.
func (c *Clients) Create(ctx context.Context, by By, name string, scopes []string) (made Client, secret string, err error) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > 100 || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return Client{}, "", errClientName
	}
	scopes = slices.Compact(slices.Sorted(slices.Values(scopes)))
	if err := c.checkScopes(by, scopes); err != nil {
		return Client{}, "", err
	}
	secret, hash, err := c.newSecret(ctx)
	if err != nil {
		return Client{}, "", err
	}
	made = Client{ID: "client-" + strings.ToLower(rand.Text()[:16]), Name: name, Scopes: scopes, Origin: "managed", CreatedAt: c.now()}
	err = pgx.BeginFunc(ctx, c.db, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO ledger.api_clients (id, name, secret_hash, scopes, origin, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
			made.ID, made.Name, hash, made.Scopes, made.Origin, made.CreatedAt)
		if err != nil {
			return fmt.Errorf("API client: %w", err)
		}
		return note(ctx, tx, made.CreatedAt, ClientCreated, by, made.ID, strings.Join(scopes, " "))
	})
	return made, secret, err
}

func (c *Clients) checkScopes(by By, scopes []string) error {
	for _, s := range scopes {
		if !slices.Contains(c.scopes, s) {
			return &commands.Refusal{Kind: commands.Unacceptable, Code: "scope-unknown",
				Message: fmt.Sprintf("There is no such scope. The scopes are %s.", strings.Join(c.scopes, ", "))}
		}
	}
	if len(scopes) == 0 {
		return &commands.Refusal{Kind: commands.Unacceptable, Code: "scope-missing", Message: "Give the API client at least one scope."}
	}
	return by.hasAll(scopes)
}

func (c *Clients) newSecret(ctx context.Context) (secret, hash string, err error) {
	secret, _ = newOpaque()
	hash, err = c.hasher.hash(ctx, secret)
	return secret, hash, err
}

// Rotate gives a client another secret. The old one stops at once; tokens that it
// brought stop within half a minute.
func (c *Clients) Rotate(ctx context.Context, by By, id string) (is Client, secret string, err error) {
	secret, hash, err := c.newSecret(ctx)
	if err != nil {
		return Client{}, "", err
	}
	is, err = c.change(ctx, by, id, ClientRotated, func(tx pgx.Tx, is Client) (bool, error) {
		switch {
		case is.RevokedAt != nil:
			return false, ErrClientRevoked
		case is.Origin == "bootstrap":
			return false, errBootstrap
		}
		if err := by.hasAll(is.Scopes); err != nil {
			return false, err
		}
		_, err := tx.Exec(ctx, "UPDATE ledger.api_clients SET secret_hash = $2, generation = generation + 1 WHERE id = $1", id, hash)
		return true, err
	})
	if err != nil {
		return Client{}, "", err
	}
	return is, secret, nil
}

// Revoke ends a client for good: its secret at once, its tokens within half a
// minute. One that the environment names comes back when a server starts.
func (c *Clients) Revoke(ctx context.Context, by By, id string) (Client, error) {
	return c.change(ctx, by, id, ClientRevoked, func(tx pgx.Tx, is Client) (bool, error) {
		if is.RevokedAt != nil {
			return false, nil
		}
		_, err := tx.Exec(ctx, "UPDATE ledger.api_clients SET disabled_at = $2, generation = generation + 1 WHERE id = $1", id, c.now())
		return true, err
	})
}

func (c *Clients) change(ctx context.Context, by By, id, action string, what func(pgx.Tx, Client) (changed bool, err error)) (is Client, err error) {
	err = pgx.BeginFunc(ctx, c.db, func(tx pgx.Tx) error {
		var err error
		if is, err = findClient(ctx, tx, id, "FOR UPDATE"); err != nil {
			return err
		}
		changed, err := what(tx, is)
		if err != nil {
			return err
		}
		if !changed {
			return nil
		}
		if err := note(ctx, tx, c.now(), action, by, id, ""); err != nil {
			return err
		}
		is, err = findClient(ctx, tx, id, "")
		return err
	})
	return is, err
}

// Credentials gives what a client is known by; false: there is none, or it is
// revoked.
func (c *Clients) Credentials(ctx context.Context, id string) (Credentials, bool, error) {
	var found Credentials
	err := c.db.QueryRow(ctx, "SELECT secret_hash, generation, scopes FROM ledger.api_clients WHERE id = $1 AND disabled_at IS NULL", id).
		Scan(&found.Hash, &found.Generation, &found.Scopes)
	if errors.Is(err, pgx.ErrNoRows) {
		return Credentials{}, false, nil
	}
	if err != nil {
		return Credentials{}, false, fmt.Errorf("API client: %w", err)
	}
	return found, true, nil
}
