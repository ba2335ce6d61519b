package connectors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// stored is a file as its row has it.
type stored struct {
	importID    string
	connectorID string
	name        string
	shown       string
	size        int64
	sha256      string // empty: nothing was stored
	state       string
	outcome     string
	reasonCode  string
	reason      string
	attempts    int
	receivedAt  time.Time
	endedAt     time.Time
}

// The states of a file. While it is stored its row announces the bytes that come
// into the blob store, so that they are swept if the process dies.
const (
	storing   = "storing"
	held      = "held"
	waiting   = "waiting"
	importing = "importing"
	done      = "done"
	sweeping  = "sweeping" // its bytes go first, then its row, so that none is left without the other
)

const fileColumns = `import_id, connector_id, name, shown, size, sha256, state, coalesce(outcome, ''),
	coalesce(reason_code, ''), coalesce(reason, ''), attempts, received_at, coalesce(ended_at, received_at) `

func scanFile(row pgx.CollectableRow) (stored, error) {
	var f stored
	err := row.Scan(&f.importID, &f.connectorID, &f.name, &f.shown, &f.size, &f.sha256, &f.state, &f.outcome,
		&f.reasonCode, &f.reason, &f.attempts, &f.receivedAt, &f.endedAt)
	return f, err
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func queryFiles(ctx context.Context, db querier, where string, args ...any) ([]stored, error) {
	rows, err := db.Query(ctx, "SELECT "+fileColumns+"FROM ledger.connector_files WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("files of a connector: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanFile)
	if err != nil {
		return nil, fmt.Errorf("files of a connector: %w", err)
	}
	return all, nil
}

// inFolder lists what a folder shows, newest first. In / that is what was not
// imported yet, each name once.
func (c *Connectors) inFolder(ctx context.Context, connectorID, folder string) ([]stored, error) {
	if folder == root {
		return queryFiles(ctx, c.deps.DB, `import_id IN (
			SELECT DISTINCT ON (shown) import_id FROM ledger.connector_files
			WHERE connector_id = $1 AND state IN ('held', 'waiting', 'importing') ORDER BY shown, received_at DESC, import_id DESC)
			ORDER BY received_at DESC, import_id DESC LIMIT $2`, connectorID, c.deps.Limits.Shown)
	}
	return queryFiles(ctx, c.deps.DB, `connector_id = $1 AND state = 'done' AND NOT hidden AND (outcome = 'imported') = $2
		ORDER BY received_at DESC, import_id DESC LIMIT $3`, connectorID, folder == processed, c.deps.Limits.Shown)
}

// inPlace finds the file that a folder shows under a name; ok is false when there
// is none.
func (c *Connectors) inPlace(ctx context.Context, connectorID string, p place) (f stored, ok bool, err error) {
	condition := `connector_id = $1 AND shown = $2 AND state IN ('held', 'waiting', 'importing')
		ORDER BY received_at DESC, import_id DESC LIMIT 1`
	args := []any{connectorID, p.name}
	if p.folder != root {
		condition = "connector_id = $1 AND shown = $2 AND state = 'done' AND NOT hidden AND (outcome = 'imported') = $3"
		args = append(args, p.folder == processed)
	}
	found, err := queryFiles(ctx, c.deps.DB, condition, args...)
	if err != nil || len(found) == 0 {
		return stored{}, false, err
	}
	return found[0], true, nil
}

// countOpen counts what a connector has in / and on the way there.
func (c *Connectors) countOpen(ctx context.Context, connectorID string) (n int, err error) {
	err = c.deps.DB.QueryRow(ctx, "SELECT count(*) FROM ledger.connector_files WHERE connector_id = $1 AND state NOT IN ('done', 'sweeping')", connectorID).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("files that wait: %w", err)
	}
	return n, nil
}

// announce keeps in mind that a file's bytes are about to be stored.
func (c *Connectors) announce(ctx context.Context, f stored) error {
	_, err := c.deps.DB.Exec(ctx, `
		INSERT INTO ledger.connector_files (import_id, connector_id, name, shown, size, sha256, state, received_at)
		VALUES ($1, $2, $3, $3, $4, $5, 'storing', $6)`, f.importID, f.connectorID, f.name, f.size, f.sha256, c.deps.Now())
	if err != nil {
		return fmt.Errorf("announce a file: %w", err)
	}
	return nil
}

// errSwept is returned to a process that was so slow that it was taken for dead.
var errSwept = errors.New("the file took too long to be stored")

// arrived makes an announced file one that counts. A file under a temporary name
// replaces the one that had the name before; those to be swept are returned.
func (c *Connectors) arrived(ctx context.Context, f stored) (replaced []string, err error) {
	err = pgx.BeginFunc(ctx, c.deps.DB, func(tx pgx.Tx) error {
		if f.state == held {
			if replaced, err = replaceHeld(ctx, tx, f.connectorID, f.name); err != nil {
				return err
			}
		}
		tag, err := tx.Exec(ctx, `
			UPDATE ledger.connector_files SET state = $2, received_at = $3, reason_code = nullif($4, ''), reason = nullif($5, '')
			WHERE import_id = $1 AND state = 'storing'`, f.importID, f.state, c.deps.Now(), f.reasonCode, f.reason)
		if err != nil {
			return fmt.Errorf("keep a file: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return errSwept
		}
		return nil
	})
	return replaced, err
}

// replaceHeld gives up what a connector holds under a temporary name.
func replaceHeld(ctx context.Context, tx pgx.Tx, connectorID, name string) ([]string, error) {
	rows, err := tx.Query(ctx, `
		UPDATE ledger.connector_files SET state = 'sweeping' WHERE connector_id = $1 AND shown = $2 AND state = 'held' RETURNING import_id`, connectorID, name)
	if err != nil {
		return nil, fmt.Errorf("replace a file: %w", err)
	}
	gone, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("replace a file: %w", err)
	}
	return gone, nil
}

// giveUp takes away a file that nobody imports; false: somebody does, or did, or it
// is gone.
func (c *Connectors) giveUp(ctx context.Context, importID string) (bool, error) {
	tag, err := c.deps.DB.Exec(ctx, "UPDATE ledger.connector_files SET state = 'sweeping' WHERE import_id = $1 AND state IN ('storing', 'held', 'waiting')", importID)
	if err != nil {
		return false, fmt.Errorf("remove a file: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return false, nil
	}
	return true, c.sweepFiles(ctx, importID)
}

// sweepFiles removes the bytes and rows of files that were given up. What it does
// not come to is done by the next sweep.
func (c *Connectors) sweepFiles(ctx context.Context, importIDs ...string) error {
	ctx = context.WithoutCancel(ctx)
	for _, id := range importIDs {
		if err := c.deps.RemoveBlob(ctx, id); err != nil {
			return fmt.Errorf("remove a file: %w", err)
		}
		if _, err := c.deps.DB.Exec(ctx, "DELETE FROM ledger.connector_files WHERE import_id = $1 AND state = 'sweeping'", id); err != nil {
			return fmt.Errorf("remove a file: %w", err)
		}
	}
	return nil
}

// hide takes a file out of /processed or /failed. The import keeps its bytes.
func (c *Connectors) hide(ctx context.Context, importID string) error {
	_, err := c.deps.DB.Exec(ctx, "UPDATE ledger.connector_files SET hidden = true WHERE import_id = $1", importID)
	if err != nil {
		return fmt.Errorf("remove a file: %w", err)
	}
	return nil
}

// rename gives a file in / another name, and with it another state; false: it is
// being imported, or gone.
func (c *Connectors) rename(ctx context.Context, f stored, name string) (ok bool, replaced []string, err error) {
	state := waiting
	if isTemporary(name) {
		state = held
	}
	err = pgx.BeginFunc(ctx, c.deps.DB, func(tx pgx.Tx) error {
		if state == held && name != f.shown {
			if replaced, err = replaceHeld(ctx, tx, f.connectorID, name); err != nil {
				return err
			}
		}
		tag, err := tx.Exec(ctx, `
			UPDATE ledger.connector_files SET name = $2, shown = $2, state = $3, received_at = $4
			WHERE import_id = $1 AND state IN ('held', 'waiting')`, f.importID, name, state, c.deps.Now())
		if err != nil {
			return fmt.Errorf("rename a file: %w", err)
		}
		ok = tag.RowsAffected() > 0
		return nil
	})
	if !ok {
		replaced = nil
	}
	return ok, replaced, err
}

// Waiting counts the files that are closed and not imported yet.
func (c *Connectors) Waiting(ctx context.Context) (count int, err error) {
	err = c.deps.DB.QueryRow(ctx, "SELECT count(*) FROM ledger.connector_files WHERE state IN ('waiting', 'importing')").Scan(&count)
	if err != nil {
		return 0, fmt.Errorf("files that wait: %w", err)
	}
	return count, nil
}
