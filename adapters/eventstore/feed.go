package eventstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"importledger/events"
)

// cursor is how far a subscription has come: the position for $all, the next
// revision for a stream.
type cursor struct {
	position events.Position
	revision uint64
}

// source opens a subscription to what comes after a cursor.
type source func(context.Context, *esdb.Client, cursor) (*esdb.Subscription, error)

// The server reads this many events of other streams between two looks at
// whether anybody is still there, and tells how far it is after every
// searchWindow*checkpointEvery events.
const (
	searchWindow    = 1000
	checkpointEvery = 10
)

// all subscribes to the ledger's events in $all.
func all(ctx context.Context, client *esdb.Client, after cursor) (*esdb.Subscription, error) {
	var from esdb.AllPosition = esdb.Start{} // without From it would be the end
	if after.position != (events.Position{}) {
		from = esdb.Position{Commit: after.position.Commit, Prepare: after.position.Prepare}
	}
	return client.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{
		From:               from,
		MaxSearchWindow:    searchWindow,
		CheckpointInterval: checkpointEvery,
		Filter:             &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: events.StreamPrefixes},
	})
}

// stream subscribes to one stream, which need not exist yet.
func stream(name string) source {
	return func(ctx context.Context, client *esdb.Client, after cursor) (*esdb.Subscription, error) {
		var from esdb.StreamPosition = esdb.Start{}
		if after.revision > 0 {
			from = esdb.Revision(after.revision - 1)
		}
		return client.SubscribeToStream(ctx, name, esdb.SubscribeToStreamOptions{From: from})
	}
}

// feed fills a collector from a subscription that it renews whenever it is lost.
// It goes on behind what it has received, so nothing is received twice.
type feed struct {
	log    *Log
	source source
	into   *collector
	logger *slog.Logger

	mu   sync.Mutex
	seen cursor
	last events.Position // of the last event, where seen may be a checkpoint
	live bool            // the server says that there is nothing more
}

// run receives until ctx is done.
func (f *feed) run(ctx context.Context) {
	pause := reconnecting(f.log.config)
	lost := false
	for {
		heard, err := f.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if heard {
			pause.reset()
			lost = false
		}
		if !lost {
			f.logger.Warn("subscription to the event log lost, renewing it", "error", err)
			lost = true
		}
		if pause.wait(ctx) != nil {
			return
		}
	}
}

// session receives over one connection of its own until that is lost, and tells
// whether anything came at all.
func (f *feed) session(ctx context.Context) (heard bool, err error) {
	defer f.setLive(false)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	sub, end, err := f.log.subscribe(ctx, f.source, f.cursor())
	if err != nil {
		return false, err
	}
	var messages atomic.Uint64
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := f.log.watch(ctx, sub.client, &messages); err != nil {
			f.log.clients.discardIdle()
			cancel(err)
		}
	})
	err = f.receive(ctx, sub.Subscription, &messages)
	err = whyCanceled(ctx, err)
	cancel(nil)
	// The client must not be closed under the watch.
	watching.Wait()
	end()
	return messages.Load() > 0, err
}

func (f *feed) receive(ctx context.Context, sub *esdb.Subscription, messages *atomic.Uint64) error {
	for {
		m := sub.Recv()
		if m.SubscriptionDropped != nil {
			return dropped(m.SubscriptionDropped)
		}
		messages.Add(1)
		switch {
		case m.EventAppeared != nil:
			e := recorded(m.EventAppeared.OriginalEvent())
			if err := f.into.add(ctx, e); err != nil {
				return err
			}
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
	}
}

func dropped(d *esdb.SubscriptionDropped) error {
	if errors.Is(d.Error, io.EOF) {
		return errors.New("the server ended the subscription")
	}
	return fmt.Errorf("the subscription was dropped: %w", d.Error)
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

// subscription is an open subscription and the client that it has to itself.
type subscription struct {
	*esdb.Subscription
	client *esdb.Client
}

// subscribe opens a subscription; end closes it and its client.
func (l *Log) subscribe(ctx context.Context, open source, after cursor) (_ subscription, end func(), err error) {
	// The context outlives this function, so the time limit is an alarm that can
	// be turned off.
	ctx, cancel := context.WithCancelCause(ctx)
	alarm := time.AfterFunc(l.config.Timeout, func() { cancel(context.DeadlineExceeded) })
	client, err := l.clients.connect(ctx)
	if err != nil {
		err = whyCanceled(ctx, err)
		cancel(nil)
		return subscription{}, nil, err
	}
	end = func() {
		cancel(nil)
		discard(client)
	}
	sub, err := open(ctx, client, after)
	alarm.Stop()
	if err = whyCanceled(ctx, err); err != nil {
		end()
		return subscription{}, nil, err
	}
	return subscription{Subscription: sub, client: client}, end, nil
}

// whyCanceled replaces err by the reason for which ctx was canceled, if it was.
func whyCanceled(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// watch returns an error when nothing came for a while and the connection of the
// subscription does not answer; nil when ctx is done.
func (l *Log) watch(ctx context.Context, client *esdb.Client, messages *atomic.Uint64) error {
	tick := time.NewTicker(l.config.SilentAfter)
	defer tick.Stop()
	for last := messages.Load(); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if now := messages.Load(); now != last {
			last = now
			continue
		}
		limited, cancel := context.WithTimeout(ctx, l.config.SilentAfter)
		_, err := readHead(limited, client)
		cancel()
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("the connection has gone silent: %w", err)
		}
	}
}
