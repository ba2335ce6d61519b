package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// swap puts a shadow in the live read model's place, which is kept as MODEL_old.
// Projectors wait meanwhile; readers do not: whoever has begun to read the old tables
// goes on with them, and names mean the new ones from the commit on.
func (w *rebuildWork) swap(ctx context.Context, s *shadow) error {
	p := w.p
	if !s.back {
		if err := p.dropOld(ctx, s.name); err != nil {
			return err
		}
	}
	w.leaves(s, true) // from now on nobody takes the row's going for a cancellation
	began := p.config.Now()
	err := pgx.BeginFunc(ctx, w.reserved.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", lockKey(projecting, s.name)); err != nil {
			return err
		}
		began = p.config.Now()
		live, err := readCheckpoint(ctx, tx, s.name)
		if err != nil {
			return err
		}
		if err := s.reach(ctx, p, live); err != nil {
			return err
		}
		return s.rename(ctx, tx, live.version)
	})
	held := p.config.Now().Sub(began)
	if err != nil {
		w.leaves(s, false)
		return fmt.Errorf("swap %s: %w", s.name, err)
	}
	// Others may do with it what they want, while this reading goes on for the rest.
	w.reserved.giveBack(ctx, rebuilding, s.name)
	p.config.Logger.Info("a read model was swapped; the tables of before are kept for a day", "model", s.name, "rollback", s.back,
		"events", s.applied, "projectors_held_ms", held.Milliseconds())
	p.tracked(s.name).forget()
	p.moves.broadcast()
	p.announce(ctx, Announcement{Model: s.name, Changed: Changed{All: s.name == ImportsList}})
	return nil
}

// rename puts the shadow's tables under the read model's name, those under it aside,
// and says that this is done.
func (s *shadow) rename(ctx context.Context, tx pgx.Tx, replaced string) error {
	steps := "ALTER SCHEMA %[1]s RENAME TO %[1]s_swapped; ALTER SCHEMA %[2]s RENAME TO %[1]s; ALTER SCHEMA %[1]s_swapped RENAME TO %[1]s%[3]s"
	if _, err := tx.Exec(ctx, fmt.Sprintf(steps, s.name, s.schema, oldSuffix)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO ledger.replaced_models (model, version) VALUES ($1, $2)
		ON CONFLICT (model) DO UPDATE SET version = excluded.version, replaced_at = now()`, s.name, replaced)
	if err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, "DELETE FROM ledger.rebuilds WHERE model = $1 AND back = $2 AND NOT canceled", s.name, s.back)
	if err == nil && tag.RowsAffected() == 0 {
		return errCanceled
	}
	return err
}

// dropOld drops the tables that were kept of before.
func (p *Projector) dropOld(ctx context.Context, name string) error {
	return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		// Somebody may still read them; nobody may have to wait behind us for long.
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '5s'; "+dropSchema(name+oldSuffix)); err != nil {
			return fmt.Errorf("drop %s%s: %w", name, oldSuffix, err)
		}
		_, err := tx.Exec(ctx, "DELETE FROM ledger.replaced_models WHERE model = $1", name)
		return err
	})
}

// dropReplaced drops what was replaced a day ago, unless somebody rolls back to it.
func (p *Projector) dropReplaced(ctx context.Context) error {
	return p.dropWhere(ctx, `
		SELECT model FROM ledger.replaced_models o WHERE replaced_at < now() - interval '1 day'
			AND NOT EXISTS (SELECT FROM ledger.rebuilds r WHERE r.model = o.model)`,
		func(t *tracked) error {
			p.config.Logger.Info("the tables of a read model that were replaced a day ago are dropped", "model", t.name)
			return p.dropOld(ctx, t.name)
		})
}

// dropCanceled drops what was filled for rebuilds that are not wanted any more.
func (p *Projector) dropCanceled(ctx context.Context) error {
	return p.dropWhere(ctx, "SELECT model FROM ledger.rebuilds WHERE canceled", func(t *tracked) error {
		return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, dropSchema(t.name+nextSuffix)); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "DELETE FROM ledger.rebuilds WHERE model = $1 AND canceled", t.name)
			return err
		})
	})
}

// dropWhere drops something of the read models that a query names and nobody works on.
func (p *Projector) dropWhere(ctx context.Context, query string, drop func(*tracked) error) error {
	rows, err := p.pool.Query(ctx, query)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		t := p.tracked(name)
		if t == nil {
			continue // of another version of the program
		}
		if err := p.reserving(ctx, t, func() error { return drop(t) }); err != nil {
			return err
		}
	}
	return nil
}

// reserving does something while nobody rebuilds a read model; nothing where somebody
// does.
func (p *Projector) reserving(ctx context.Context, t *tracked, do func() error) error {
	reserved, err := p.reserve(ctx, []*tracked{t}, alone(rebuilding))
	if _, busy := errors.AsType[*BusyError](err); busy {
		return nil
	}
	if err != nil {
		return err
	}
	defer reserved.release(ctx)
	return do()
}
