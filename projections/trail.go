package projections

import (
	"context"
	"errors"
	"sync"
	"time"

	"importledger/events"
)

// A read model that trails is brought to the log's end behind the others, so that
// nobody who waits for those pays for it: it moves while they rest, and at least every
// now and then. Who asks for it by name makes it hurry.
const (
	// restFor is how long no batch must have come for the others to rest.
	restFor = 30 * time.Millisecond
	// trailAtMost is how long it waits for that, while the others never rest.
	trailAtMost = 500 * time.Millisecond
	// keptForTrail is how many events are kept in memory for it. One that is further
	// behind reads them from the log once more.
	keptForTrail = 30_000
)

// trail is what a read model that trails has yet to take in.
type trail struct {
	mu      sync.Mutex
	kept    []run           // contiguous
	events  int             // in kept
	from    events.Position // kept begins behind it
	read    bool            // not all is kept: the log has the rest
	grown   signal
	hurry   signal
	hurried bool
}

// leads tells that a model is brought to the end of a batch with the batch.
func (p *Projector) leads(t *tracked) bool { return !p.config.Trails || t.trim == nil }

// keep notes a batch for the models that trail.
func (p *Projector) keep(t *tracked, r run, from events.Position) {
	t.trail.mu.Lock()
	defer t.trail.mu.Unlock()
	switch {
	case t.trail.read:
	case t.trail.events+len(r.events) > p.keptForTrail:
		t.trail.kept, t.trail.events, t.trail.read = nil, 0, true
	default:
		if len(t.trail.kept) == 0 {
			t.trail.from = from
		}
		t.trail.kept = append(t.trail.kept, r.trimmed(t.trim))
		t.trail.events += len(r.events)
	}
	t.trail.grown.broadcast()
}

// take gives what is kept, and leaves nothing.
func (t *trail) take() (kept []run, from events.Position, read bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept, from, read = t.kept, t.from, t.read
	t.kept, t.events, t.read, t.hurried = nil, 0, false, false
	return kept, from, read
}

// missed says that not all is kept that it has yet to take in.
func (t *trail) missed() {
	t.mu.Lock()
	t.kept, t.events, t.read = nil, 0, true
	t.mu.Unlock()
	t.grown.broadcast()
}

// urge makes a read model that trails hurry, since somebody waits for it.
func (t *trail) urge() {
	t.mu.Lock()
	t.hurried = true
	t.mu.Unlock()
	t.hurry.broadcast()
}

func (t *trail) state() (pending, hurried bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.kept) > 0 || t.read, t.hurried
}

// Trail projects the read models that trail, until ctx ends. Run it beside what hands
// batches to Apply, and only there.
func (p *Projector) Trail(ctx context.Context) {
	var working sync.WaitGroup
	for _, t := range p.models {
		if !p.leads(t) {
			working.Go(func() { p.trailing(ctx, t) })
		}
	}
	working.Wait()
}

func (p *Projector) trailing(ctx context.Context, t *tracked) {
	defer t.trail.take() // another process goes on
	t.trail.missed()
	for p.untilDue(ctx, t) {
		kept, from, read := t.trail.take()
		err := p.trailOnce(ctx, t, kept, from, read)
		if err == nil {
			continue
		}
		if ctx.Err() == nil {
			p.config.Logger.Warn("a read model that trails does not get on; it tries again", "model", t.name, "error", cause(err))
		}
		t.trail.missed()
		select {
		case <-p.config.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// trailOnce takes in what is kept, or what the log has.
func (p *Projector) trailOnce(ctx context.Context, t *tracked, kept []run, from events.Position, read bool) error {
	for {
		ready, err := p.ready(ctx, t)
		if err != nil || !ready {
			return err
		}
		at, _ := t.at()
		switch {
		case read || len(kept) > 0 && at.Before(from):
			err = p.trailLog(ctx, t)
		default:
			for i, r := range kept {
				if err = p.advance(ctx, t, r); err != nil {
					break
				}
				kept[i] = run{} // more is kept meanwhile
			}
		}
		if !errors.Is(err, errOvertaken) {
			return err
		}
		t.forget()
	}
}

// trailLog takes in the next batch of the log, and sees to it that more follow: between
// two the others may have to be waited for, and no reading stays open for so long.
func (p *Projector) trailLog(ctx context.Context, t *tracked) error {
	var decoder events.Decoder
	at, _ := t.at()
	for batch, err := range p.log.CatchUp(ctx, at, catchUpBatch) {
		if err != nil {
			return err
		}
		if err := p.advance(ctx, t, decode(&decoder, batch)); err != nil {
			return err
		}
		if len(batch.Events) > 0 {
			t.trail.missed()
		}
		return nil
	}
	return nil
}

// untilDue returns when there is something to take in, and the others rest or somebody
// waits; false when ctx has ended.
func (p *Projector) untilDue(ctx context.Context, t *tracked) bool {
	for {
		grown := t.trail.grown.wait()
		if pending, _ := t.trail.state(); pending {
			return p.untilRest(ctx, t)
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return false
		}
	}
}

// untilRest returns when the others rest, somebody waits, or it has taken long enough.
func (p *Projector) untilRest(ctx context.Context, t *tracked) bool {
	longest := p.config.After(trailAtMost)
	for {
		grown, hurry := t.trail.grown.wait(), t.trail.hurry.wait()
		if _, hurried := t.trail.state(); hurried {
			return ctx.Err() == nil
		}
		select {
		case <-grown: // a batch has come: they do not rest
		case <-p.config.After(restFor):
			return true
		case <-hurry:
		case <-longest:
			return true
		case <-ctx.Done():
			return false
		}
	}
}
