package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrOtherKey says that the ledger belongs to another secret key.
var ErrOtherKey = errors.New("the ledger in this database was made with another secret key")

// EnsureKey ties a ledger to the secret key of a fingerprint for good, or returns
// ErrOtherKey where it is tied to another.
func EnsureKey(ctx context.Context, pool *pgxpool.Pool, fingerprint string) error {
	_, err := pool.Exec(ctx, "INSERT INTO ledger.instance (key_fingerprint) VALUES ($1) ON CONFLICT DO NOTHING", fingerprint)
	var tied string
	if err == nil {
		err = pool.QueryRow(ctx, "SELECT key_fingerprint FROM ledger.instance").Scan(&tied)
	}
	if err != nil {
		return fmt.Errorf("fingerprint of the secret key: %w", err)
	}
	if tied != fingerprint {
		return ErrOtherKey
	}
	return nil
}

// LogID gives the id of the log that a ledger is tied to; empty: to none yet.
func LogID(ctx context.Context, pool *pgxpool.Pool) (id string, err error) {
	err = pool.QueryRow(ctx, "SELECT coalesce(max(log_id), '') FROM ledger.instance").Scan(&id)
	if err != nil {
		return "", fmt.Errorf("id of the log: %w", err)
	}
	return id, nil
}

// TieLog ties a ledger to the log of an id, in place of any other.
func TieLog(ctx context.Context, pool *pgxpool.Pool, id string) error {
	if _, err := pool.Exec(ctx, "UPDATE ledger.instance SET log_id = $1 WHERE log_id IS DISTINCT FROM $1", id); err != nil {
		return fmt.Errorf("id of the log: %w", err)
	}
	return nil
}
