package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Schemas beside the live one.
const (
	nextSuffix   = "_next"   // being filled by a rebuild
	oldSuffix    = "_old"    // replaced by a rebuild, kept for a day
	verifySuffix = "_verify" // being filled to be compared
)

// forgetReplaced forgets tables that are not there any more: a backup may have left
// them out.
func forgetReplaced(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "DELETE FROM ledger.replaced_models WHERE to_regnamespace(model || $1) IS NULL", oldSuffix)
	return err
}

// Ensure makes the read models that are not there, empty, and drops what nobody will
// come back to. Several processes may do it at once. It returns
// the names of those whose tables another version of the program has filled: they
// are not projected before they are rebuilt.
func (p *Projector) Ensure(ctx context.Context) (outdated []string, err error) {
	for _, t := range p.models {
		version, err := p.ensure(ctx, t.model)
		if err != nil {
			return nil, fmt.Errorf("read model %s: %w", t.name, err)
		}
		if version != t.version {
			outdated = append(outdated, t.name)
		}
		t.forget()
	}
	return outdated, nil
}

func (p *Projector) ensure(ctx context.Context, m *model) (version string, err error) {
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		// The projectors' lock, taken alone, also keeps a swap away.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", lockKey(projecting, m.name)); err != nil {
			return err
		}
		if err := dropAbandoned(ctx, tx, m.name); err != nil {
			return err
		}
		if err := forgetReplaced(ctx, tx); err != nil {
			return err
		}
		exists, err := schemaExists(ctx, tx, m.name)
		if err != nil {
			return err
		}
		if !exists {
			if err := m.create(ctx, tx, m.name); err != nil {
				return err
			}
			if err := m.index(ctx, tx, m.name); err != nil {
				return err
			}
		}
		c, err := readCheckpoint(ctx, tx, m.name)
		version = c.version
		return err
	})
	return version, err
}

// dropAbandoned drops the schemas beside a read model that nobody is at work on and
// nobody will go on with.
func dropAbandoned(ctx context.Context, tx pgx.Tx, name string) error {
	for _, beside := range []struct{ what, suffix, kept string }{
		{rebuilding, nextSuffix, "SELECT EXISTS (SELECT FROM ledger.rebuilds WHERE model = $1)"},
		{rebuilding, oldSuffix, "SELECT EXISTS (SELECT FROM ledger.replaced_models WHERE model = $1)"},
		{verifying, verifySuffix, "SELECT $1 = ''"},
	} {
		var free, kept bool
		if err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", lockKey(beside.what, name)).Scan(&free); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, beside.kept, name).Scan(&kept); err != nil {
			return err
		}
		if !free || kept {
			continue
		}
		if _, err := tx.Exec(ctx, dropSchema(name+beside.suffix)); err != nil {
			return err
		}
	}
	return nil
}

func schemaExists(ctx context.Context, q Querier, schema string) (exists bool, err error) {
	err = q.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema).Scan(&exists)
	return exists, err
}

func outdated(name string) *Stopped {
	return &Stopped{Model: name, Cause: "its tables were filled by another version of the program: rebuild it"}
}
