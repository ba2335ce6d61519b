package conformance

import (
	"regexp"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// filtered subscribes after a marker event, so that nothing older than this test comes into it.
func (l *ledger) filtered(f *esdb.SubscriptionFilter) *subscription {
	l.Helper()
	marker := l.append(l.stream("marker"), esdb.NoStream{}, event("Marker"))
	return l.subscribeAll(esdb.SubscribeToAllOptions{From: position(marker), Filter: f})
}

// mixed appends events to two streams by turns and returns those of the first.
func (l *ledger) mixed(wantedStream, wantedType, otherStream, otherType string) []esdb.EventData {
	var wanted []esdb.EventData
	for range 10 {
		events := eventsOf(wantedType, 5)
		wanted = append(wanted, events...)
		l.append(otherStream, esdb.Any{}, eventsOf(otherType, 3)...)
		l.append(wantedStream, esdb.Any{}, events...)
	}
	return wanted
}

var filterTests = map[string]func(*ledger){
	"by stream prefix": func(l *ledger) {
		sub := l.filtered(&esdb.SubscriptionFilter{
			Type: esdb.StreamFilterType, Prefixes: []string{l.prefix("unused"), l.prefix("import")},
		})
		wanted := l.mixed(l.stream("import"), "A", l.stream("other"), "A")
		l.wantSame(sub.take(50), wanted)
	},
	"by stream pattern": func(l *ledger) {
		sub := l.filtered(&esdb.SubscriptionFilter{
			Type: esdb.StreamFilterType, Regex: "^import-" + regexp.QuoteMeta(l.run) + "-[0-9]$",
		})
		wanted := l.mixed(l.stream("import"), "A", l.stream("other"), "A")
		l.wantSame(sub.take(50), wanted)
	},
	"by event type prefix": func(l *ledger) {
		sub := l.filtered(&esdb.SubscriptionFilter{
			Type: esdb.EventFilterType, Prefixes: []string{"unused" + l.run, "Row" + l.run},
		})
		wanted := l.mixed(l.stream("import"), "Row"+l.run+"Accepted", l.stream("import"), "Import"+l.run)
		l.wantSame(sub.take(50), wanted)
	},
	"by event type pattern": func(l *ledger) {
		sub := l.filtered(&esdb.SubscriptionFilter{
			Type: esdb.EventFilterType, Regex: "^Row" + regexp.QuoteMeta(l.run) + "(Accepted|Rejected)$",
		})
		wanted := l.mixed(l.stream("import"), "Row"+l.run+"Accepted", l.stream("import"), "Row"+l.run)
		l.wantSame(sub.take(50), wanted)
	},
	"that excludes system events": func(l *ledger) {
		sub := l.filtered(esdb.ExcludeSystemEventsFilter())
		events := eventsOf("A", 4)
		l.append(l.stream("import"), esdb.NoStream{}, events[:2]...)
		l.setMetadata(l.stream("import"), func(m *esdb.StreamMetadata) { m.SetMaxCount(100) })
		l.append(l.stream("import"), esdb.Revision(1), events[2:]...)
		l.wantSame(sub.take(4), events)
	},
	"catches up on the past and goes live": func(l *ledger) {
		marker := l.append(l.stream("marker"), esdb.NoStream{}, event("Marker"))
		past := l.mixed(l.stream("import"), "A", l.stream("other"), "A")
		sub := l.subscribeAll(esdb.SubscribeToAllOptions{
			From:   position(marker),
			Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{l.prefix("import")}},
		})
		l.wantSame(sub.catchUp(), past)
		wanted := l.mixed(l.stream("import"), "A", l.stream("other"), "A")
		l.wantSame(sub.take(50), wanted)
	},
	"gives checkpoints where it gives no events": func(l *ledger) {
		marker := l.append(l.stream("marker"), esdb.NoStream{}, event("Marker"))
		last := l.append(l.stream("other"), esdb.NoStream{}, eventsOf("A", 1000)...)
		sub := l.subscribeAll(esdb.SubscribeToAllOptions{
			From: position(marker), MaxSearchWindow: 10, CheckpointInterval: 2,
			Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{l.prefix("import")}},
		})
		before := marker.CommitPosition
		for before < last.CommitPosition {
			e := sub.next()
			if e.EventAppeared != nil {
				l.Fatalf("got an event of %s", e.EventAppeared.OriginalEvent().StreamID)
			}
			if e.CheckPointReached == nil {
				continue
			}
			if e.CheckPointReached.Commit <= before {
				l.Fatalf("checkpoint %d follows %d", e.CheckPointReached.Commit, before)
			}
			before = e.CheckPointReached.Commit
		}
	},
	"gives checkpoints while it is live": func(l *ledger) {
		marker := l.append(l.stream("marker"), esdb.NoStream{}, event("Marker"))
		sub := l.subscribeAll(esdb.SubscribeToAllOptions{
			From: esdb.End{}, MaxSearchWindow: 5, CheckpointInterval: 1,
			Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{l.prefix("import")}},
		})
		sub.catchUp()
		l.append(l.stream("other"), esdb.NoStream{}, eventsOf("A", 100)...)
		for at := (&esdb.Position{}); at == nil || at.Commit <= marker.CommitPosition; {
			at = sub.next().CheckPointReached
		}
	},
	"taken up again from a checkpoint misses nothing": func(l *ledger) {
		marker := l.append(l.stream("marker"), esdb.NoStream{}, event("Marker"))
		options := esdb.SubscribeToAllOptions{
			From: position(marker), MaxSearchWindow: 4, CheckpointInterval: 1,
			Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{l.prefix("import")}},
		}
		wanted := l.mixed(l.stream("import"), "A", l.stream("other"), "A")
		var got []*esdb.RecordedEvent
		for sub := l.subscribeAll(options); len(got) < len(wanted); {
			e := sub.next()
			switch {
			case e.EventAppeared != nil && strings.Contains(e.EventAppeared.OriginalEvent().StreamID, l.run):
				got = append(got, e.EventAppeared.OriginalEvent())
			case e.CheckPointReached != nil:
				options.From = *e.CheckPointReached
				sub = l.subscribeAll(options)
			}
		}
		l.wantSame(got, wanted)
	},
}
