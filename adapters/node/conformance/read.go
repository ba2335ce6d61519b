package conformance

import (
	"slices"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

var readTests = map[string]func(*ledger){
	"of a stream goes forwards from any revision": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 10)
		l.append(stream, esdb.NoStream{}, events[:4]...)
		l.append(stream, esdb.Revision(3), events[4:]...)
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Start{}, everything), events)
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Revision(3), everything), events[3:])
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Revision(2), 4), events[2:6])
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Revision(9), everything), events[9:])
	},
	"of a stream goes backwards from any revision": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 10)
		l.append(stream, esdb.NoStream{}, events[:4]...)
		l.append(stream, esdb.Revision(3), events[4:]...)
		l.wantSame(l.read(stream, esdb.Backwards, esdb.End{}, everything), reversed(events))
		l.wantSame(l.read(stream, esdb.Backwards, esdb.End{}, 1), events[9:])
		l.wantSame(l.read(stream, esdb.Backwards, esdb.Revision(5), 3), reversed(events[3:6]))
		l.wantSame(l.read(stream, esdb.Backwards, esdb.Revision(0), everything), events[:1])
	},
	"of a stream from beyond its end finds nothing": func(l *ledger) {
		stream := l.stream("import")
		l.append(stream, esdb.NoStream{}, event("A"))
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Revision(7), everything), nil)
	},
	"of a stream numbers its events without gaps": func(l *ledger) {
		stream := l.stream("import")
		l.append(stream, esdb.NoStream{}, eventsOf("A", 1000)...)
		l.append(stream, esdb.Revision(999), eventsOf("A", 1000)...)
		for i, e := range l.read(stream, esdb.Forwards, esdb.Start{}, everything) {
			if e.EventNumber != uint64(i) {
				l.Fatalf("event %d has revision %d", i, e.EventNumber)
			}
		}
	},
	"of a stream that is not there says so": func(l *ledger) {
		l.wantMissing(l.stream("import"))
		_, err := l.tryRead(l.stream("import"), esdb.Backwards, esdb.End{}, 1)
		l.wantCode(err, esdb.ErrorCodeResourceNotFound)
	},
	"of a stream sees an append at once": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 20)
		for i := range events {
			l.append(stream, esdb.Any{}, events[i])
			l.wantSame(l.read(stream, esdb.Backwards, esdb.End{}, 1), events[i:i+1])
		}
	},
	"of $all gives positions that grow in the order of the appends": func(l *ledger) {
		a, b := event("A"), eventsOf("B", 3)
		first := l.append(l.stream("import"), esdb.NoStream{}, a)
		last := l.append(l.stream("other"), esdb.NoStream{}, b...)
		var mine []*esdb.RecordedEvent
		before := esdb.Position{}
		for _, e := range l.readAll(esdb.Forwards, position(first), everything) {
			if e.Position.Commit <= before.Commit {
				l.Fatalf("position %v follows %v", e.Position, before)
			}
			before = e.Position
			if strings.Contains(e.StreamID, l.run) {
				mine = append(mine, e)
			}
		}
		l.wantSame(mine, append([]esdb.EventData{a}, b...))
		if mine[0].Position != position(first) || mine[3].Position != position(last) {
			l.Fatalf("events at %v and %v, answers said %+v and %+v", mine[0].Position, mine[3].Position, first, last)
		}
	},
	"of $all forwards begins with the event at the position": func(l *ledger) {
		e := event("A")
		at := l.append(l.stream("import"), esdb.NoStream{}, e)
		l.wantSame(l.readAll(esdb.Forwards, position(at), 1), []esdb.EventData{e})
	},
	"of $all backwards begins before the position": func(l *ledger) {
		e := event("A")
		at := l.append(l.stream("import"), esdb.NoStream{}, e)
		for _, earlier := range l.readAll(esdb.Backwards, position(at), 10) {
			if earlier.Position.Commit >= at.CommitPosition {
				l.Fatalf("got the event at %v, which is not before %v", earlier.Position, position(at))
			}
		}
	},
	"of $all goes as far as asked": func(l *ledger) {
		at := l.append(l.stream("import"), esdb.NoStream{}, eventsOf("A", 1)...)
		l.append(l.stream("other"), esdb.NoStream{}, eventsOf("A", 50)...)
		if got := len(l.readAll(esdb.Forwards, position(at), 20)); got != 20 {
			l.Fatalf("got %d events forwards", got)
		}
		if got := len(l.readAll(esdb.Backwards, esdb.End{}, 20)); got != 20 {
			l.Fatalf("got %d events backwards", got)
		}
		if got := len(l.readAll(esdb.Forwards, esdb.Start{}, 20)); got != 20 {
			l.Fatalf("got %d events from the start", got)
		}
	},
	"of $all backwards is the forward read turned round": func(l *ledger) {
		at := l.append(l.stream("import"), esdb.NoStream{}, event("A"))
		events := eventsOf("A", 30)
		l.append(l.stream("other"), esdb.NoStream{}, events...)
		end := l.append(l.stream("third"), esdb.NoStream{}, event("A"))
		forwards := l.readAll(esdb.Forwards, position(at), everything)
		upTo := slices.IndexFunc(forwards, func(e *esdb.RecordedEvent) bool { return e.Position == position(end) })
		want := recordedIDs(forwards[:upTo])
		slices.Reverse(want)
		if got := recordedIDs(l.readAll(esdb.Backwards, position(end), uint64(upTo))); !slices.Equal(got, want) {
			l.Fatalf("got %v, want %v", got, want)
		}
	},
	"of $all shows an event in its stream": func(l *ledger) {
		stream := l.stream("import")
		at := l.append(stream, esdb.NoStream{}, eventsOf("A", 3)...)
		if got := l.readAll(esdb.Forwards, position(at), 1)[0]; got.StreamID != stream || got.EventNumber != 2 {
			l.Fatalf("got %+v", got)
		}
	},
}
