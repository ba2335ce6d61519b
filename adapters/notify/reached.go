package notify

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"importledger/events"
)

// Reached gives how far the log's ended imports are noticed, and the last event up to
// there that is known; nil: none is. A ledger that never told of anything is nowhere.
func Reached(ctx context.Context, db *pgxpool.Pool) (at events.Position, last *events.Mark, err error) {
	err = db.QueryRow(ctx, "SELECT log_commit, log_prepare, nullif(last_event, 'null') FROM ledger.notified").Scan(&at.Commit, &at.Prepare, &last)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return at, nil, fmt.Errorf("notifications: %w", err)
	}
	return at, last, nil
}

// GoOn makes a ledger go on telling behind a position of another log, whose last event up
// to there may be known. What has been told is not told again wherever it stands.
func GoOn(ctx context.Context, db *pgxpool.Pool, after events.Position, last *events.Mark) error {
	_, err := db.Exec(ctx, "UPDATE ledger.notified SET log_commit = $1, log_prepare = $2, last_event = $3, updated_at = now()", after.Commit, after.Prepare, last)
	if err != nil {
		return fmt.Errorf("notifications: %w", err)
	}
	return nil
}
