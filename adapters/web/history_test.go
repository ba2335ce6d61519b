package web

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
	"importledger/aggregate"
	"importledger/events"
	"importledger/projections"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const someImport = "01JDABCDEFGHJKMNPQRSTVWXYZ"

// recorded is the log of one import, in memory.
type recorded []events.Recorded

func (l recorded) Append(context.Context, string, uint64, []events.Proposed) (events.Position, error) {
	panic("pages append nothing")
}

func (l recorded) Read(_ context.Context, _ string, from uint64) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for i := from; i < uint64(len(l)); i++ {
			if !yield(l[i], nil) {
				return
			}
		}
	}
}

func (l recorded) ReadBack(_ context.Context, _ string, from uint64) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for i := min(from, uint64(len(l)-1)); ; i-- {
			if !yield(l[i], nil) || i == 0 {
				return
			}
		}
	}
}

// CatchUp is for the projector, which is handed what it applies.
func (l recorded) CatchUp(context.Context, events.Position, int) iter.Seq2[events.Batch, error] {
	return func(func(events.Batch, error) bool) {}
}

// record makes the log of an import of whose rows bad says which are rejected, and why.
func record(t *testing.T, rows int, bad func(row int) string, ended bool) recorded {
	t.Helper()
	all := []events.Event{
		events.ImportStarted{Name: "a", File: events.File{Name: "a.csv", Header: []string{"E-mail"}, Rows: rows}, Type: events.Manual, ImportMode: events.Contacts, KeyIdentifier: events.Email},
		events.ColumnsMapped{Columns: []events.Column{{Header: "E-mail", Attribute: events.Email, Type: events.String}}},
	}
	for row := 1; row <= rows; row++ {
		if code := bad(row); code != "" {
			all = append(all, events.RowRejected{Row: row, Line: row + 1, Errors: []events.RowError{{Column: "E-mail", Code: code, Message: "This is " + code + "."}}})
			continue
		}
		all = append(all, events.RowAccepted{Row: row, Line: row + 1, Contact: events.Contact{NxID: uuid.New(), Attributes: json.RawMessage(fmt.Sprintf(`{"email":"p%d@x.org"}`, row))}})
	}
	if ended {
		all = append(all, events.ImportCompleted{})
	}
	var log recorded
	encoder := events.NewEncoder(events.ImportStream(someImport), events.Meta{At: 1795500000000, Actor: "u1"})
	for i, e := range all {
		p, _, err := encoder.Encode(events.Place{Revision: uint64(i)}, e)
		if err != nil {
			t.Fatal(err)
		}
		at := uint64(i+1) * 10
		log = append(log, events.Recorded{ID: p.ID, Stream: events.ImportStream(someImport), Revision: uint64(i), Position: events.Position{Commit: at, Prepare: at},
			Type: p.Type, Data: p.Data, Metadata: p.Metadata, Recorded: time.UnixMilli(1795500000000)})
	}
	return log
}

// visiting is a visit to pages over a log and what was projected of it.
func visiting(t *testing.T, log recorded) *visit {
	t.Helper()
	pool := pgtest.New(t)
	p := projections.New(pool, log, projections.Config{IsTransient: postgres.IsUnavailable, Now: time.Now, After: time.After, Logger: slog.New(slog.DiscardHandler)})
	if _, err := p.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(t.Context(), events.Batch{Events: log, Until: log[len(log)-1].Position}); err != nil {
		t.Fatal(err)
	}
	w := newPages(t)
	w.Streams, w.DB = log, pool
	return &visit{Web: w, r: httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)}
}

var _ aggregate.Streams = recorded(nil)

// TestAFoldedHistoryHasEveryEventOnce pages through histories of all kinds, in both
// directions.
func TestAFoldedHistoryHasEveryEventOnce(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for name, c := range map[string]struct {
		rows  int
		ended bool
		bad   func(int) string
	}{
		"no row yet":                    {0, false, func(int) string { return "" }},
		"all good":                      {3000, true, func(int) string { return "" }},
		"all bad, one way":              {3000, true, func(int) string { return "email-invalid" }},
		"more bad than a page looks at": {rejectedOnPage + 700, true, func(int) string { return "email-invalid" }},
		"turn and turn":                 {700, true, func(row int) string { return map[bool]string{true: "email-invalid"}[row%2 == 0] }},
		"bad, in two ways":              {900, true, func(row int) string { return map[bool]string{true: "email-invalid", false: "row-width"}[row%3 == 0] }},
		"at random, running":            {2500, false, func(int) string { return map[bool]string{true: "email-invalid"}[random.IntN(20) == 0] }},
		"bad at both ends":              {900, true, func(row int) string { return map[bool]string{true: "row-width"}[row <= 450 || row > 890] }},
	} {
		t.Run(name, func(t *testing.T) {
			log := record(t, c.rows, c.bad, c.ended)
			v := visiting(t, log)
			s, err := v.shapeOf(someImport)
			if err != nil || s.events != uint64(len(log)) || s.rows != uint64(c.rows) {
				t.Fatalf("%+v, %v", s, err)
			}
			for _, newest := range []bool{false, true} {
				checkFolds(t, v, log, s, newest)
			}
		})
	}
}

func checkFolds(t *testing.T, v *visit, log recorded, s shape, newest bool) {
	t.Helper()
	at, want := uint64(0), uint64(0) // where the next line has to begin
	if newest {
		at, want = s.events-1, s.events-1
	}
	for page := 1; ; page++ {
		f := folder{v: v, id: someImport, shape: s, newest: newest}
		next, more, err := f.fold(at)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.lines) > linesOnPage {
			t.Errorf("a page has %d lines", len(f.lines))
		}
		for i, l := range f.lines {
			begin := map[bool]uint64{false: l.First, true: l.Last}[newest]
			if begin != want {
				t.Fatalf("newest %v, page %d: a line begins at %d, not at %d: %+v", newest, page, begin, want, l)
			}
			want = map[bool]uint64{false: l.Last + 1, true: l.First - 1}[newest]
			for r := l.First; r <= l.Last; r++ {
				if kindOf(log[r].Type) != l.Kind {
					t.Fatalf("revision %d is in the line %q", r, l.Text)
				}
			}
			if i > 0 && l.Kind == "accepted" && f.lines[i-1].Kind == "accepted" {
				t.Errorf("two lines where one would do: %q, %q", f.lines[i-1].Text, l.Text)
			}
		}
		if !more {
			break
		}
		at = next
	}
	if end := map[bool]uint64{false: s.events, true: ^uint64(0)}[newest]; want != end {
		t.Errorf("newest %v: the lines end before %d, the events at %d", newest, want, end)
	}
}

func TestAHistoryIsSearchedToItsEnd(t *testing.T) {
	t.Parallel()
	log := record(t, 500, func(row int) string { return map[bool]string{true: "email-invalid"}[row == 300] }, true)
	v := visiting(t, log)
	for words, want := range map[string]int{"P77@x.org": 1, "row 300 rejected": 1, "email-invalid": 1, "completed": 1, "x.org": foundAtOnce, "nowhere": 0} {
		page := searchView{ID: someImport, Q: words}
		if err := v.search(&page); err != nil || len(page.Lines) != want || (page.Next != 0) != (want == foundAtOnce) {
			t.Errorf("%q: %d found, then from %d, %v", words, len(page.Lines), page.Next, err)
		}
	}
}

// behind is a projector whose read models have come only so far.
type behind struct {
	Projections
	at events.Position
}

func (b behind) WaitFor(ctx context.Context, position events.Position, _ ...string) error {
	if !b.at.Before(position) {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

// TestNothingIsSortedOrFoldedBeforeTheErrorReportIsThere looks at an import whose last
// rows the error report has not heard of.
func TestNothingIsSortedOrFoldedBeforeTheErrorReportIsThere(t *testing.T) {
	t.Parallel()
	log := record(t, 300, func(row int) string { return map[bool]string{true: "email-invalid"}[row%10 == 0] }, true)
	v := visiting(t, log)
	last := log[len(log)-1].Position
	for _, at := range []events.Position{log[100].Position, last} {
		there := at == last
		v.Projections = behind{at: at}
		i := importView{Import: projections.Import{ID: someImport, RowsInError: 30, Position: last}}
		if err := v.group(&i, time.Millisecond); err != nil || i.Sorting == there || (len(i.Groups) == 1) != there {
			t.Errorf("up to %v: %d groups, sorting %v, %v", at, len(i.Groups), i.Sorting, err)
		}
		s, err := v.shapeOf(someImport)
		if err != nil || s.position != last {
			t.Fatalf("%+v, %v", s, err)
		}
		page := historyView{Shape: s}
		if err := v.foldable(&page); err != nil || page.Behind == there || page.Each == there {
			t.Errorf("up to %v: behind %v, each event %v, %v", at, page.Behind, page.Each, err)
		}
	}
}
