package conformance

import (
	"errors"
	"slices"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

func (l *ledger) delete(stream string, expected esdb.ExpectedRevision) {
	l.Helper()
	if _, err := l.client.DeleteStream(l.ctx, stream, esdb.DeleteStreamOptions{ExpectedRevision: expected}); err != nil {
		l.Fatalf("delete %s: %v", stream, err)
	}
}

func (l *ledger) tombstone(stream string) esdb.Position {
	l.Helper()
	result, err := l.client.TombstoneStream(l.ctx, stream, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}})
	if err != nil {
		l.Fatalf("tombstone %s: %v", stream, err)
	}
	return result.Position
}

var deleteTests = map[string]func(*ledger){
	"hides a stream": func(l *ledger) {
		stream := l.stream("import")
		l.append(stream, esdb.NoStream{}, eventsOf("A", 3)...)
		l.delete(stream, esdb.Revision(2))
		l.wantMissing(stream)
	},
	"leaves the events in $all": func(l *ledger) {
		stream, e := l.stream("import"), event("A")
		at := l.append(stream, esdb.NoStream{}, e)
		l.delete(stream, esdb.Any{})
		l.wantSame(l.readAll(esdb.Forwards, position(at), 1), []esdb.EventData{e})
	},
	"lets the stream go on after the events that it hid": func(l *ledger) {
		stream, again := l.stream("import"), eventsOf("A", 2)
		l.append(stream, esdb.NoStream{}, eventsOf("A", 3)...)
		l.delete(stream, esdb.Any{})
		if result := l.append(stream, esdb.NoStream{}, again...); result.NextExpectedVersion != 4 {
			l.Fatalf("got %+v", result)
		}
		got := l.read(stream, esdb.Forwards, esdb.Start{}, everything)
		l.wantSame(got, again)
		if got[0].EventNumber != 3 {
			l.Fatalf("the stream goes on at revision %d", got[0].EventNumber)
		}
		l.wantSame(l.read(stream, esdb.Backwards, esdb.End{}, everything), reversed(again))
	},
	"at the wrong revision is refused": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 3)
		l.append(stream, esdb.NoStream{}, events...)
		if _, err := l.client.DeleteStream(l.ctx, stream, esdb.DeleteStreamOptions{ExpectedRevision: esdb.Revision(1)}); err == nil {
			l.Fatal("the delete was taken")
		}
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Start{}, everything), events)
	},
	"for ever ends a stream for readers and writers": func(l *ledger) {
		stream := l.stream("import")
		l.append(stream, esdb.NoStream{}, event("A"))
		l.tombstone(stream)
		_, err := l.tryRead(stream, esdb.Forwards, esdb.Start{}, 1)
		l.wantCode(err, esdb.ErrorCodeStreamDeleted)
		for _, expected := range []esdb.ExpectedRevision{esdb.Any{}, esdb.NoStream{}, esdb.Revision(0)} {
			_, err = l.tryAppend(stream, expected, event("A"))
			l.wantCode(err, esdb.ErrorCodeStreamDeleted)
		}
	},
	"for ever leaves a mark in $all": func(l *ledger) {
		stream := l.stream("import")
		l.append(stream, esdb.NoStream{}, event("A"))
		at := l.tombstone(stream)
		if got := l.readAll(esdb.Forwards, at, 1)[0]; got.EventType != "$streamDeleted" || got.StreamID != stream {
			l.Fatalf("got %+v", got)
		}
	},
	"for ever ends subscriptions to the stream": func(l *ledger) {
		stream := l.stream("import")
		l.append(stream, esdb.NoStream{}, event("A"))
		sub := l.subscribe(stream, esdb.Start{})
		sub.catchUp()
		l.tombstone(stream)
		for {
			if e := sub.inner.Recv(); e.SubscriptionDropped != nil {
				return
			}
		}
	},
}

// setMetadata sets a stream's metadata, whatever it was.
func (l *ledger) setMetadata(stream string, set func(*esdb.StreamMetadata)) {
	l.Helper()
	var m esdb.StreamMetadata
	set(&m)
	if _, err := l.client.SetStreamMetadata(l.ctx, stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, m); err != nil {
		l.Fatalf("set metadata of %s: %v", stream, err)
	}
}

var metadataTests = map[string]func(*ledger){
	"comes back as it was set last": func(l *ledger) {
		stream := l.stream("import")
		l.append(stream, esdb.NoStream{}, event("A"))
		l.setMetadata(stream, func(m *esdb.StreamMetadata) { m.SetMaxCount(3) })
		l.setMetadata(stream, func(m *esdb.StreamMetadata) {
			m.SetMaxAge(time.Hour)
			m.AddCustomProperty("purpose", "test")
		})
		m, err := l.client.GetStreamMetadata(l.ctx, stream, esdb.ReadStreamOptions{})
		if err != nil {
			l.Fatal(err)
		}
		if m.MaxCount() != nil || m.MaxAge() == nil || *m.MaxAge() != time.Hour || m.CustomProperties()["purpose"] != "test" {
			l.Fatalf("got %+v", m)
		}
	},
	"may come before the stream": func(l *ledger) {
		stream := l.stream("import")
		l.setMetadata(stream, func(m *esdb.StreamMetadata) { m.SetMaxCount(1) })
		l.wantMissing(stream)
		events := eventsOf("A", 2)
		l.append(stream, esdb.NoStream{}, events...)
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Start{}, everything), events[1:])
	},
	"limits a stream to its last events": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 10)
		l.append(stream, esdb.NoStream{}, events...)
		l.setMetadata(stream, func(m *esdb.StreamMetadata) { m.SetMaxCount(3) })
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Start{}, everything), events[7:])
		l.wantSame(l.read(stream, esdb.Backwards, esdb.End{}, everything), reversed(events[7:]))
		l.wantSame(l.subscribe(stream, esdb.Start{}).catchUp(), events[7:])
	},
	"cuts off a stream's beginning": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 10)
		l.append(stream, esdb.NoStream{}, events...)
		l.setMetadata(stream, func(m *esdb.StreamMetadata) { m.SetTruncateBefore(4) })
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Start{}, everything), events[4:])
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Revision(6), everything), events[6:])
		l.wantSame(l.read(stream, esdb.Backwards, esdb.End{}, everything), reversed(events[4:]))
	},
	"leaves young events in a stream with a maximum age": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 3)
		l.append(stream, esdb.NoStream{}, events...)
		l.setMetadata(stream, func(m *esdb.StreamMetadata) { m.SetMaxAge(24 * time.Hour) })
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Start{}, everything), events)
	},
	"stands in a system stream of $all": func(l *ledger) {
		stream := l.stream("import")
		at := l.append(stream, esdb.NoStream{}, event("A"))
		l.setMetadata(stream, func(m *esdb.StreamMetadata) { m.SetMaxCount(5) })
		all := l.readAll(esdb.Forwards, position(at), everything)
		if !slices.ContainsFunc(all, func(e *esdb.RecordedEvent) bool {
			return e.StreamID == "$$"+stream && e.EventType == "$metadata"
		}) {
			l.Fatal("$all does not have the metadata event")
		}
	},
	"has revisions of its own": func(l *ledger) {
		stream := l.stream("import")
		var m esdb.StreamMetadata
		m.SetMaxCount(5)
		first := esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}
		if _, err := l.client.SetStreamMetadata(l.ctx, stream, first, m); err != nil {
			l.Fatal(err)
		}
		m.SetMaxCount(6)
		_, err := l.client.SetStreamMetadata(l.ctx, stream, first, m)
		l.wantCode(err, esdb.ErrorCodeWrongExpectedVersion)
	},
	"of a stream without any is not found": func(l *ledger) {
		_, err := l.client.GetStreamMetadata(l.ctx, l.stream("import"), esdb.ReadStreamOptions{})
		if failure, ok := errors.AsType[*esdb.Error](err); !ok || !failure.IsErrorCode(esdb.ErrorCodeResourceNotFound) {
			l.Fatalf("got %v", err)
		}
	},
}
