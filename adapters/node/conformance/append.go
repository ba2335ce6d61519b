package conformance

import (
	"bytes"
	"sync"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
)

// maxAppend is the default limit of one append: its events' data and metadata, and two bytes per character of a type.
const maxAppend = 1 << 20

var appendTests = map[string]func(*ledger){
	"with no stream expected begins a stream at revision 0": func(l *ledger) {
		result := l.append(l.stream("import"), esdb.NoStream{}, event("A"))
		if result.NextExpectedVersion != 0 || result.CommitPosition == 0 {
			l.Fatalf("got %+v", result)
		}
	},
	"at the expected revision goes on from there": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 5)
		first := l.append(stream, esdb.NoStream{}, events[:3]...)
		second := l.append(stream, esdb.Revision(2), events[3:]...)
		if first.NextExpectedVersion != 2 || second.NextExpectedVersion != 4 || second.CommitPosition <= first.CommitPosition {
			l.Fatalf("got %+v, then %+v", first, second)
		}
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Start{}, everything), events)
	},
	"with any revision expected goes on wherever the stream is": func(l *ledger) {
		stream := l.stream("import")
		l.append(stream, esdb.Any{}, event("A"))
		if result := l.append(stream, esdb.Any{}, event("A")); result.NextExpectedVersion != 1 {
			l.Fatalf("got %+v", result)
		}
	},
	"with an existing stream expected goes on where the stream is": func(l *ledger) {
		stream := l.stream("import")
		l.append(stream, esdb.NoStream{}, event("A"))
		if result := l.append(stream, esdb.StreamExists{}, event("A")); result.NextExpectedVersion != 1 {
			l.Fatalf("got %+v", result)
		}
	},
	"with an existing stream expected is refused where there is none": func(l *ledger) {
		stream := l.stream("import")
		_, err := l.tryAppend(stream, esdb.StreamExists{}, event("A"))
		l.wantCode(err, esdb.ErrorCodeWrongExpectedVersion)
		l.wantMissing(stream)
	},
	"with no stream expected is refused where there is one": func(l *ledger) {
		stream, kept := l.stream("import"), eventsOf("A", 2)
		l.append(stream, esdb.NoStream{}, kept...)
		_, err := l.tryAppend(stream, esdb.NoStream{}, eventsOf("A", 2)...)
		l.wantCode(err, esdb.ErrorCodeWrongExpectedVersion)
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Start{}, everything), kept)
	},
	"behind the stream is refused": func(l *ledger) {
		stream, kept := l.stream("import"), eventsOf("A", 3)
		l.append(stream, esdb.NoStream{}, kept...)
		_, err := l.tryAppend(stream, esdb.Revision(1), eventsOf("A", 2)...)
		l.wantCode(err, esdb.ErrorCodeWrongExpectedVersion)
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Start{}, everything), kept)
	},
	"ahead of the stream is refused": func(l *ledger) {
		stream := l.stream("import")
		l.append(stream, esdb.NoStream{}, event("A"))
		_, err := l.tryAppend(stream, esdb.Revision(1), event("A"))
		l.wantCode(err, esdb.ErrorCodeWrongExpectedVersion)
		_, err = l.tryAppend(l.stream("other"), esdb.Revision(0), event("A"))
		l.wantCode(err, esdb.ErrorCodeWrongExpectedVersion)
	},
	"keeps every part of an event": func(l *ledger) {
		stream := l.stream("import ünïcode")
		json, binary := event("JSON"), event("Bïnary")
		binary.ContentType, binary.Data, binary.Metadata = esdb.ContentTypeBinary, []byte{0, 0xff, 10, 13, 0}, nil
		empty := esdb.EventData{EventID: uuid.New(), EventType: "Empty", ContentType: esdb.ContentTypeBinary}
		written := []esdb.EventData{json, binary, empty}
		l.append(stream, esdb.NoStream{}, written...)
		for i, got := range l.read(stream, esdb.Forwards, esdb.Start{}, everything) {
			want, contentType := written[i], "application/octet-stream"
			if want.ContentType == esdb.ContentTypeJson {
				contentType = "application/json"
			}
			if got.EventID != want.EventID || got.EventType != want.EventType || got.ContentType != contentType ||
				got.StreamID != stream || got.EventNumber != uint64(i) || got.CreatedDate.IsZero() ||
				!bytes.Equal(got.Data, want.Data) || !bytes.Equal(got.UserMetadata, want.Metadata) {
				l.Errorf("got %+v, want %+v", got, want)
			}
		}
	},
	"takes thousands of events at once": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 4000)
		if result := l.append(stream, esdb.NoStream{}, events...); result.NextExpectedVersion != 3999 {
			l.Fatalf("got %+v", result)
		}
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Start{}, everything), events)
	},
	"takes 1 MiB": func(l *ledger) {
		stream, big := l.stream("import"), event("A")
		big.Data = bytes.Repeat([]byte{'x'}, maxAppend-len(big.Metadata)-2*len(big.EventType))
		l.append(stream, esdb.NoStream{}, big)
		if got := l.read(stream, esdb.Forwards, esdb.Start{}, 1); !bytes.Equal(got[0].Data, big.Data) {
			l.Fatalf("got %d bytes back, want %d", len(got[0].Data), len(big.Data))
		}
	},
	"of more than 1 MiB is refused as a whole": func(l *ledger) {
		stream, small, big := l.stream("import"), event("A"), event("A")
		big.Data = bytes.Repeat([]byte{'x'}, maxAppend-len(big.Metadata)-2*len(big.EventType))
		if _, err := l.tryAppend(stream, esdb.NoStream{}, small, big); err == nil {
			l.Fatal("the append was taken")
		}
		l.wantMissing(stream)
	},
	"of many at one expected revision lets exactly one in": func(l *ledger) {
		const rivals = 8
		stream := l.stream("import")
		l.append(stream, esdb.NoStream{}, event("A"))
		failures := make([]error, rivals)
		var wg sync.WaitGroup
		for i := range rivals {
			wg.Go(func() { _, failures[i] = l.tryAppend(stream, esdb.Revision(0), eventsOf("A", 3)...) })
		}
		wg.Wait()
		won := 0
		for _, err := range failures {
			if err == nil {
				won++
				continue
			}
			l.wantCode(err, esdb.ErrorCodeWrongExpectedVersion)
		}
		if got := len(l.read(stream, esdb.Forwards, esdb.Start{}, everything)); won != 1 || got != 4 {
			l.Fatalf("%d appends were taken, the stream has %d events", won, got)
		}
	},
	"of many to streams of their own lets all in": func(l *ledger) {
		const writers, appends = 8, 5
		failures := make([]error, writers)
		var wg sync.WaitGroup
		for i := range writers {
			stream := l.stream("import") + string(rune('a'+i))
			wg.Go(func() {
				var expected esdb.ExpectedRevision = esdb.NoStream{}
				for range appends {
					result, err := l.tryAppend(stream, expected, eventsOf("A", 10)...)
					if err != nil {
						failures[i] = err
						return
					}
					expected = esdb.Revision(result.NextExpectedVersion)
				}
			})
		}
		wg.Wait()
		for i, err := range failures {
			if err != nil {
				l.Errorf("writer %d: %v", i, err)
			}
		}
	},
}

var repeatTests = map[string]func(*ledger){
	"at the same expected revision gives the first answer again": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 6)
		first := l.append(stream, esdb.NoStream{}, events[:3]...)
		second := l.append(stream, esdb.Revision(2), events[3:]...)
		l.append(stream, esdb.Revision(5), event("A"))
		if again := l.append(stream, esdb.NoStream{}, events[:3]...); *again != *first {
			l.Errorf("got %+v, want %+v", again, first)
		}
		if again := l.append(stream, esdb.Revision(2), events[3:]...); *again != *second {
			l.Errorf("got %+v, want %+v", again, second)
		}
		if got := len(l.read(stream, esdb.Forwards, esdb.Start{}, everything)); got != 7 {
			l.Fatalf("the stream has %d events", got)
		}
	},
	"with any revision expected gives the first answer again": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 3)
		first := l.append(stream, esdb.Any{}, events...)
		l.append(stream, esdb.Any{}, event("A"))
		if again := l.append(stream, esdb.Any{}, events...); *again != *first {
			l.Errorf("got %+v, want %+v", again, first)
		}
		if got := len(l.read(stream, esdb.Forwards, esdb.Start{}, everything)); got != 4 {
			l.Fatalf("the stream has %d events", got)
		}
	},
	"that agrees in part only is refused": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 3)
		l.append(stream, esdb.NoStream{}, events...)
		_, err := l.tryAppend(stream, esdb.NoStream{}, events[0], event("A"))
		l.wantCode(err, esdb.ErrorCodeWrongExpectedVersion)
		_, err = l.tryAppend(stream, esdb.Any{}, events[0], event("A"))
		l.wantCode(err, esdb.ErrorCodeWrongExpectedVersion)
		l.wantSame(l.read(stream, esdb.Forwards, esdb.Start{}, everything), events)
	},
	"that goes beyond what is there is refused": func(l *ledger) {
		stream, events := l.stream("import"), eventsOf("A", 3)
		l.append(stream, esdb.NoStream{}, events[:2]...)
		_, err := l.tryAppend(stream, esdb.NoStream{}, events...)
		l.wantCode(err, esdb.ErrorCodeWrongExpectedVersion)
	},
	"to another stream is an append of its own": func(l *ledger) {
		events := eventsOf("A", 2)
		l.append(l.stream("import"), esdb.NoStream{}, events...)
		l.append(l.stream("other"), esdb.Any{}, events...)
		l.wantSame(l.read(l.stream("other"), esdb.Forwards, esdb.Start{}, everything), events)
	},
	"at the end of the stream appends the same ids once more": func(l *ledger) {
		stream, twice := l.stream("import"), event("A")
		l.append(stream, esdb.NoStream{}, twice)
		if result := l.append(stream, esdb.Revision(0), twice); result.NextExpectedVersion != 1 {
			l.Fatalf("got %+v", result)
		}
	},
}
