package projections

import (
	"context"
	"errors"
	"fmt"

	"importledger/events"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// checkpoint is how far the log is in a schema's tables.
type checkpoint struct {
	position events.Position
	applied  uint64
	last     *events.Mark // nil: no event is applied yet
	stopped  *Stopped
	version  string
}

// errOvertaken is returned when the checkpoint is not where it was thought to
// be: somebody else has moved it, or Postgres has lost its last transactions.
var errOvertaken = errors.New("the checkpoint has been moved")

func readCheckpoint(ctx context.Context, q Querier, schema string) (checkpoint, error) {
	var c checkpoint
	// As JSON, since tables that another version has made may lack the column.
	err := q.QueryRow(ctx, "SELECT log_commit, log_prepare, applied, nullif(to_jsonb(c)->'last_event', 'null'), stopped, version FROM "+schema+".checkpoint c").
		Scan(&c.position.Commit, &c.position.Prepare, &c.applied, &c.last, &c.stopped, &c.version)
	if err != nil {
		return checkpoint{}, fmt.Errorf("checkpoint of %s: %w", schema, err)
	}
	return c, nil
}

// write folds a run into the tables of a schema and moves its checkpoint from
// where it must be, in one transaction. It returns errOvertaken, and has
// written nothing, when the checkpoint is elsewhere.
func (m *model) write(ctx context.Context, pool *pgxpool.Pool, schema string, from events.Position, r run, fold fold) error {
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{BeginQuery: beginWriting(schema)}, func(tx pgx.Tx) error {
		// First the checkpoint: its row makes a second projector wait, and gives up
		// before anything else is done.
		tag, err := tx.Exec(ctx, `
			UPDATE checkpoint SET log_commit = $1, log_prepare = $2, applied = applied + $3,
				last_event = coalesce($7, last_event), stopped = NULL, updated_at = now()
			WHERE log_commit = $4 AND log_prepare = $5 AND version = $6`,
			r.until.Commit, r.until.Prepare, len(r.events), from.Commit, from.Prepare, m.version, r.last())
		switch {
		case err != nil:
			return err
		case tag.RowsAffected() == 0:
			return errOvertaken
		case len(r.events) == 0:
			return nil
		}
		return fold.safely(ctx, tx, r.events)
	})
}

// safely makes a panic an error like others: it stops a read model, where it would
// end the process, again and again.
func (f fold) safely(ctx context.Context, tx pgx.Tx, run []events.Envelope) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("the fold panicked: %v", panicked)
		}
	}()
	return f(ctx, tx, run)
}

// beginWriting begins a transaction in one round trip.
//
// The lock is taken before any statement names a table, so that after a rebuild's
// swap, which holds it alone, names mean the new tables.
//
// The commit need not wait for the disk: rows and checkpoint are in one
// transaction, so a Postgres that crashes comes back with an earlier state whose
// checkpoint is as early, and the log still has what follows.
//
// Rows are found by their keys: a table grows from nothing to millions of rows
// while Postgres still plans for the size that it knew.
func beginWriting(schema string) string {
	return fmt.Sprintf("BEGIN; SET LOCAL synchronous_commit TO off; "+
		"SET LOCAL enable_seqscan TO off; SET LOCAL enable_hashjoin TO off; SET LOCAL enable_mergejoin TO off; "+
		"%s SELECT pg_advisory_xact_lock_shared(%d)", searchPath(schema), lockKey(projecting, schema))
}

// writeStopped records why a read model does not go on from where it is.
func (m *model) writeStopped(ctx context.Context, pool *pgxpool.Pool, from events.Position, why *Stopped) error {
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{BeginQuery: beginWriting(m.name)}, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE checkpoint SET stopped = $1, updated_at = now()
			WHERE log_commit = $2 AND log_prepare = $3 AND version = $4`,
			why, from.Commit, from.Prepare, m.version)
		if err == nil && tag.RowsAffected() == 0 {
			return errOvertaken
		}
		return err
	})
}
