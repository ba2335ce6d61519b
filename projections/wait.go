package projections

import (
	"context"
	"sync"
	"time"

	"importledger/events"
)

// signal wakes whoever waits.
type signal struct {
	mu   sync.Mutex
	next chan struct{}
}

// wait gives a channel that the next broadcast closes.
func (s *signal) wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = make(chan struct{})
	}
	return s.next
}

func (s *signal) broadcast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		close(s.next)
		s.next = nil
	}
}

// pollEvery is how often WaitFor looks for what projectors of other processes did
// and nobody has told of.
const pollEvery = 200 * time.Millisecond

// WaitFor returns when read models (none named: all that do not trail) have reached a position of
// the log, whoever projects them. Its error is the context's, a *Stopped where one
// has stopped before that position, or what Postgres says.
func (p *Projector) WaitFor(ctx context.Context, position events.Position, names ...string) error {
	if err := checkNames(names); err != nil {
		return err
	}
	if len(names) == 0 {
		for _, t := range p.models {
			if p.leads(t) {
				names = append(names, t.name)
			}
		}
	}
	for _, name := range names {
		if err := p.waitFor(ctx, position, p.tracked(name)); err != nil {
			return err
		}
	}
	return nil
}

func (p *Projector) waitFor(ctx context.Context, position events.Position, t *tracked) error {
	for {
		moved := p.moves.wait() // before looking, so that no move is missed
		if at, known := t.at(); known && !at.Before(position) {
			return nil
		}
		c, err := readCheckpoint(ctx, p.pool, t.name)
		switch {
		case err != nil:
			return err
		case !c.position.Before(position):
			return nil
		case c.stopped != nil:
			return c.stopped
		case c.version != t.version:
			return outdated(t.name)
		}
		t.trail.urge()
		select {
		case <-moved:
		case <-p.config.After(pollEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
