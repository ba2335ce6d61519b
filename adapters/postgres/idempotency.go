package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// IdempotencyKeys remember which import a request with an Idempotency-Key has
// started.
type IdempotencyKeys struct{ pool *pgxpool.Pool }

// NewIdempotencyKeys returns the keys of a database.
func NewIdempotencyKeys(pool *pgxpool.Pool) *IdempotencyKeys { return &IdempotencyKeys{pool} }

// Claim keeps the key of a client for the import that is about to start. Where
// the key was claimed before, claimed is false, and the fingerprint and the
// import are those of the first request. Of two requests at once, one claims.
func (k *IdempotencyKeys) Claim(ctx context.Context, client, key, fingerprint, importID string) (firstFingerprint, firstImport string, claimed bool, err error) {
	// The update changes nothing; it makes the statement return the first request's row.
	err = k.pool.QueryRow(ctx, `
		INSERT INTO ledger.idempotency_keys (client_id, key, fingerprint, import_id)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (client_id, key) DO UPDATE SET key = excluded.key
		RETURNING fingerprint, import_id`, client, key, fingerprint, importID).Scan(&firstFingerprint, &firstImport)
	if err != nil {
		return "", "", false, fmt.Errorf("idempotency key: %w", err)
	}
	return firstFingerprint, firstImport, firstImport == importID, nil
}

// Forget gives a key back whose request started no import after all.
func (k *IdempotencyKeys) Forget(ctx context.Context, client, key, importID string) error {
	_, err := k.pool.Exec(ctx, `
		DELETE FROM ledger.idempotency_keys
		WHERE client_id = $1 AND key = $2 AND import_id = $3`, client, key, importID)
	if err != nil {
		return fmt.Errorf("idempotency key: %w", err)
	}
	return nil
}

// Expire removes the keys from before a time and tells how many.
func (k *IdempotencyKeys) Expire(ctx context.Context, before time.Time) (int64, error) {
	tag, err := k.pool.Exec(ctx, "DELETE FROM ledger.idempotency_keys WHERE created_at < $1", before)
	if err != nil {
		return 0, fmt.Errorf("idempotency keys: %w", err)
	}
	return tag.RowsAffected(), nil
}
