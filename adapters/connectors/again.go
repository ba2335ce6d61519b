package connectors

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Done gives the imports of all files that were taken and whose bytes are kept.
func Done(ctx context.Context, db *pgxpool.Pool) ([]string, error) {
	rows, err := db.Query(ctx, "SELECT import_id FROM ledger.connector_files WHERE state = 'done' AND outcome IN ('imported', 'failed') AND sha256 <> '' ORDER BY received_at, import_id")
	if err != nil {
		return nil, fmt.Errorf("files of connectors: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// TakeAgain puts files back in line whose imports the log has lost, as it has after a
// restore of an older one. Each becomes the import that it was.
func TakeAgain(ctx context.Context, db *pgxpool.Pool, imports []string) (files int64, err error) {
	tag, err := db.Exec(ctx, `
		UPDATE ledger.connector_files
		SET state = 'waiting', outcome = NULL, ended_at = NULL, attempts = 0, reason_code = NULL, reason = NULL
		WHERE import_id = ANY($1) AND state = 'done'`, imports)
	if err != nil {
		return 0, fmt.Errorf("files of connectors: %w", err)
	}
	return tag.RowsAffected(), nil
}
