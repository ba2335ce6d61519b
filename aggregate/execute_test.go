package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"

	"github.com/google/uuid"
)

// streams is a log in memory; before runs ahead of each append, so that a test
// can be faster than the code under test.
type streams struct {
	recorded map[string][]events.Recorded
	before   func(stream string)
	fail     error
}

func (l *streams) Append(_ context.Context, stream string, expected uint64, batch []events.Proposed) (events.Position, error) {
	if l.before != nil {
		l.before(stream)
	}
	if l.fail != nil {
		return events.Position{}, l.fail
	}
	if l.has(stream, expected, batch) {
		p := l.recorded[stream][expected+uint64(len(batch))-1].Position
		return p, nil
	}
	if uint64(len(l.recorded[stream])) != expected {
		return events.Position{}, fmt.Errorf("stream %s: %w", stream, aggregate.ErrOvertaken)
	}
	var p events.Position
	for _, e := range batch {
		n := uint64(len(l.recorded[stream]))
		p = events.Position{Commit: n + 1, Prepare: n + 1}
		l.recorded[stream] = append(l.recorded[stream], events.Recorded{ID: e.ID, Stream: stream, Revision: n, Position: p, Type: e.Type, Data: e.Data, Metadata: e.Metadata})
	}
	return p, nil
}

// has tells that these events, by their ids, are at this place already.
func (l *streams) has(stream string, expected uint64, batch []events.Proposed) bool {
	recorded := l.recorded[stream]
	if uint64(len(recorded)) < expected+uint64(len(batch)) {
		return false
	}
	for i, e := range batch {
		if recorded[expected+uint64(i)].ID != e.ID {
			return false
		}
	}
	return true
}

func (l *streams) Read(_ context.Context, stream string, from uint64) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		all, ok := l.recorded[stream]
		if !ok {
			yield(events.Recorded{}, aggregate.ErrStreamNotFound)
			return
		}
		for _, e := range all[min(from, uint64(len(all))):] {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (l *streams) ReadBack(ctx context.Context, stream string, _ uint64) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		all := slices.Clone(l.recorded[stream])
		slices.Reverse(all)
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}
}

var meta = events.Meta{Actor: "user-1", At: 1000}

func run(t *testing.T, l *streams, all ...commands.Command) aggregate.Import {
	t.Helper()
	var s aggregate.Import
	for _, c := range all {
		var err error
		if s, err = aggregate.Execute(t.Context(), l, importID, meta, c); err != nil {
			t.Fatalf("%T: %v", c, err)
		}
	}
	return s
}

func TestExecuteGivesTheStateThatALaterLoadFinds(t *testing.T) {
	l := &streams{recorded: map[string][]events.Recorded{}}
	s := run(t, l, start, mapColumns, commands.RowAccepted(accepted(1)), commands.Cancel{})
	loaded, err := aggregate.Load(t.Context(), l, importID)
	if err != nil || fmt.Sprintf("%+v", loaded) == "" || loaded.State != s.State || loaded.Events != 4 || loaded.Position != s.Position {
		t.Fatalf("loaded %+v, %v; want %+v", loaded, err, s)
	}
	if s.CreatedBy != "user-1" || s.CreatedAt != 1000 || s.ID != importID {
		t.Errorf("who and when: %+v", s)
	}

	at, err := aggregate.LoadAt(t.Context(), l, importID, 1)
	if err != nil || at.State != events.Importing || at.Accepted != 0 {
		t.Errorf("at revision 1: %+v, %v", at, err)
	}
	if _, err = aggregate.LoadAt(t.Context(), l, importID, 4); !errors.Is(err, aggregate.ErrRevisionNotFound) {
		t.Errorf("at revision 4 of 0…3: %v", err)
	}
	if _, err = aggregate.LoadAt(t.Context(), l, "01JDF3ZKQ8X6M4N9T2V7W5Y1AC", 0); !errors.Is(err, aggregate.ErrNotFound) {
		t.Errorf("of no import: %v", err)
	}
}

func TestExecuteDecidesAnewWhenOvertaken(t *testing.T) {
	l := &streams{recorded: map[string][]events.Recorded{}}
	run(t, l, start, mapColumns)
	row, times := 1, 3
	var overtake func(string)
	overtake = func(string) {
		if l.before = nil; row <= times {
			run(t, l, commands.RowAccepted(accepted(row)))
			row++
			l.before = overtake
		}
	}
	l.before = overtake
	s := run(t, l, commands.Cancel{})
	if s.State != events.Canceled || s.Accepted != times || s.Events != uint64(2+times+1) {
		t.Fatalf("got %+v", s)
	}
}

func TestExecuteStopsAtTheEndOfItsContextAndAtAnErrorOfTheLog(t *testing.T) {
	l := &streams{recorded: map[string][]events.Recorded{}}
	run(t, l, start)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := aggregate.Execute(ctx, l, importID, meta, commands.Cancel{}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	l.fail = aggregate.ErrLogUnavailable
	if _, err := aggregate.Execute(t.Context(), l, importID, meta, commands.Cancel{}); !errors.Is(err, aggregate.ErrLogUnavailable) {
		t.Errorf("log away: %v", err)
	}
}

func TestOnlyTheSameAppendCarriesTheSameEventIDs(t *testing.T) {
	at := events.Place{Revision: 7, Chain: events.Chain{1}}
	encode := func(stream string, meta events.Meta, at events.Place, fact events.Event) uuid.UUID {
		p, recorded, err := events.NewEncoder(stream, meta).Encode(at, fact)
		if err != nil || recorded.ID != p.ID {
			t.Fatal(recorded, err)
		}
		return p.ID
	}
	for _, fact := range []events.Event{started, mapped, accepted(1), events.ImportCanceled{}} {
		first := encode("import-1", meta, at, fact)
		if again := encode("import-1", meta, at, fact); again != first {
			t.Errorf("%T: %s, and again %s", fact, first, again)
		}
		for other, id := range map[string]uuid.UUID{
			"another stream":               encode("import-2", meta, at, fact),
			"decided at another time":      encode("import-1", events.Meta{At: 2000}, at, fact),
			"another place":                encode("import-1", meta, events.Place{Revision: 8, Chain: at.Chain}, fact),
			"behind another event":         encode("import-1", meta, events.Place{Revision: 7}, fact),
			"something else said of it":    encode("import-1", meta, at, events.ImportFailed{Code: "x"}),
			"the same row, judged anew":    encode("import-1", meta, at, events.RowRejected{Row: 1}),
			"the same row, from elsewhere": encode("import-1", meta, at, events.RowAccepted{Row: 1}),
		} {
			if id == first {
				t.Errorf("%T, %s: the same id", fact, other)
			}
		}
	}
}

func TestExecuteAppendsAllCommandsOrNone(t *testing.T) {
	l := &streams{recorded: map[string][]events.Recorded{}}
	if _, err := aggregate.Execute(t.Context(), l, importID, meta, start, commands.Complete{}); !errors.Is(err, aggregate.ErrNotImporting) || len(l.recorded) > 0 {
		t.Fatalf("a refused second command left %d streams: %v", len(l.recorded), err)
	}
	s, err := aggregate.Execute(t.Context(), l, importID, meta, start, mapColumns)
	if err != nil || s.State != events.Importing || s.Events != 2 || s.Position.Commit != 2 {
		t.Fatalf("got %+v, %v", s, err)
	}
}
