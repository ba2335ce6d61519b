package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// AuditKey is a public key that exports of the audit log were signed with.
type AuditKey struct {
	Public string
	Since  time.Time
}

// AuditKeys are the public keys of a ledger. They are never removed: an export stays
// good for as long as somebody keeps it.
type AuditKeys struct{ pool *pgxpool.Pool }

// NewAuditKeys gives the keys of the ledger in a database.
func NewAuditKeys(pool *pgxpool.Pool) *AuditKeys { return &AuditKeys{pool} }

// Add makes a key one of the ledger's; one that is stays as it was.
func (k *AuditKeys) Add(ctx context.Context, public string) error {
	if _, err := k.pool.Exec(ctx, "INSERT INTO ledger.audit_keys (public_key) VALUES ($1) ON CONFLICT DO NOTHING", public); err != nil {
		return fmt.Errorf("publish the key that exports are signed with: %w", err)
	}
	return nil
}

// List gives all keys, the newest first.
func (k *AuditKeys) List(ctx context.Context) ([]AuditKey, error) {
	rows, err := k.pool.Query(ctx, "SELECT public_key, since FROM ledger.audit_keys ORDER BY since DESC, public_key")
	if err != nil {
		return nil, fmt.Errorf("keys of exports: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[AuditKey])
	if err != nil {
		return nil, fmt.Errorf("keys of exports: %w", err)
	}
	return all, nil
}

// InstanceID names the ledger in a database, once EnsureKey has tied it.
func InstanceID(ctx context.Context, pool *pgxpool.Pool) (id string, err error) {
	if err := pool.QueryRow(ctx, "SELECT id::text FROM ledger.instance").Scan(&id); err != nil {
		return "", fmt.Errorf("id of the ledger: %w", err)
	}
	return id, nil
}
