package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Drafts keep what people have chosen for imports that are not importing yet.
type Drafts struct{ pool *pgxpool.Pool }

// NewDrafts returns the drafts of a database.
func NewDrafts(pool *pgxpool.Pool) *Drafts { return &Drafts{pool} }

// Load gives an import's draft, a JSON object; ok is false where there is none.
func (d *Drafts) Load(ctx context.Context, importID string) (draft []byte, ok bool, err error) {
	err = d.pool.QueryRow(ctx, "SELECT draft FROM ledger.import_drafts WHERE import_id = $1", importID).Scan(&draft)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("draft: %w", err)
	}
	return draft, true, nil
}

// Save keeps a draft in the place of the one before.
func (d *Drafts) Save(ctx context.Context, importID string, draft []byte) error {
	_, err := d.pool.Exec(ctx, `
		INSERT INTO ledger.import_drafts (import_id, draft) VALUES ($1, $2)
		ON CONFLICT (import_id) DO UPDATE SET draft = excluded.draft, saved_at = now()`, importID, draft)
	if err != nil {
		return fmt.Errorf("draft: %w", err)
	}
	return nil
}

// Remove forgets an import's draft. Removing none is no error.
func (d *Drafts) Remove(ctx context.Context, importID string) error {
	if _, err := d.pool.Exec(ctx, "DELETE FROM ledger.import_drafts WHERE import_id = $1", importID); err != nil {
		return fmt.Errorf("draft: %w", err)
	}
	return nil
}

// Expire removes the drafts that were saved before a time and tells how many. Their
// imports stay, with their files: the log names them. Only choices are made anew.
func (d *Drafts) Expire(ctx context.Context, before time.Time) (int64, error) {
	tag, err := d.pool.Exec(ctx, "DELETE FROM ledger.import_drafts WHERE saved_at < $1", before)
	if err != nil {
		return 0, fmt.Errorf("drafts: %w", err)
	}
	return tag.RowsAffected(), nil
}
