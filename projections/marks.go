package projections

import (
	"context"
	"fmt"

	"importledger/events"

	"github.com/jackc/pgx/v5"
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
	var schemas []string
	for _, name := range Names() {
		schemas = append(schemas, name, name+nextSuffix, name+oldSuffix)
	}
	// Most are not there, and Postgres would write down each that is read all the same.
	rows, err := q.Query(ctx, "SELECT schema FROM unnest($1::text[]) WITH ORDINALITY AS s (schema, n) WHERE to_regclass(schema || '.checkpoint') IS NOT NULL ORDER BY n", schemas)
	if err != nil {
		return nil, fmt.Errorf("read models: %w", err)
	}
	existing, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read models: %w", err)
	}
	for _, schema := range existing {
		c, err := readCheckpoint(ctx, q, schema)
		if isGone(err) { // swapped or dropped meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, Reached{Name: schema, Position: c.position, Last: c.last})
	}
	return all, nil
}

// Discard drops all read models, and what rebuilds have begun, for a log that they
// were not made from. Ensure makes them anew. Nobody else may project or rebuild
// meanwhile.
func (p *Projector) Discard(ctx context.Context) error {
	return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
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
			t.forget()
		}
		if _, err := tx.Exec(ctx, "DELETE FROM ledger.rebuilds; DELETE FROM ledger.replaced_models"); err != nil {
			return fmt.Errorf("discard rebuilds: %w", err)
		}
		return nil
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
