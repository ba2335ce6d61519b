package eventstore

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// The server looks through up to searchWindow events of other streams at a time,
// and tells how far it is after every searchWindow*checkpointEvery events.
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

// receive waits for the next message of a subscription; an error means that it
// has ended.
type receive func() (*esdb.SubscriptionEvent, error)

// follow opens a subscription over a client of its own, has it read, and closes
// it. A connection that goes silent is noticed, and ends it with an error.
func (l *Log) follow(ctx context.Context, open source, after cursor, read func(context.Context, receive) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// The context of the subscription is that of opening it, so the time limit
	// for opening is an alarm that can be turned off.
	alarm := time.AfterFunc(l.config.Timeout, func() { cancel(context.DeadlineExceeded) })
	defer alarm.Stop()
	client, err := l.clients.connect(ctx)
	if err != nil {
		return whyCanceled(ctx, err)
	}
	defer l.clients.discard(client)
	sub, err := open(ctx, client, after)
	alarm.Stop()
	if err != nil {
		return whyCanceled(ctx, err)
	}
	var messages atomic.Uint64
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := l.watch(ctx, client, &messages); err != nil {
			l.clients.discardIdle()
			cancel(err)
		}
	})
	err = read(ctx, func() (*esdb.SubscriptionEvent, error) {
		m := sub.Recv()
		messages.Add(1)
		return m, dropped(m.SubscriptionDropped)
	})
	err = whyCanceled(ctx, err)
	cancel(nil)
	watching.Wait() // before the client goes
	return err
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

func dropped(d *esdb.SubscriptionDropped) error {
	if d == nil {
		return nil
	}
	if errors.Is(d.Error, io.EOF) {
		return errors.New("the server ended the subscription")
	}
	return fmt.Errorf("the subscription was dropped: %w", d.Error)
}
