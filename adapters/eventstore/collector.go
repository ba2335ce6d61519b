package eventstore

import (
	"context"
	"sync"
	"time"

	"importledger/events"
)

// collector is the one batch that lies between a subscription that receives and
// a consumer that is busy. When it is full, receiving waits.
type collector struct {
	limits limits
	room   chan struct{} // a token: the batch was taken
	ready  chan struct{} // a token: look whether a batch can be taken

	mu     sync.Mutex
	batch  []events.Recorded
	bytes  int
	oldest time.Time       // when the first of batch came
	until  events.Position // how far the log is known, by events and checkpoints
	taken  events.Position // until of the last batch taken
	told   time.Time       // when an empty batch was last taken
	live   bool            // the subscription has reached the end of the log
}

// limits say when a batch closes.
type limits struct {
	events int
	bytes  int
	// linger is how long a batch may wait for more while the subscription is
	// known to be behind.
	linger time.Duration
	// progress is the shortest time between two batches without events.
	progress time.Duration
}

func newCollector(l limits) *collector {
	return &collector{limits: l, room: make(chan struct{}, 1), ready: make(chan struct{}, 1)}
}

// begin sets the position after which events will come.
func (c *collector) begin(after events.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until, c.taken = after, after
}

// add puts an event behind the others, waiting for room if need be. One
// goroutine adds.
func (c *collector) add(ctx context.Context, e events.Recorded) error {
	c.mu.Lock()
	for c.full() {
		c.mu.Unlock()
		select {
		case <-c.room:
		case <-ctx.Done():
			return ctx.Err()
		}
		c.mu.Lock()
	}
	if len(c.batch) == 0 {
		c.oldest = time.Now()
	}
	c.batch = append(c.batch, e)
	c.bytes += len(e.Stream) + len(e.Type) + len(e.Data) + len(e.Metadata)
	c.until = e.Position
	look := c.live || len(c.batch) == 1 || c.full()
	c.mu.Unlock()
	if look {
		signal(c.ready)
	}
	return nil
}

// passed notes a checkpoint: everything up to p is of other streams or added.
func (c *collector) passed(p events.Position) {
	c.mu.Lock()
	if c.until.Before(p) {
		c.until = p
	}
	c.mu.Unlock()
	signal(c.ready)
}

// setLive notes whether there is anything more to wait for right now.
func (c *collector) setLive(live bool) {
	c.mu.Lock()
	c.live = live
	c.mu.Unlock()
	signal(c.ready)
}

// take gives the next batch as soon as one is due: at once what there is when
// the subscription is live; a full batch, or what came within linger, when it is
// behind. One goroutine takes.
func (c *collector) take(ctx context.Context) (events.Batch, error) {
	for {
		c.mu.Lock()
		wait, due := c.due(time.Now())
		if due && wait <= 0 {
			b := c.cut()
			c.mu.Unlock()
			signal(c.room)
			return b, nil
		}
		c.mu.Unlock()
		var alarm <-chan time.Time
		var timer *time.Timer
		if due {
			timer = time.NewTimer(wait)
			alarm = timer.C
		}
		select {
		case <-c.ready:
		case <-alarm:
		case <-ctx.Done():
		}
		if timer != nil {
			timer.Stop()
		}
		if ctx.Err() != nil {
			return events.Batch{}, ctx.Err()
		}
	}
}

// due tells whether there is something to take, and after which wait.
func (c *collector) due(now time.Time) (time.Duration, bool) {
	switch {
	case c.full(), len(c.batch) > 0 && c.live:
		return 0, true
	case len(c.batch) > 0:
		return c.limits.linger - now.Sub(c.oldest), true
	case c.taken.Before(c.until):
		return c.limits.progress - now.Sub(c.told), true
	}
	return 0, false
}

func (c *collector) full() bool {
	return len(c.batch) >= c.limits.events || c.bytes >= c.limits.bytes
}

func (c *collector) cut() events.Batch {
	b := events.Batch{Events: c.batch, Until: c.until}
	if len(b.Events) == 0 {
		c.told = time.Now()
	}
	c.batch = make([]events.Recorded, 0, len(b.Events))
	c.bytes = 0
	c.taken = c.until
	return b
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
