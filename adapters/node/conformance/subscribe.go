package conformance

import (
	"slices"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// subscription is one whose end fails the test.
type subscription struct {
	*ledger
	inner *esdb.Subscription
}

func (l *ledger) subscribe(stream string, from esdb.StreamPosition) *subscription {
	l.Helper()
	sub, err := l.client.SubscribeToStream(l.ctx, stream, esdb.SubscribeToStreamOptions{From: from})
	return l.subscribed(sub, err)
}

func (l *ledger) subscribeAll(options esdb.SubscribeToAllOptions) *subscription {
	l.Helper()
	sub, err := l.client.SubscribeToAll(l.ctx, options)
	return l.subscribed(sub, err)
}

func (l *ledger) subscribed(sub *esdb.Subscription, err error) *subscription {
	l.Helper()
	if err != nil {
		l.Fatalf("subscribe: %v", err)
	}
	l.Cleanup(func() {
		if err := sub.Close(); err != nil {
			l.Errorf("close the subscription: %v", err)
		}
	})
	return &subscription{l, sub}
}

func (s *subscription) next() *esdb.SubscriptionEvent {
	s.Helper()
	e := s.inner.Recv()
	if e.SubscriptionDropped != nil {
		s.Fatalf("the subscription ended: %v", e.SubscriptionDropped.Error)
	}
	return e
}

// take returns the next n events of this test.
func (s *subscription) take(n int) []*esdb.RecordedEvent {
	s.Helper()
	var events []*esdb.RecordedEvent
	for len(events) < n {
		if e := s.next(); e.EventAppeared != nil && strings.Contains(e.EventAppeared.OriginalEvent().StreamID, s.run) {
			events = append(events, e.EventAppeared.OriginalEvent())
		}
	}
	return events
}

// catchUp returns the events of this test up to the moment when the subscription goes live.
func (s *subscription) catchUp() []*esdb.RecordedEvent {
	s.Helper()
	var events []*esdb.RecordedEvent
	for {
		e := s.next()
		switch {
		case e.CaughtUp != nil:
			return events
		case e.EventAppeared != nil && strings.Contains(e.EventAppeared.OriginalEvent().StreamID, s.run):
			events = append(events, e.EventAppeared.OriginalEvent())
		}
	}
}

var streamSubscriptionTests = map[string]func(*ledger){
	"from the start gives the past, says that it caught up, and goes live": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 700)
		l.append(stream, esdb.NoStream{}, events[:600]...)
		sub := l.subscribe(stream, esdb.Start{})
		l.wantSame(sub.catchUp(), events[:600])
		l.append(stream, esdb.Revision(599), events[600:]...)
		l.wantSame(sub.take(100), events[600:])
	},
	"from a revision begins after it": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 5)
		l.append(stream, esdb.NoStream{}, events...)
		l.wantSame(l.subscribe(stream, esdb.Revision(1)).catchUp(), events[2:])
	},
	"from the end gives what comes": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 5)
		l.append(stream, esdb.NoStream{}, events[:3]...)
		sub := l.subscribe(stream, esdb.End{})
		l.wantSame(sub.catchUp(), nil)
		l.append(stream, esdb.Revision(2), events[3:]...)
		l.wantSame(sub.take(2), events[3:])
	},
	"may come before its stream": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 2)
		sub := l.subscribe(stream, esdb.Start{})
		l.append(stream, esdb.NoStream{}, events...)
		l.wantSame(sub.take(2), events)
	},
	"sees nothing of other streams": func(l *ledger) {
		stream, mine := l.stream("import"), eventsOf("A", 2)
		sub := l.subscribe(stream, esdb.Start{})
		l.append(l.stream("other"), esdb.NoStream{}, eventsOf("A", 3)...)
		l.append(stream, esdb.NoStream{}, mine...)
		l.wantSame(sub.take(2), mine)
	},
	"ends when it is closed": func(l *ledger) {
		stream := l.stream("import")
		l.append(stream, esdb.NoStream{}, event("A"))
		sub := l.subscribe(stream, esdb.Start{})
		sub.catchUp()
		if err := sub.inner.Close(); err != nil {
			l.Fatal(err)
		}
		if e := sub.inner.Recv(); e.SubscriptionDropped == nil {
			l.Fatalf("got %+v", e)
		}
	},
}

var allSubscriptionTests = map[string]func(*ledger){
	"from a position begins after it, catches up and goes live": func(l *ledger) {
		events := eventsOf("A", 700)
		first := l.append(l.stream("import"), esdb.NoStream{}, events[0])
		l.append(l.stream("import"), esdb.Revision(0), events[1:600]...)
		sub := l.subscribeAll(esdb.SubscribeToAllOptions{From: position(first)})
		l.wantSame(sub.catchUp(), events[1:600])
		l.append(l.stream("other"), esdb.NoStream{}, events[600:]...)
		l.wantSame(sub.take(100), events[600:])
	},
	"from the end gives what comes": func(l *ledger) {
		l.append(l.stream("import"), esdb.NoStream{}, event("A"))
		sub := l.subscribeAll(esdb.SubscribeToAllOptions{From: esdb.End{}})
		events := eventsOf("A", 3)
		l.append(l.stream("import"), esdb.Revision(0), events...)
		l.wantSame(sub.take(3), events)
	},
	"from the start begins with the oldest event": func(l *ledger) {
		l.append(l.stream("import"), esdb.NoStream{}, event("A"))
		oldest := l.readAll(esdb.Forwards, esdb.Start{}, 1)
		e := l.subscribeAll(esdb.SubscribeToAllOptions{From: esdb.Start{}}).next()
		if e.EventAppeared == nil || e.EventAppeared.OriginalEvent().EventID != oldest[0].EventID {
			l.Fatalf("got %+v", e)
		}
	},
	"taken up again after any event misses none and repeats none": func(l *ledger) {
		events := eventsOf("A", 50)
		marker := l.append(l.stream("marker"), esdb.NoStream{}, event("M"))
		l.append(l.stream("import"), esdb.NoStream{}, events...)
		from, got := position(marker), []*esdb.RecordedEvent(nil)
		for len(got) < len(events) {
			part := l.subscribeAll(esdb.SubscribeToAllOptions{From: from}).take(min(7, len(events)-len(got)))
			got = append(got, part...)
			from = part[len(part)-1].Position
		}
		l.wantSame(got, events)
	},
	"gives two readers the same events": func(l *ledger) {
		marker := l.append(l.stream("marker"), esdb.NoStream{}, event("M"))
		a := l.subscribeAll(esdb.SubscribeToAllOptions{From: position(marker)})
		b := l.subscribeAll(esdb.SubscribeToAllOptions{From: position(marker)})
		events := eventsOf("A", 20)
		l.append(l.stream("import"), esdb.NoStream{}, events...)
		l.wantSame(a.take(20), events)
		l.wantSame(b.take(20), events)
	},
	// Servers before 24.2 end the subscription of a reader that lags too far; it then subscribes again.
	"loses nothing to a reader that lags": func(l *ledger) {
		const chunks, size = 12, 1000
		marker := l.append(l.stream("marker"), esdb.NoStream{}, event("M"))
		last := position(marker)
		sub := l.subscribeAll(esdb.SubscribeToAllOptions{From: last})
		sub.catchUp()
		events := eventsOf("A", chunks*size)
		for chunk := range slices.Chunk(events, size) {
			l.append(l.stream("import"), esdb.Any{}, chunk...)
		}
		var got []*esdb.RecordedEvent
		for len(got) < len(events) && l.ctx.Err() == nil {
			e := sub.inner.Recv()
			switch {
			case e.SubscriptionDropped != nil:
				sub = l.subscribeAll(esdb.SubscribeToAllOptions{From: last})
			case e.EventAppeared != nil:
				recorded := e.EventAppeared.OriginalEvent()
				last = recorded.Position
				if strings.Contains(recorded.StreamID, l.run) {
					got = append(got, recorded)
				}
			}
		}
		l.wantSame(got, events)
	},
	"has positions that can be read from": func(l *ledger) {
		sub := l.subscribeAll(esdb.SubscribeToAllOptions{From: esdb.End{}})
		e := event("A")
		l.append(l.stream("import"), esdb.NoStream{}, e)
		got := sub.take(1)
		l.wantSame(l.readAll(esdb.Forwards, got[0].Position, 1), []esdb.EventData{e})
	},
}
