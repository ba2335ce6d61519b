package projections

import (
	"context"
	"fmt"
	"sync"

	"importledger/events"

	"github.com/jackc/pgx/v5"
)

// shadow is a read model that is built beside the live one, from the log's
// beginning.
type shadow struct {
	*model
	schema   string
	position events.Position
	applied  uint64
	limit    *events.Position // nil: to the log's end
	filler   filler           // while the tables are bare; nil where the fold can do without
	indexed  bool
}

func (p *Projector) shadow(m *model, suffix string) *shadow {
	s := &shadow{model: m, schema: m.name + suffix}
	if m.filler != nil {
		s.filler = m.filler(p.fillLimits)
	}
	return s
}

// begin makes the schema anew; what a killed process left of it goes.
func (s *shadow) begin(ctx context.Context, p *Projector) error {
	return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, dropSchema(s.schema)); err != nil {
			return err
		}
		return s.create(ctx, tx, s.schema)
	})
}

// settle adds keys and indexes, and what could not be written without them. From
// then on the tables are like those of a live read model.
func (s *shadow) settle(ctx context.Context, p *Projector) error {
	if s.indexed {
		return nil
	}
	err := pgx.BeginTxFunc(ctx, p.pool, pgx.TxOptions{BeginQuery: beginWriting(s.schema)}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, s.indexes); err != nil || s.filler == nil {
			return err
		}
		return s.filler.settle(ctx, tx)
	})
	s.indexed, s.filler = true, nil
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

// take writes what a run has for the shadow.
func (s *shadow) take(ctx context.Context, p *Projector, r run) error {
	if s.limit != nil {
		r = r.upTo(*s.limit)
	}
	r = r.after(s.position)
	if len(r.broken) > 0 {
		return stoppedByBroken(s.name, r.broken[0])
	}
	if !s.position.Before(r.until) {
		return nil
	}
	fold := s.fold
	if s.filler != nil {
		fold = s.filler.fold
	}
	if err := s.write(ctx, p.pool, s.schema, s.position, r, fold); err != nil {
		return fmt.Errorf("%s, events from position %s to %s: %w", s.schema, s.position, r.until, err)
	}
	s.position = r.until
	s.applied += uint64(len(r.events))
	if s.filler != nil && s.filler.full() {
		return s.settle(ctx, p)
	}
	return nil
}

func (s *shadow) drop(ctx context.Context, p *Projector) error {
	_, err := p.pool.Exec(ctx, dropSchema(s.schema))
	return err
}

// reach brings a shadow to where the live read model is, or beyond.
func (s *shadow) reach(ctx context.Context, p *Projector, live checkpoint) error {
	if s.position.Before(live.position) {
		if err := p.fill(ctx, []*shadow{s}, nil, nil); err != nil {
			return err
		}
	}
	switch {
	case !s.position.Before(live.position):
		return nil
	case s.applied == live.applied: // what lies between is not ours
		return s.take(ctx, p, run{until: live.position})
	}
	return fmt.Errorf("%s: the log that was read ends at %s, before the checkpoint %s", s.name, s.position, live.position)
}

func dropSchema(schema string) string { return "DROP SCHEMA IF EXISTS " + schema + " CASCADE" }

// fill reads the log once, from the lowest position of the shadows to its end, and
// brings each of them there at its own pace. each is told of every run as it is
// read, taken of every shadow that has written one; both may be nil.
func (p *Projector) fill(ctx context.Context, shadows []*shadow, each func(run), taken func(*shadow)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queues := make([]chan run, len(shadows))
	var working sync.WaitGroup
	for i, s := range shadows {
		queues[i] = make(chan run, 1)
		working.Go(func() {
			for r := range queues[i] {
				if err := s.take(ctx, p, r); err != nil {
					cancel(err)
					return
				}
				if taken != nil {
					taken(s)
				}
			}
		})
	}
	err := p.distribute(ctx, lowest(shadows), queues, each)
	for _, queue := range queues {
		close(queue)
	}
	working.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func (p *Projector) distribute(ctx context.Context, after events.Position, queues []chan run, each func(run)) error {
	var decoder events.Decoder
	for batch, err := range p.log.CatchUp(ctx, after, catchUpBatch) {
		if err != nil {
			return err
		}
		r := decode(&decoder, batch)
		if each != nil {
			each(r)
		}
		for _, queue := range queues {
			select {
			case queue <- r:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

func lowest(shadows []*shadow) events.Position {
	p := shadows[0].position
	for _, s := range shadows[1:] {
		if s.position.Before(p) {
			p = s.position
		}
	}
	return p
}
