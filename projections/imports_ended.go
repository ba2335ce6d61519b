package projections

import (
	"context"

	"importledger/events"

	"github.com/jackc/pgx/v5"
)

// EndedImports gives imports that reached their final state after a position of the
// log, in the log's order and at most limit of them, and until which position these
// are all: to go on there misses none and repeats none. Where the imports list is
// behind that position, as it is when it is made anew, there are none and the position
// stays. last marks the last event up to there, where that is known. A rebuild is not
// swapped in before tx ends.
func EndedImports(ctx context.Context, tx pgx.Tx, after events.Position, limit int) (ended []Import, until events.Position, last *events.Mark, err error) {
	// Else the checkpoint of one table could be read beside the rows of another.
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock_shared($1)", lockKey(projecting, ImportsList)); err != nil {
		return nil, after, nil, err
	}
	at, err := readCheckpoint(ctx, tx, ImportsList)
	if err != nil || !after.Before(at.position) {
		return nil, after, nil, err
	}
	// An import's last event is the one that ended it.
	rows, err := tx.Query(ctx, selectImport+`
		WHERE state IN ('imported', 'canceled', 'failed')
		  AND (position_commit, position_prepare) > ($1, $2) AND (position_commit, position_prepare) <= ($3, $4)
		ORDER BY position_commit, position_prepare LIMIT $5`,
		after.Commit, after.Prepare, at.position.Commit, at.position.Prepare, limit)
	if err != nil {
		return nil, after, nil, err
	}
	if ended, err = pgx.CollectRows(rows, importValue); err != nil {
		return nil, after, nil, err
	}
	if len(ended) == limit {
		return ended, ended[limit-1].Position, nil, nil
	}
	return ended, at.position, at.last, nil
}
