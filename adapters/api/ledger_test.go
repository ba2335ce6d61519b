package api_test

import (
	"context"
	"iter"
	"sync"
	"time"

	"importledger/aggregate"
	"importledger/events"
	"importledger/projections"
)

// ledger is a log in memory. Whatever is appended is projected before Append
// answers, when it has a projector.
type ledger struct {
	mu        sync.Mutex
	recorded  []events.Recorded
	projector *projections.Projector
	held      bool // appended, but not projected
	away      bool // cannot be reached
}

func (l *ledger) Append(ctx context.Context, stream string, expected uint64, batch []events.Proposed) (events.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return events.Position{}, aggregate.ErrLogUnavailable
	}
	n := uint64(len(l.stream(stream)))
	if n != expected {
		return events.Position{}, aggregate.ErrOvertaken
	}
	added := events.Batch{}
	for i, p := range batch {
		at := uint64(len(l.recorded)+1) * 10
		e := events.Recorded{ID: p.ID, Stream: stream, Revision: n + uint64(i), Position: events.Position{Commit: at, Prepare: at},
			Type: p.Type, Data: p.Data, Metadata: p.Metadata, Recorded: time.UnixMilli(1795500000000).UTC()}
		l.recorded = append(l.recorded, e)
		added.Events, added.Until = append(added.Events, e), e.Position
	}
	if l.projector != nil && !l.held {
		if err := l.projector.Apply(ctx, added); err != nil {
			return events.Position{}, err
		}
	}
	return added.Until, nil
}

func (l *ledger) stream(name string) []events.Recorded {
	var all []events.Recorded
	for _, e := range l.recorded {
		if e.Stream == name {
			all = append(all, e)
		}
	}
	return all
}

func (l *ledger) read(name string) ([]events.Recorded, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return nil, aggregate.ErrLogUnavailable
	}
	all := l.stream(name)
	if len(all) == 0 {
		return nil, aggregate.ErrStreamNotFound
	}
	return all, nil
}

func (l *ledger) Read(_ context.Context, stream string, from uint64) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		all, err := l.read(stream)
		if err != nil {
			yield(events.Recorded{}, err)
			return
		}
		for _, e := range all {
			if e.Revision >= from && !yield(e, nil) {
				return
			}
		}
	}
}

func (l *ledger) ReadBack(_ context.Context, stream string, from uint64) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		all, err := l.read(stream)
		if err != nil {
			yield(events.Recorded{}, err)
			return
		}
		for i := len(all) - 1; i >= 0; i-- {
			if all[i].Revision <= from && !yield(all[i], nil) {
				return
			}
		}
	}
}

func (l *ledger) CatchUp(ctx context.Context, after events.Position, _ int) iter.Seq2[events.Batch, error] {
	return func(yield func(events.Batch, error) bool) {
		l.mu.Lock()
		away, b := l.away, events.Batch{}
		for _, e := range l.recorded {
			if after.Before(e.Position) {
				b.Events, b.Until = append(b.Events, e), e.Position
			}
		}
		l.mu.Unlock()
		switch {
		case away:
			yield(events.Batch{}, aggregate.ErrLogUnavailable)
		case ctx.Err() != nil:
			yield(events.Batch{}, ctx.Err())
		case len(b.Events) > 0:
			yield(b, nil)
		}
	}
}

func (l *ledger) set(change func(*ledger)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}
