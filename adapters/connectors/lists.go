package connectors

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Tally is how many files of a connector came to which end, and the last that came.
type Tally struct {
	Imported int
	Failed   int // put aside ones too
	LastAt   time.Time
	LastFile string
}

// Tallies counts the files of connectors. Those that no file has come from are left out.
func (c *Connectors) Tallies(ctx context.Context, ids []string) (map[string]Tally, error) {
	rows, err := c.deps.DB.Query(ctx, `
		SELECT asked.id, t.imported, t.failed, last.received_at, last.name
		FROM unnest($1::text[]) AS asked (id),
			LATERAL (SELECT count(*) FILTER (WHERE outcome = 'imported') AS imported, count(*) FILTER (WHERE outcome <> 'imported') AS failed
				FROM ledger.connector_files WHERE connector_id = asked.id AND state = 'done') t,
			LATERAL (SELECT received_at, name FROM ledger.connector_files WHERE connector_id = asked.id AND state IN ('importing', 'done')
				ORDER BY received_at DESC, import_id DESC LIMIT 1) last`, ids)
	if err != nil {
		return nil, fmt.Errorf("files of connectors: %w", err)
	}
	all := map[string]Tally{}
	var id string
	var t Tally
	_, err = pgx.ForEachRow(rows, []any{&id, &t.Imported, &t.Failed, &t.LastAt, &t.LastFile}, func() error {
		all[id] = t
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("files of connectors: %w", err)
	}
	return all, nil
}

// FilesOf gives a page of a connector's files, newest first, and how many there are.
func (c *Connectors) FilesOf(ctx context.Context, connectorID string, offset, limit int) (page []File, total int, err error) {
	err = c.deps.DB.QueryRow(ctx, "SELECT count(*) FROM ledger.connector_files WHERE connector_id = $1 AND state IN ('importing', 'done')", connectorID).Scan(&total)
	if err != nil {
		return nil, 0, fmt.Errorf("files of a connector: %w", err)
	}
	found, err := queryFiles(ctx, c.deps.DB, `connector_id = $1 AND state IN ('importing', 'done')
		ORDER BY received_at DESC, import_id DESC OFFSET $2 LIMIT $3`, connectorID, offset, limit)
	for _, f := range found {
		page = append(page, f.file())
	}
	return page, total, err
}

func (f stored) file() File {
	return File{ImportID: f.importID, Name: f.name, ReceivedAt: f.receivedAt, Outcome: f.outcome, ReasonCode: f.reasonCode, Reason: f.reason}
}

// Called is what a connector is or was called.
type Called struct {
	ID      string
	Name    string
	Removed bool
}

// Called finds the names of connectors, removed ones too. Other ids are left out.
func (c *Connectors) Called(ctx context.Context, ids []string) ([]Called, error) {
	rows, err := c.deps.DB.Query(ctx, "SELECT id, name, removed_at IS NOT NULL FROM ledger.connectors WHERE id = ANY($1)", ids)
	if err != nil {
		return nil, fmt.Errorf("names of connectors: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Called])
	if err != nil {
		return nil, fmt.Errorf("names of connectors: %w", err)
	}
	return all, nil
}
