package projections

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"importledger/events"

	"github.com/jackc/pgx/v5"
)

// Progress is how far a rebuild has come with one read model.
type Progress struct {
	Name     string
	Position events.Position
	Applied  uint64 // events
}

// Rebuild makes read models (none named: all) anew from the log's beginning, in one
// reading, while the old ones go on serving and being projected, and then puts the
// new ones in their place. progress, which may be nil, is told of every batch, by
// one goroutine at a time. A *BusyError says that somebody rebuilds or verifies one
// already, a *Stopped that an event cannot be applied. Whatever the error, the old
// ones still serve; those that were swapped already are new.
func (p *Projector) Rebuild(ctx context.Context, names []string, progress func(Progress)) error {
	models, err := p.named(names)
	if err != nil {
		return err
	}
	var shadows []*shadow
	for _, t := range models {
		shadows = append(shadows, p.shadow(t.model, nextSuffix))
	}
	reserved, err := p.reserve(ctx, models, alone(rebuilding))
	if err != nil {
		return err
	}
	defer reserved.release(ctx)
	if err := p.rebuild(ctx, reserved, shadows, progress); err != nil {
		return errors.Join(fmt.Errorf("rebuild: %w", err), p.dropAll(context.WithoutCancel(ctx), shadows))
	}
	return nil
}

// nearEnough is how many events a rebuild may be behind the log's end before it
// holds projectors up to bring in the rest.
const nearEnough = 1000

func (p *Projector) rebuild(ctx context.Context, reserved *reservation, shadows []*shadow, progress func(Progress)) error {
	for _, s := range shadows {
		if err := s.begin(ctx, p); err != nil {
			return err
		}
	}
	taken := tell(progress)
	if err := p.fill(ctx, shadows, nil, taken); err != nil {
		return err
	}
	if err := p.settleAll(ctx, shadows); err != nil {
		return err
	}
	// What came meanwhile, until little comes while we read it.
	for range 10 {
		read := 0
		if err := p.fill(ctx, shadows, func(r run) { read += len(r.events) }, taken); err != nil {
			return err
		}
		if read <= nearEnough {
			break
		}
	}
	for _, s := range shadows {
		if err := p.swap(ctx, reserved, s); err != nil {
			return err
		}
	}
	for _, s := range shadows {
		if _, err := p.pool.Exec(ctx, dropSchema(s.name+oldSuffix)); err != nil {
			return err
		}
	}
	return nil
}

// swap puts a rebuilt read model in the live one's place. Projectors wait
// meanwhile; readers do not: whoever has begun to read the old tables goes on
// with them, and names mean the new ones from the commit on.
func (p *Projector) swap(ctx context.Context, reserved *reservation, s *shadow) error {
	// A rebuild before this one may have been killed between its swap and its drop.
	if _, err := p.pool.Exec(ctx, dropSchema(s.name+oldSuffix)); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, reserved.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", lockKey(projecting, s.name)); err != nil {
			return err
		}
		live, err := readCheckpoint(ctx, tx, s.name)
		if err != nil {
			return err
		}
		if err := s.reach(ctx, p, live); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, fmt.Sprintf("ALTER SCHEMA %[1]s RENAME TO %[1]s%[2]s; ALTER SCHEMA %[3]s RENAME TO %[1]s", s.name, oldSuffix, s.schema))
		return err
	})
	if err != nil {
		return fmt.Errorf("swap %s: %w", s.name, err)
	}
	p.tracked(s.name).forget()
	p.moves.broadcast()
	p.announce(ctx, Announcement{Model: s.name, Changed: Changed{All: s.name == ImportsList}})
	return nil
}

func (p *Projector) settleAll(ctx context.Context, shadows []*shadow) error {
	errs := make([]error, len(shadows))
	var working sync.WaitGroup
	for i, s := range shadows {
		working.Go(func() {
			if errs[i] = s.settle(ctx, p); errs[i] == nil {
				errs[i] = s.analyze(ctx, p)
			}
		})
	}
	working.Wait()
	return errors.Join(errs...)
}

func (p *Projector) dropAll(ctx context.Context, shadows []*shadow) error {
	var errs []error
	for _, s := range shadows {
		errs = append(errs, s.drop(ctx, p))
	}
	return errors.Join(errs...)
}

// tell makes a function for several goroutines of one for one.
func tell(progress func(Progress)) func(*shadow) {
	var one sync.Mutex
	return func(s *shadow) {
		if progress == nil {
			return
		}
		one.Lock()
		defer one.Unlock()
		progress(Progress{Name: s.name, Position: s.position, Applied: s.applied})
	}
}

// named gives the read models of those names; none: all.
func (p *Projector) named(names []string) ([]*tracked, error) {
	if err := checkNames(names); err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return p.models, nil
	}
	var models []*tracked
	for _, t := range p.models { // each once, in an order that all share
		for _, name := range names {
			if t.name == name {
				models = append(models, t)
				break
			}
		}
	}
	return models, nil
}
