package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Account is what the ledger's one account has set.
type Account struct{ pool *pgxpool.Pool }

// NewAccount returns the account of a database.
func NewAccount(pool *pgxpool.Pool) *Account { return &Account{pool} }

// ErrNoAccount is returned before EnsureKeyIdentifier was called once.
var ErrNoAccount = errors.New("the account has not been set up")

// KeyIdentifier is the identifier that tells contacts apart: email, phone or
// externalId.
func (a *Account) KeyIdentifier(ctx context.Context) (string, error) {
	var key string
	err := a.pool.QueryRow(ctx, "SELECT key_identifier FROM ledger.account").Scan(&key)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrNoAccount
	}
	if err != nil {
		return "", fmt.Errorf("key identifier: %w", err)
	}
	return key, nil
}

// EnsureKeyIdentifier sets up a new ledger with the key identifier initial, and
// returns the one in force, which in an older ledger may be another.
func (a *Account) EnsureKeyIdentifier(ctx context.Context, initial string) (string, error) {
	_, err := a.pool.Exec(ctx, "INSERT INTO ledger.account (key_identifier) VALUES ($1) ON CONFLICT DO NOTHING", initial)
	if err != nil {
		return "", fmt.Errorf("key identifier: %w", err)
	}
	return a.KeyIdentifier(ctx)
}

// SetKeyIdentifier changes the key identifier. That there are no contacts yet
// is the caller's to know.
func (a *Account) SetKeyIdentifier(ctx context.Context, identifier string) error {
	tag, err := a.pool.Exec(ctx, "UPDATE ledger.account SET key_identifier = $1", identifier)
	if err != nil {
		return fmt.Errorf("key identifier: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNoAccount
	}
	return nil
}
