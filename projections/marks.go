package projections

import (
	"context"
	"errors"
	"fmt"

	"importledger/events"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Reached is how far a read model is in the log, and the last event in it.
type Reached struct {
	Name     string
	Position events.Position
	Last     *events.Mark // nil: no event is applied yet, or nobody kept which
}

// Marks gives how far each read model that exists has come, by which the log can be
// known again; those too that a rebuild fills or has replaced, since one goes on behind
// where they are.
func Marks(ctx context.Context, q Querier) (all []Reached, err error) {
	for _, name := range Names() {
		for _, suffix := range []string{"", nextSuffix, oldSuffix} {
			c, err := readCheckpoint(ctx, q, name+suffix)
			var answered *pgconn.PgError
			if errors.As(err, &answered) && answered.Code == undefinedTable {
				continue
			}
			if err != nil {
				return nil, err
			}
			all = append(all, Reached{Name: name + suffix, Position: c.position, Last: c.last})
		}
	}
	return all, nil
}

// Discard drops all read models, and what rebuilds have begun, for a log that they were not made from. Ensure makes
// them anew. Nobody else may project or rebuild meanwhile.
func (p *Projector) Discard(ctx context.Context) error {
	return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM ledger.rebuilds; DELETE FROM ledger.replaced_models"); err != nil {
			return fmt.Errorf("discard rebuilds: %w", err)
		}
		for _, t := range p.models {
			// The projectors' lock, taken alone, also keeps a swap away.
			if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", lockKey(projecting, t.name)); err != nil {
				return err
			}
			for _, schema := range []string{t.name, t.name + nextSuffix, t.name + oldSuffix, t.name + verifySuffix} {
				if _, err := tx.Exec(ctx, dropSchema(schema)); err != nil {
					return fmt.Errorf("discard %s: %w", schema, err)
				}
			}
			if _, err := tx.Exec(ctx, "DELETE FROM ledger.rebuilds WHERE model = $1", t.name); err != nil {
				return fmt.Errorf("discard the rebuild of %s: %w", t.name, err)
			}
			t.forget()
		}
		return forgetReplaced(ctx, tx)
	})
}

// Beyond is an import that a read model knows more of than a log has.
type Beyond struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	State string `json:"state"`
}

// ImportsBeyond gives the imports whose last event stands behind a position.
func ImportsBeyond(ctx context.Context, q Querier, after events.Position) ([]Beyond, error) {
	exists, err := schemaExists(ctx, q, ImportsList)
	if err != nil || !exists {
		return nil, err
	}
	rows, err := q.Query(ctx, "SELECT id, name, state FROM imports_list.imports WHERE (position_commit, position_prepare) > ($1, $2) ORDER BY position_commit, position_prepare", after.Commit, after.Prepare)
	if err != nil {
		return nil, fmt.Errorf("imports behind position %s: %w", after, err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Beyond])
}

// MissingImports gives those of some imports that the imports list does not have.
func MissingImports(ctx context.Context, q Querier, ids []string) ([]string, error) {
	rows, err := q.Query(ctx, "SELECT asked FROM unnest($1::text[]) AS asked WHERE NOT EXISTS (SELECT FROM imports_list.imports WHERE id = asked)", ids)
	if err != nil {
		return nil, fmt.Errorf("imports that are missing: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
