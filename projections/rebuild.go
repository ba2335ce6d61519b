package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"importledger/events"
)

// Progress is how far a rebuild has come with one read model.
type Progress struct {
	Name     string
	Position events.Position
	Applied  uint64 // events
}

// Rebuild asks for read models (none named: all) to be made anew, and returns when
// they are. It does the work itself, unless another process is at it. What was asked
// for before, was paused or has failed goes on from where it was. progress, which may
// be nil, is told of every batch, by one goroutine at a time. A *Stopped says that an
// event cannot be applied. Whatever the error, the old tables still serve, and the
// rebuild remains asked for.
func (p *Projector) Rebuild(ctx context.Context, names []string, progress func(Progress)) error {
	models, err := p.named(names)
	if err != nil {
		return err
	}
	if err := p.adopt(ctx, names); err != nil {
		return err
	}
	for {
		did, err := p.work(ctx, progress)
		if err != nil {
			return fmt.Errorf("rebuild: %w", err)
		}
		left, err := p.left(ctx, models)
		if err != nil || !left {
			return err
		}
		if did {
			continue
		}
		select {
		case <-p.config.After(pollEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// left tells whether any of the read models is still to be rebuilt. The error is why
// one of them cannot be.
func (p *Projector) left(ctx context.Context, models []*tracked) (left bool, err error) {
	all, err := readAsked(ctx, p.pool)
	if err != nil {
		return false, err
	}
	for _, t := range models {
		a, asked := all[t.name]
		left = left || asked
		if a.Failed != nil {
			err = errors.Join(err, a.Failed)
		}
	}
	return left, err
}

// rebuildsEvery is how often a process looks for rebuilds that were asked for at
// another one, or left by one that was killed.
const rebuildsEvery = 500 * time.Millisecond

// RunRebuilds works off what is asked for, until ctx ends, and drops what was
// replaced a day ago. Of all processes one reads at a time.
func (p *Projector) RunRebuilds(ctx context.Context) {
	failing := false
	for ctx.Err() == nil {
		asking := p.asking.wait() // before looking, so that nothing is missed
		did, err := p.work(ctx, nil)
		if err == nil {
			err = errors.Join(p.dropCanceled(ctx), p.dropReplaced(ctx))
		}
		if err != nil && ctx.Err() == nil && !failing {
			p.config.Logger.Warn("rebuilds do not go on at the moment; trying on", "error", cause(err))
		}
		if failing = err != nil; did && !failing {
			continue
		}
		select {
		case <-asking:
			// Who asks for several asks for them one after the other: they share a reading.
			select {
			case <-p.config.After(gatherFor):
			case <-ctx.Done():
			}
		case <-p.config.After(rebuildsEvery):
		case <-ctx.Done():
		}
	}
}

// gatherFor is how long a process that was asked for a rebuild waits for more.
const gatherFor = 100 * time.Millisecond

// work does, in one reading of the log, all the rebuilds and rollbacks that are asked
// for and may go on. It does nothing where another process reads, or where one of the
// read models is being verified.
func (p *Projector) work(ctx context.Context, progress func(Progress)) (did bool, err error) {
	models, _, err := p.toDo(ctx)
	if err != nil || len(models) == 0 {
		return false, err
	}
	reserved, err := p.reserve(ctx, models, alone(rebuilding))
	if _, busy := errors.AsType[*BusyError](err); busy {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer reserved.release(ctx)
	if free, err := reserved.try(ctx, alone(rebuilding), readingAll); err != nil || !free {
		return false, err
	}
	// Somebody else may have done it, or have paused it, before we had the locks.
	now, all, err := p.toDo(ctx)
	if err != nil {
		return false, err
	}
	var shadows []*shadow
	for _, t := range models {
		if !slices.Contains(now, t) {
			continue
		}
		s := p.shadow(t.model, nextSuffix)
		if all[t.name].Back {
			s = p.shadow(t.model, oldSuffix)
			s.back = true
		}
		shadows = append(shadows, s)
	}
	if len(shadows) == 0 {
		return false, nil
	}
	return true, p.newRebuildWork(reserved, shadows).do(ctx, progress)
}

// toDo gives the read models whose rebuilds this program may go on with.
func (p *Projector) toDo(ctx context.Context) (models []*tracked, all map[string]asked, err error) {
	if all, err = readAsked(ctx, p.pool); err != nil {
		return nil, nil, err
	}
	for _, t := range p.models {
		if a, is := all[t.name]; is && a.goesOn(t.model) {
			models = append(models, t)
		}
	}
	return models, all, nil
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
