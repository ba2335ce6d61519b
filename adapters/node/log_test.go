package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func openTestLog(t *testing.T, fs vfs.FS, clock func() time.Time) *eventLog {
	t.Helper()
	l, err := openLog(Config{Dir: "log", Clock: clock, Logger: slog.New(slog.DiscardHandler)}, fs)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func proposals(n int) []proposed {
	events := make([]proposed, n)
	for i := range events {
		events[i] = proposed{id: uuid.New(), eventType: "A", json: true, data: []byte(`{}`)}
	}
	return events
}

func closeLog(t *testing.T, l *eventLog) {
	t.Helper()
	if err := l.close(); err != nil {
		t.Error(err)
	}
}

// positions returns every event's id at its position.
func positions(t *testing.T, l *eventLog) map[uint64]uuid.UUID {
	t.Helper()
	ids := map[uint64]uuid.UUID{}
	err := l.scan(1, l.durable.load(), true, func(position uint64, r record) bool {
		event, err := r.decode()
		if err != nil {
			t.Fatal(err)
		}
		id := event.GetId().GetStructured()
		ids[position] = uuidOf(id.GetMostSignificantBits(), id.GetLeastSignificantBits())
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// A power cut loses what the files' owner did not sync: here all of it, or a random part.
func TestWhatWasAcknowledgedOrSeenSurvivesAPowerCut(t *testing.T) {
	t.Parallel()
	for _, lost := range []int{100, 50, 0} {
		t.Run(fmt.Sprintf("%d percent of what was not synced lost", lost), func(t *testing.T) {
			t.Parallel()
			for seed := range int64(6) {
				surviveAPowerCut(t, seed, 100-lost)
			}
		})
	}
}

func surviveAPowerCut(t *testing.T, seed int64, kept int) {
	fs := vfs.NewCrashableMem()
	l := openTestLog(t, fs, time.Now)
	var mu sync.Mutex
	acknowledged := map[uint64]uuid.UUID{} // the last event of each append
	enough := make(chan struct{})
	random := rand.New(rand.NewPCG(1, uint64(seed)))
	when := random.IntN(60) + 1

	ctx, cancel := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for writer := range 4 {
		writers.Go(func() {
			for i := int64(noRevision); ctx.Err() == nil; i++ {
				event := proposals(1)
				at, err := l.append(fmt.Sprintf("import-%d", writer), expectation(i), event)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if acknowledged[at.position] = event[0].id; len(acknowledged) == when {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	mu.Lock()
	promised := maps.Clone(acknowledged)
	mu.Unlock()
	seen := positions(t, l)
	after := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: random})
	cancel()
	writers.Wait()
	closeLog(t, l)

	l = openTestLog(t, after, time.Now)
	defer closeLog(t, l)
	found := positions(t, l)
	for position, id := range promised {
		if found[position] != id {
			t.Fatalf("seed %d: the acknowledged event at %d is gone", seed, position)
		}
	}
	for position, id := range seen {
		if found[position] != id {
			t.Fatalf("seed %d: the event at %d, which a reader saw, is gone", seed, position)
		}
	}
	if at, err := l.append("after", expectNoStream, proposals(1)); err != nil || at.position != uint64(len(found))+1 {
		t.Fatalf("seed %d: after %d events the log goes on at %d: %v", seed, len(found), at.position, err)
	}
}

func TestARecordGivesBackWhatWasProposed(t *testing.T) {
	t.Parallel()
	var e encoder
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		p := proposed{
			eventType: text.Draw(t, "type"),
			json:      rapid.Bool().Draw(t, "json"),
			metadata:  rapid.SliceOf(rapid.Byte()).Draw(t, "metadata"),
			data:      rapid.SliceOf(rapid.Byte()).Draw(t, "data"),
		}
		copy(p.id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		at := place{
			stream:   text.Draw(t, "stream"),
			revision: rapid.Uint64().Draw(t, "revision"),
			position: rapid.Uint64().Draw(t, "position"),
			created:  rapid.Int64().Draw(t, "created"),
		}
		r := e.encode(&p, at)
		got, err := r.decode()
		if err != nil {
			t.Fatal(err)
		}
		id := got.GetId().GetStructured()
		created, err := createdAt(got)
		contentType := contentTypeBinary
		if p.json {
			contentType = contentTypeJSON
		}
		if err != nil || created != at.created ||
			uuidOf(id.GetMostSignificantBits(), id.GetLeastSignificantBits()) != p.id ||
			string(got.GetStreamIdentifier().GetStreamName()) != at.stream || string(r.stream()) != at.stream ||
			got.GetMetadata()["type"] != p.eventType || string(r.eventType()) != p.eventType ||
			got.GetMetadata()["content-type"] != contentType ||
			got.GetStreamRevision() != at.revision || got.GetCommitPosition() != at.position || got.GetPreparePosition() != at.position ||
			string(got.GetData()) != string(p.data) || string(got.GetCustomMetadata()) != string(p.metadata) {
			t.Fatalf("got %v", got)
		}
	})
}

func TestADamagedRecordIsAnErrorAndNotAnEvent(t *testing.T) {
	t.Parallel()
	var e encoder
	whole := e.encode(&proposed{id: uuid.New(), eventType: "A", data: []byte("data")}, place{stream: "import-1", position: 7})
	for length := range len(whole) {
		if _, err := whole[:length].decode(); err == nil {
			t.Fatalf("%d of %d bytes were taken for a record", length, len(whole))
		}
	}
}

func TestEventsGrowTooOldToBeSeen(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := openTestLog(t, vfs.NewMem(), func() time.Time { return now })
	defer closeLog(t, l)
	for expected := range 3 {
		if _, err := l.append("import-1", expectation(expected-1), proposals(1)); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
	}
	hours := []proposed{{id: uuid.New(), eventType: metadataType, json: true, data: []byte(`{"$maxAge":5400}`)}}
	if _, err := l.append("$$import-1", expectAny, hours); err != nil {
		t.Fatal(err)
	}
	h, err := l.head("import-1")
	if err != nil {
		t.Fatal(err)
	}
	rest := l.visible(h)
	if p, _, err := l.streamPage(h, &rest, true, 10); err != nil || p.events != 1 {
		t.Fatalf("%d events are seen, want the one of the last 90 minutes: %v", p.events, err)
	}
}

func TestMetadataThatCannotBeReadLimitsNothing(t *testing.T) {
	t.Parallel()
	for _, metadata := range []string{"", "not json", `{"$maxCount":"three"}`, `{"$tb":-4}`} {
		if got := parseLimits([]byte(metadata)); got != (limits{}) {
			t.Errorf("%q gave %+v", metadata, got)
		}
	}
}

func TestALogThatFailedToWriteRefusesAppendsAndKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left on device")
	disk := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return full
		}
		return nil
	})}
	memory := vfs.NewMem()
	l := openTestLog(t, errorfs.Wrap(memory, disk), time.Now)
	kept := proposals(1)
	if _, err := l.append("import-1", expectNoStream, kept); err != nil {
		t.Fatal(err)
	}
	disk.On()
	if _, err := l.append("import-1", 0, proposals(1)); !errors.Is(err, full) {
		t.Fatalf("got %v", err)
	}
	disk.Off()
	if _, err := l.append("import-1", 0, proposals(1)); !errors.Is(err, errBroken) {
		t.Fatalf("after a failed write the log took an append: %v", err)
	}
	select {
	case <-l.failed:
	default:
		t.Error("nobody is told of it")
	}
	if got := positions(t, l); len(got) != 1 {
		t.Fatalf("readers see %d events", len(got))
	}
	if err := l.close(); !errors.Is(err, full) {
		t.Fatalf("closing hid the failure: %v", err)
	}

	l = openTestLog(t, memory, time.Now)
	defer closeLog(t, l)
	if got := positions(t, l); got[1] != kept[0].id {
		t.Fatalf("the acknowledged event is gone: %v", got)
	}
}
