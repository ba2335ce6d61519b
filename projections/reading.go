package projections

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"importledger/events"
)

// reading is one reading of the log for several shadows.
type reading struct {
	shadows []*shadow
	each    func(run)       // is told of every run as it is read; may be nil
	taken   func(*shadow)   // is told of every shadow that has written a run; may be nil
	pace    *pace           // nil: as fast as it goes
	stop    <-chan struct{} // closed: it ends with the batch; may be nil
}

// errAllFailed ends a reading that nobody needs any more.
var errAllFailed = errors.New("every read model has failed")

// fill reads the log once, from the lowest position of the shadows to its end, and
// brings each of them there at its own pace. One that cannot take an event has
// failed, and the others go on; an error ends all.
func (p *Projector) fill(ctx context.Context, r reading) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	shadows := healthy(r.shadows)
	if len(shadows) == 0 {
		return nil
	}
	queues := make([]chan run, len(shadows))
	var working sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(len(shadows)))
	for i, s := range shadows {
		queues[i] = make(chan run, 1)
		working.Go(func() {
			err := s.follow(ctx, p, queues[i], r.taken, func() {
				if left.Add(-1) == 0 {
					cancel(errAllFailed)
				}
			})
			if err != nil {
				cancel(err)
			}
		})
	}
	err := p.distribute(ctx, lowest(shadows), queues, r)
	for _, queue := range queues {
		close(queue)
	}
	working.Wait()
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errAllFailed):
		return nil
	case cause != nil:
		return cause
	}
	return err
}

// follow takes runs until there are no more. A shadow that has failed lets them pass.
func (s *shadow) follow(ctx context.Context, p *Projector, runs <-chan run, taken func(*shadow), failed func()) error {
	for r := range runs {
		if s.failed != nil {
			continue
		}
		err := s.take(ctx, p, r)
		if stopped, ok := errors.AsType[*Stopped](err); ok {
			s.failed = stopped
			failed()
			continue
		}
		if err != nil {
			return err
		}
		if taken != nil {
			taken(s)
		}
	}
	return nil
}

// distribute gives every queue every run. The log is asked anew when the pace wants
// other batches.
func (p *Projector) distribute(ctx context.Context, after events.Position, queues []chan run, r reading) error {
	var decoder events.Decoder
	for {
		size, ended := r.pace.batch(), true
		for batch, err := range p.log.CatchUp(ctx, after, size) {
			if err != nil {
				return err
			}
			if err := deliver(ctx, decode(&decoder, batch), queues, r.each); err != nil {
				return err
			}
			after = batch.Until
			r.pace.wait(ctx, &p.config, len(batch.Events), r.stop)
			if r.stopped() {
				return nil
			}
			if ended = r.pace.batch() == size; !ended {
				break
			}
		}
		if ended {
			return nil
		}
	}
}

func deliver(ctx context.Context, r run, queues []chan run, each func(run)) error {
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
	return nil
}

func (r reading) stopped() bool {
	select {
	case <-r.stop:
		return true
	default:
		return false
	}
}

func healthy(shadows []*shadow) (all []*shadow) {
	for _, s := range shadows {
		if s.failed == nil {
			all = append(all, s)
		}
	}
	return all
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
