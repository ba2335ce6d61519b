package projections

import (
	"context"
	"sync"
	"time"
)

// pace keeps a reading of the log to so many events a second. The limit may change
// while somebody waits.
type pace struct {
	mu      sync.Mutex
	limit   int       // events a second; 0: none
	due     time.Time // when the next events may be read
	changed signal
}

func (p *pace) set(limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limit == limit {
		return
	}
	p.limit, p.due = limit, time.Time{} // what was read too fast before is forgiven
	p.changed.broadcast()
}

// batch is how many events are read at once: few enough not to have to wait long for
// the next ones.
func (p *pace) batch() int {
	if p == nil {
		return catchUpBatch
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limit == 0 {
		return catchUpBatch
	}
	return min(max(p.limit/4, 1), catchUpBatch)
}

// wait returns when more may be read after some events, ctx ends or stop is closed.
func (p *pace) wait(ctx context.Context, config *Config, events int, stop <-chan struct{}) {
	if p == nil {
		return
	}
	p.spend(config.Now(), events)
	for {
		changed := p.changed.wait()
		left := p.left(config.Now())
		if left <= 0 {
			return
		}
		select {
		case <-config.After(left):
		case <-changed:
		case <-stop:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (p *pace) spend(now time.Time, events int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limit == 0 {
		return
	}
	if p.due.Before(now) {
		p.due = now
	}
	p.due = p.due.Add(time.Duration(events) * time.Second / time.Duration(p.limit))
}

func (p *pace) left(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limit == 0 {
		return 0
	}
	return p.due.Sub(now)
}
