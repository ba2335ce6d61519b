package projections

import (
	"context"
	"errors"
	"fmt"

	"importledger/events"

	"github.com/jackc/pgx/v5"
)

// shadow is a read model that is built or brought up beside the live one.
type shadow struct {
	*model
	schema   string
	back     bool // it was the live one before
	position events.Position
	applied  uint64
	limit    *events.Position // nil: to the log's end
	limits   fillLimits
	filler   filler // while the tables are bare; nil where the fold can do without
	indexed  bool
	failed   *Stopped // it cannot go on
}

func (p *Projector) shadow(m *model, suffix string) *shadow {
	return &shadow{model: m, schema: m.name + suffix, limits: p.fillLimits}
}

// begin makes the schema anew; what a killed process left of it goes.
func (s *shadow) begin(ctx context.Context, p *Projector) error {
	s.bare()
	keptBack := noneKeptBack
	if s.filler != nil {
		keptBack = s.filler.keptBack()
	}
	return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, dropSchema(s.schema)); err != nil {
			return err
		}
		if err := s.create(ctx, tx, s.schema); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, keptBack)
		return err
	})
}

// bare is how a shadow begins.
func (s *shadow) bare() {
	s.position, s.applied, s.indexed, s.filler = events.Position{}, 0, false, nil
	if s.model.filler != nil {
		s.filler = s.model.filler(s.limits)
	}
}

// goOn finds out how far the tables are that another process, or this one before,
// has left; false: there are none that this program can go on with.
func (s *shadow) goOn(ctx context.Context, p *Projector) (found bool, err error) {
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		var bare bool
		err := tx.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL, to_regclass($2) IS NOT NULL",
			s.schema+".checkpoint", s.schema+"."+keptBackTable).Scan(&found, &bare)
		if err != nil || !found {
			return err
		}
		c, err := readCheckpoint(ctx, tx, s.schema)
		if err != nil {
			return err
		}
		if found = c.version == s.version; !found {
			return nil
		}
		s.bare()
		s.position, s.applied, s.indexed = c.position, c.applied, !bare
		if !bare || s.filler == nil {
			s.filler = nil
			return nil
		}
		if _, err := tx.Exec(ctx, searchPath(s.schema)); err != nil {
			return err
		}
		return s.filler.remember(ctx, tx)
	})
	if err != nil {
		return false, fmt.Errorf("go on with %s: %w", s.schema, err)
	}
	return found, nil
}

// settle adds keys and indexes, and what could not be written without them. From
// then on the tables are like those of a live read model. The error is a *Stopped where
// it does not pass by itself.
func (s *shadow) settle(ctx context.Context, p *Projector) error {
	if s.indexed {
		return nil
	}
	err := pgx.BeginTxFunc(ctx, p.pool, pgx.TxOptions{BeginQuery: beginWriting(s.schema)}, func(tx pgx.Tx) error {
		if err := s.mine(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, s.indexes); err != nil {
			return err
		}
		if s.filler != nil {
			if err := s.filler.settle(ctx, tx); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "DROP TABLE kept_back")
		return err
	})
	switch {
	case err == nil:
	case errors.Is(err, errOvertaken) || p.passes(ctx, err):
		return fmt.Errorf("index %s: %w", s.schema, err)
	default:
		return &Stopped{Model: s.name, Cause: cause(err)}
	}
	s.indexed, s.filler = true, nil
	return nil
}

// mine sees to it, until the transaction's end, that no other process goes on with
// the tables: one whose connection broke may not know yet that they are not its any
// more.
func (s *shadow) mine(ctx context.Context, tx pgx.Tx) error {
	tag, err := tx.Exec(ctx, "SELECT FROM checkpoint WHERE log_commit = $1 AND log_prepare = $2 AND version = $3 FOR UPDATE",
		s.position.Commit, s.position.Prepare, s.version)
	if err == nil && tag.RowsAffected() == 0 {
		return errOvertaken
	}
	return err
}

// analyze tells the planner what it wants to know about tables that it has never seen.
func (s *shadow) analyze(ctx context.Context, p *Projector) error {
	tables, err := tablesOf(ctx, p.pool, s.schema)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if _, err := p.pool.Exec(ctx, "ANALYZE "+s.schema+"."+t.name); err != nil {
			return err
		}
	}
	return nil
}

// take writes what a run has for the shadow. Its error is a *Stopped where an event
// cannot be applied; all before that is written.
func (s *shadow) take(ctx context.Context, p *Projector, r run) error {
	if s.limit != nil {
		r = r.upTo(*s.limit)
	}
	r = r.concerning(s.model).after(s.position)
	if readable := r.readable(); s.position.Before(readable.until) {
		if err := s.put(ctx, p, readable); err != nil {
			return err
		}
	}
	if len(r.broken) > 0 {
		return stoppedByBroken(s.name, r.broken[0])
	}
	return nil
}

// put writes a run as one transaction, or as several, down to the one event that
// cannot be written.
func (s *shadow) put(ctx context.Context, p *Projector, r run) error {
	fold := s.fold
	if s.filler != nil {
		fold = s.filler.fold
	}
	err := s.write(ctx, p.pool, s.schema, s.position, r, fold)
	if err == nil {
		s.position = r.until
		s.applied += uint64(len(r.events))
		if s.filler != nil && s.filler.full() {
			return s.settle(ctx, p)
		}
		return nil
	}
	if errors.Is(err, errOvertaken) || p.passes(ctx, err) {
		return fmt.Errorf("%s, events from position %s to %s: %w", s.schema, s.position, r.until, err)
	}
	// What the filler remembers of the run did not come into the tables.
	switch found, again := s.goOn(ctx, p); {
	case again != nil:
		return again
	case !found:
		return fmt.Errorf("%s is gone: %w", s.schema, err)
	}
	switch len(r.events) {
	case 0:
		return &Stopped{Model: s.name, Cause: cause(err)}
	case 1:
		return stoppedAt(s.name, r.events[0], err)
	}
	first, second := r.halves()
	if err := s.put(ctx, p, first); err != nil {
		return err
	}
	return s.put(ctx, p, second)
}

func (s *shadow) drop(ctx context.Context, p *Projector) error {
	_, err := p.pool.Exec(ctx, dropSchema(s.schema))
	return err
}

// reach brings a shadow to where the live read model is, or beyond.
func (s *shadow) reach(ctx context.Context, p *Projector, live checkpoint) error {
	if s.position.Before(live.position) {
		if err := p.fill(ctx, reading{shadows: []*shadow{s}}); err != nil {
			return err
		}
	}
	switch {
	case s.failed != nil:
		return s.failed
	case !s.position.Before(live.position):
		return nil
	case s.applied == live.applied: // what lies between is not ours
		return s.take(ctx, p, run{until: live.position})
	}
	return fmt.Errorf("%s: the log that was read ends at %s, before the checkpoint %s", s.name, s.position, live.position)
}

func dropSchema(schema string) string { return "DROP SCHEMA IF EXISTS " + schema + " CASCADE" }
