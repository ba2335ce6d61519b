package eventstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"importledger/aggregate"
	"importledger/events"
)

// copyPatience is how long a copy waits for a log that went away.
const copyPatience = time.Minute

// patiently does something again while the log cannot be reached, for a while.
func patiently(ctx context.Context, config Config, do func() error) error {
	pause := reconnecting(config)
	for giveUp := time.Now().Add(copyPatience); ; {
		err := do()
		if !isUnavailable(err) || time.Now().After(giveUp) {
			return err
		}
		if waited := pause.wait(ctx); waited != nil {
			return waited
		}
	}
}

// reading yields the ledger's events of a log one by one, up to its end as it was when
// the reading began or a connection was last lost.
type reading struct {
	log   *Log
	end   events.Position
	after events.Position // what was read in whole batches
	batch []events.Recorded
	pull  func() (events.Batch, error, bool)
	stop  func()
}

func openReading(ctx context.Context, log *Log, after events.Position) (*reading, error) {
	r := &reading{log: log, after: after}
	err := patiently(ctx, log.config, func() (err error) {
		r.end, err = log.Head(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.open(ctx)
	return r, nil
}

func (r *reading) open(ctx context.Context) {
	r.pull, r.stop = iter.Pull2(r.log.CatchUp(ctx, r.after, copyBatch))
}

func (r *reading) close() { r.stop() }

// next gives the next event; nil at the end. It is good until the call after.
func (r *reading) next(ctx context.Context) (*events.Recorded, error) {
	for len(r.batch) == 0 {
		var more bool
		err := patiently(ctx, r.log.config, func() error {
			batch, err, ok := r.pull()
			if err != nil { // the batches before it are whole
				r.stop()
				r.open(ctx)
				return err
			}
			if more = ok; ok {
				r.batch, r.after = batch.Events, batch.Until
			}
			return nil
		})
		if err != nil || !more {
			return nil, err
		}
	}
	e := &r.batch[0]
	r.batch = r.batch[1:]
	return e, nil
}

// rememberedStreams bounds the streams whose ends a copy remembers.
const rememberedStreams = 1 << 15

// chains follows the streams of a log event by event.
type chains struct {
	log       *Log
	ends      map[string]events.Place
	limit     int // of ends
	unchained uint64
}

func newChains(log *Log) *chains {
	return &chains{log: log, ends: map[string]events.Place{}, limit: rememberedStreams}
}

// follow checks that an event is what was recorded behind the one before it. Streams
// may begin with events that were recorded before there were chains.
func (c *chains) follow(ctx context.Context, e events.Recorded) error {
	place, known := c.ends[e.Stream]
	if !known && e.Revision > 0 {
		var err error
		if place, err = c.before(ctx, e); err != nil {
			return err
		}
	}
	next, err := place.Follow(e.Stream, e)
	if errors.Is(err, events.ErrNotChained) && place.Chain.IsZero() {
		c.unchained++
		next, err = events.Place{Revision: e.Revision + 1}, nil
	}
	if err != nil {
		return refused(ErrCopySourceBroken, err, "the source is not what was recorded: %v; restore it from a backup that is whole", err)
	}
	if !known && len(c.ends) >= c.limit {
		clear(c.ends) // those that go on are read again
	}
	c.ends[e.Stream] = next
	return nil
}

// before gives the place of an event of a stream that is not remembered.
func (c *chains) before(ctx context.Context, e events.Recorded) (place events.Place, err error) {
	err = patiently(ctx, c.log.config, func() error {
		page, err := c.log.page(ctx, e.Stream, esdb.Forwards, esdb.Revision(e.Revision-1), 1)
		if err == nil && len(page) == 0 {
			err = fmt.Errorf("event %d@%s: %w", e.Revision-1, e.Stream, aggregate.ErrStreamNotFound)
		}
		if err == nil {
			place = events.Behind(page[0])
		}
		return err
	})
	return place, err
}
