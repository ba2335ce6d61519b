package eventstore

import (
	"context"
	"iter"

	"importledger/events"
)

// catchUpBytes closes a batch of CatchUp early, so that wide rows do not make it
// arbitrarily large.
const catchUpBytes = 8 << 20

// CatchUp yields the ledger's events after a position, in log order, in batches
// of at most batchSize, up to the end of the log as it was at the call. The last
// batch's Until is that end (Head), and the batch may be without events; where
// after is already there, nothing is yielded. While the caller works on a batch
// the next one is being read.
//
// An error ends it; the batches before it are whole, and a new call after the
// last Until goes on behind them. Needs a server that says when a subscription
// has caught up (EventStoreDB 23.10 or later).
func (l *Log) CatchUp(ctx context.Context, after events.Position, batchSize int) iter.Seq2[events.Batch, error] {
	return func(yield func(events.Batch, error) bool) {
		head, err := l.Head(ctx)
		if err != nil {
			yield(events.Batch{}, err)
			return
		}
		if !after.Before(head) {
			return
		}
		reading, cancel := context.WithCancel(ctx)
		defer cancel()
		batches := make(chan events.Batch)
		var failure error
		go func() {
			defer close(batches)
			failure = l.catchUp(reading, after, head, batchSize, batches)
		}()
		for b := range batches {
			if !yield(b, nil) {
				cancel()
				for range batches {
					// The reader closes it once it has noticed.
				}
				return
			}
		}
		if err := translate(ctx, "catch up with the log", failure); err != nil {
			yield(events.Batch{}, err)
		}
	}
}

func (l *Log) catchUp(ctx context.Context, after, head events.Position, batchSize int, out chan<- events.Batch) error {
	return l.follow(ctx, all, cursor{position: after}, func(ctx context.Context, next receive) error {
		return readUntil(ctx, next, head, batchSize, out)
	})
}

// readUntil sends what a subscription brings up to head, and ends there.
func readUntil(ctx context.Context, next receive, head events.Position, batchSize int, out chan<- events.Batch) error {
	var b events.Batch
	bytes := 0
	send := func() error {
		select {
		case out <- b:
			b, bytes = events.Batch{Events: make([]events.Recorded, 0, len(b.Events))}, 0
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for b.Until.Before(head) {
		m, err := next()
		if err != nil {
			return err
		}
		switch {
		case m.CaughtUp != nil:
			b.Until = head
		case m.CheckPointReached != nil:
			if p := position(*m.CheckPointReached); !p.Before(head) {
				b.Until = head
			}
		case m.EventAppeared != nil:
			e := recorded(m.EventAppeared.OriginalEvent())
			if head.Before(e.Position) {
				b.Until = head
				continue
			}
			b.Events = append(b.Events, e)
			b.Until = e.Position
			bytes += len(e.Data) + len(e.Metadata)
			if b.Until != head && (len(b.Events) >= batchSize || bytes >= catchUpBytes) {
				if err := send(); err != nil {
					return err
				}
			}
		}
	}
	return send()
}
