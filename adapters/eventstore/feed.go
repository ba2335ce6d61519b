package eventstore

import (
	"context"
	"log/slog"
	"sync"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"importledger/events"
)

// feed fills a collector from a subscription that it renews whenever it is lost.
// It goes on behind what it has received, so nothing is received twice.
type feed struct {
	log    *Log
	source source
	into   *collector
	logger *slog.Logger
	lost   bool        // and said so; for run alone
	mark   events.Mark // of the last event that came, if any did; for run alone

	mu   sync.Mutex
	seen cursor
	last events.Position // of the last event, where seen may be a checkpoint
	live bool            // the server says that there is nothing more
}

// run receives until ctx is done, or the log has become another one.
func (f *feed) run(ctx context.Context) {
	pause := reconnecting(f.log.config)
	for {
		heard, err := f.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if IsAnotherLog(err) {
			f.logger.Error("subscription ended: its place in the event log is gone", "error", err)
			return
		}
		if heard {
			pause.reset()
		}
		if !f.lost {
			f.logger.Warn("subscription to the event log lost, renewing it", "error", err)
			f.lost = true
		}
		if pause.wait(ctx) != nil {
			return
		}
	}
}

// session receives over one connection until that is lost, and tells whether
// anything came at all.
func (f *feed) session(ctx context.Context) (heard bool, err error) {
	defer f.setLive(false)
	// While the connection was away somebody may have put another log in its place.
	if f.mark != (events.Mark{}) {
		if err := f.log.Recognize(ctx, f.mark); err != nil {
			return false, err
		}
	}
	err = f.log.follow(ctx, f.source, f.cursor(), func(ctx context.Context, next receive) error {
		if f.lost {
			f.logger.Info("subscription to the event log renewed")
		}
		for {
			m, err := next()
			if err != nil {
				return err
			}
			heard, f.lost = true, false
			if err := f.take(ctx, m); err != nil {
				return err
			}
		}
	})
	return heard, err
}

func (f *feed) take(ctx context.Context, m *esdb.SubscriptionEvent) error {
	switch {
	case m.EventAppeared != nil:
		e := recorded(m.EventAppeared.OriginalEvent())
		if err := f.into.add(ctx, e); err != nil {
			return err
		}
		f.mark = e.Mark()
		f.advance(cursor{position: e.Position, revision: e.Revision + 1}, e.Position)
	case m.CheckPointReached != nil:
		p := position(*m.CheckPointReached)
		f.into.passed(p)
		f.advance(cursor{position: p}, events.Position{})
	case m.CaughtUp != nil:
		f.setLive(true)
	case m.FellBehind != nil:
		f.setLive(false)
	}
	return nil
}

// begin sets where the feed starts, before it runs.
func (f *feed) begin(after events.Position) {
	f.advance(cursor{position: after}, events.Position{})
	f.into.begin(after)
}

// progress tells how far the log has been received, by events alone too, and
// whether that is all.
func (f *feed) progress() (seen, last events.Position, live bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen.position, f.last, f.live
}

func (f *feed) cursor() cursor {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen
}

func (f *feed) advance(to cursor, last events.Position) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last.Before(last) {
		f.last = last
	}
	if f.seen.position.Before(to.position) {
		f.seen.position = to.position
	}
	f.seen.revision = max(f.seen.revision, to.revision)
}

func (f *feed) setLive(live bool) {
	f.mu.Lock()
	f.live = live
	f.mu.Unlock()
	f.into.setLive(live)
}
