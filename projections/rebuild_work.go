package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// rebuildWork is one reading of the log for all the rebuilds that this process has
// reserved.
type rebuildWork struct {
	p        *Projector
	reserved *reservation
	shadows  []*shadow
	pace     *pace
	stop     chan struct{} // closed: some of them are to wait

	mu      sync.Mutex
	began   time.Time
	rates   map[string]*rate // by read model
	leaving map[string]bool  // read models that are swapped, or about to be
}

func (p *Projector) newRebuildWork(reserved *reservation, shadows []*shadow) *rebuildWork {
	w := &rebuildWork{p: p, reserved: reserved, shadows: shadows, pace: &pace{}, stop: make(chan struct{}),
		began: p.config.Now(), rates: map[string]*rate{}, leaving: map[string]bool{}}
	for _, s := range shadows {
		w.rates[s.name] = &rate{}
	}
	return w
}

// nearEnough is how many events a rebuild may be behind the log's end before it
// holds projectors up to bring in the rest.
const nearEnough = 1000

// errCanceled ends work of which somebody does not want all any more.
var errCanceled = errors.New("the rebuild was canceled")

// do brings every shadow to the log's end and swaps it in, or as far as it may. What
// fails here is tried again, from where it has come to.
func (w *rebuildWork) do(ctx context.Context, progress func(Progress)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var controlling sync.WaitGroup
	controlling.Go(func() { w.control(ctx, cancel) })
	err := w.through(ctx, progress)
	why := context.Cause(ctx)
	cancel(nil)
	controlling.Wait() // before it is noted how the rebuild stands
	if errors.Is(why, errCanceled) || errors.Is(err, errCanceled) {
		return nil // what is left is asked for, or dropped, by the next look
	}
	trouble := err
	if why != nil { // this process ends, and another goes on
		trouble = nil
	}
	return errors.Join(err, w.note(context.WithoutCancel(ctx), trouble))
}

func (w *rebuildWork) through(ctx context.Context, progress func(Progress)) error {
	limit, err := w.p.RebuildLimit(ctx)
	if err != nil {
		return err
	}
	w.pace.set(limit)
	for _, s := range w.shadows {
		if err := w.open(ctx, s); err != nil {
			return err
		}
	}
	taken := w.counted(tell(progress))
	if err := w.read(ctx, taken, nil); err != nil || w.stopped() {
		return err
	}
	if err := w.settle(ctx); err != nil || w.stopped() {
		return err
	}
	if err := w.catchUp(ctx, taken); err != nil || w.stopped() {
		return err
	}
	for _, s := range healthy(w.shadows) {
		if err := w.stage(ctx, "swapping", s); err != nil {
			return err
		}
		if err := w.swap(ctx, s); err != nil && s.failed == nil {
			return err
		}
	}
	return nil
}

// open goes on with the tables that were left, or begins anew.
func (w *rebuildWork) open(ctx context.Context, s *shadow) error {
	log := w.p.config.Logger
	found, err := s.goOn(ctx, w.p)
	switch {
	case err != nil:
		return err
	case found:
		log.Info("a rebuild goes on", "model", s.name, "schema", s.schema, "position", s.position.String(), "events", s.applied)
		return nil
	case s.back:
		s.failed = &Stopped{Model: s.name, Cause: "the tables to roll back to are gone, or another version of the program has filled them"}
		return nil
	}
	var left bool
	if err := w.p.pool.QueryRow(ctx, "SELECT to_regnamespace($1) IS NOT NULL", s.schema).Scan(&left); err != nil {
		return err
	}
	if left {
		log.Warn("a rebuild begins anew: another version of the program had begun it", "model", s.name)
	} else {
		log.Info("a rebuild begins", "model", s.name)
	}
	if err := w.p.dropOld(ctx, s.name); err != nil { // two of each are enough for a disk
		return err
	}
	return s.begin(ctx, w.p)
}

func (w *rebuildWork) read(ctx context.Context, taken func(*shadow), each func(run)) error {
	if err := w.stage(ctx, "reading", w.shadows...); err != nil {
		return err
	}
	return w.p.fill(ctx, reading{shadows: w.shadows, each: each, taken: taken, pace: w.pace, stop: w.stop})
}

// settle indexes the tables. What does not pass by itself fails one of them only.
func (w *rebuildWork) settle(ctx context.Context) error {
	bare := slices.DeleteFunc(healthy(w.shadows), func(s *shadow) bool { return s.indexed })
	if err := w.stage(ctx, "indexing", bare...); err != nil {
		return err
	}
	errs := make([]error, len(bare))
	var working sync.WaitGroup
	for i, s := range bare {
		working.Go(func() {
			err := w.p.settleAll(ctx, []*shadow{s})
			if stopped, ok := errors.AsType[*Stopped](err); ok {
				s.failed, err = stopped, nil
			}
			errs[i] = err
		})
	}
	working.Wait()
	return errors.Join(errs...)
}

// catchUp reads what came meanwhile, until little comes while it is read. A reading
// that is slowed down has all the time it needs; one that is not and still does not
// get there competes with imports, and is to end.
func (w *rebuildWork) catchUp(ctx context.Context, taken func(*shadow)) error {
	for round := 0; ; round++ {
		read := 0
		if err := w.read(ctx, taken, func(r run) { read += len(r.events) }); err != nil {
			return err
		}
		if read <= nearEnough || w.stopped() || round >= 10 && w.pace.batch() == catchUpBatch {
			return nil
		}
	}
}

func (w *rebuildWork) stopped() bool { return reading{stop: w.stop}.stopped() }

// controlEvery is how often a rebuild asks whether it is to be paused, canceled, or
// to go slower.
const controlEvery = 200 * time.Millisecond

// control sees to it that the work does what is asked for now, and tells how fast it
// goes.
func (w *rebuildWork) control(ctx context.Context, cancel context.CancelCauseFunc) {
	stopping := false
	for {
		all, err := readAsked(ctx, w.p.pool)
		limit := 0
		if err == nil {
			limit, err = w.p.RebuildLimit(ctx)
		}
		if err == nil { // else the work itself will notice, or it passes
			w.pace.set(limit)
			for _, s := range w.remaining() {
				a, is := all[s.name]
				if !is || a.Canceled || a.Back != s.back || a.Version != s.version {
					cancel(errCanceled)
					return
				}
				if a.Paused && !stopping {
					stopping = true
					close(w.stop)
				}
			}
			w.tellRates(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-w.p.config.After(controlEvery):
		}
	}
}

// remaining are the shadows that are not swapped yet.
func (w *rebuildWork) remaining() (all []*shadow) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.shadows {
		if !w.leaving[s.name] {
			all = append(all, s)
		}
	}
	return all
}

// leaves notes that a shadow is swapped, or after all is not.
func (w *rebuildWork) leaves(s *shadow, does bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leaving[s.name] = does
}

// counted adds to the rates what a shadow has taken.
func (w *rebuildWork) counted(taken func(*shadow)) func(*shadow) {
	before := map[string]uint64{}
	for _, s := range w.shadows {
		before[s.name] = s.applied
	}
	return func(s *shadow) {
		w.mu.Lock()
		w.rates[s.name].add(w.p.config.Now(), int(s.applied-before[s.name]))
		before[s.name] = s.applied
		w.mu.Unlock()
		taken(s)
	}
}

func (w *rebuildWork) tellRates(ctx context.Context) {
	now := w.p.config.Now()
	for _, s := range w.remaining() {
		w.mu.Lock()
		rate := w.rates[s.name].perSecondSince(w.began, now)
		w.mu.Unlock()
		if _, err := w.p.pool.Exec(ctx, "UPDATE ledger.rebuilds SET events_per_second = $2 WHERE model = $1 AND events_per_second <> $2", s.name, rate); err != nil {
			return // it is told a little later
		}
	}
}

// stage tells what is being done for some shadows.
func (w *rebuildWork) stage(ctx context.Context, stage string, shadows ...*shadow) error {
	var names []string
	for _, s := range healthy(shadows) {
		names = append(names, s.name)
	}
	_, err := w.p.pool.Exec(ctx, "UPDATE ledger.rebuilds SET stage = $2, trouble = NULL WHERE model = ANY($1) AND (stage <> $2 OR trouble IS NOT NULL)", names, stage)
	if err != nil {
		return fmt.Errorf("note the stage of a rebuild: %w", err)
	}
	return nil
}

// note writes down which rebuilds have failed, and what troubles the others.
func (w *rebuildWork) note(ctx context.Context, trouble error) error {
	for _, s := range w.remaining() {
		var why *string
		if trouble != nil && s.failed == nil {
			text := cause(trouble)
			why = &text
		}
		if s.failed != nil {
			w.p.config.Logger.Error("a rebuild has failed; the tables of before go on serving", "model", s.name, "event", s.failed.Event,
				"stream", s.failed.Stream, "revision", s.failed.Revision, "position", s.failed.Position, "cause", s.failed.Cause)
		}
		_, err := w.p.pool.Exec(ctx, "UPDATE ledger.rebuilds SET failed = $2, trouble = $3, stage = 'waiting', events_per_second = 0 WHERE model = $1", s.name, s.failed, why)
		if err != nil && trouble == nil {
			return fmt.Errorf("note how a rebuild stands: %w", err)
		}
	}
	return nil
}
