package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Clients are the API clients, who may ask for tokens.
type Clients struct{ pool *pgxpool.Pool }

// NewClients returns the clients of a database.
func NewClients(pool *pgxpool.Pool) *Clients { return &Clients{pool} }

// ErrClientTaken is returned for a bootstrap client whose id an operator gave
// to a client before.
var ErrClientTaken = errors.New("an API client of this id was made by an operator: choose another id for the one in the environment")

// EnsureBootstrap makes the API client that the environment names, or gives it
// the secret and scopes that it has there now. Of a client that the environment
// named before, and names no more, nobody gets tokens any longer.
func (c *Clients) EnsureBootstrap(ctx context.Context, id, secretHash string, scopes []string) error {
	return pgx.BeginFunc(ctx, c.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			INSERT INTO ledger.api_clients AS c (id, name, secret_hash, scopes, origin)
			VALUES ($1, $1, $2, coalesce($3::text[], '{}'), 'bootstrap')
			ON CONFLICT (id) DO UPDATE
			SET secret_hash = excluded.secret_hash, scopes = excluded.scopes, disabled_at = NULL
			WHERE c.origin = 'bootstrap'`, id, secretHash, scopes)
		if err != nil {
			return fmt.Errorf("API client of the environment: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return ErrClientTaken
		}
		_, err = tx.Exec(ctx, `
			UPDATE ledger.api_clients SET disabled_at = now()
			WHERE origin = 'bootstrap' AND id <> $1 AND disabled_at IS NULL`, id)
		if err != nil {
			return fmt.Errorf("former API clients of the environment: %w", err)
		}
		return nil
	})
}

// Credentials returns the argon2id hash of a client's secret and the scopes
// that it may have; found is false for an unknown and for a disabled client.
func (c *Clients) Credentials(ctx context.Context, id string) (secretHash string, scopes []string, found bool, err error) {
	err = c.pool.QueryRow(ctx, `
		SELECT secret_hash, scopes FROM ledger.api_clients
		WHERE id = $1 AND disabled_at IS NULL`, id).Scan(&secretHash, &scopes)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil, false, nil
	}
	if err != nil {
		return "", nil, false, fmt.Errorf("API client: %w", err)
	}
	return secretHash, scopes, true, nil
}
