package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

const rows = 4500 // three chunks

func (w *world) run(id string) run { return run{deps: w.deps, id: id, logger: w.deps.Logger} }

func TestAnImportIsWorkedOffToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := mustCreate(t, w.service(), fileOf(rows)).ID
	if err := w.run(id).toTheEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantImported(t, id, rows)
	before := w.load(t, id)
	if err := w.run(id).toTheEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := w.load(t, id); after.Events != before.Events {
		t.Errorf("working it off again appended %d events", after.Events-before.Events)
	}
}

// hookedLog lets a test come between a run and the log, at appends to imports.
type hookedLog struct {
	aggregate.Streams
	all    bool // at all appends
	mu     sync.Mutex
	n      int
	append func(n int, do func() (events.Position, error)) (events.Position, error)
}

func (l *hookedLog) Append(ctx context.Context, stream string, expected uint64, batch []events.Proposed) (events.Position, error) {
	if _, ofImport := events.ImportOfStream(stream); !ofImport && !l.all {
		return l.Streams.Append(ctx, stream, expected, batch)
	}
	l.mu.Lock()
	l.n++
	n := l.n
	l.mu.Unlock()
	return l.append(n, func() (events.Position, error) { return l.Streams.Append(ctx, stream, expected, batch) })
}

// Whichever append fails, or succeeds without the worker learning of it, the next
// attempt goes on at the next row.
func TestEveryAppendMayFailOrBeAnsweredTooLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	log := w.deps.Log
	for _, fault := range []string{"fails", "times out after it succeeded"} {
		for broken := 1; broken <= 3; broken++ {
			t.Run(fmt.Sprintf("append %d %s", broken, fault), func(t *testing.T) {
				w.deps.Log = log
				id := mustCreate(t, w.service(), fileOf(rows)).ID
				w.deps.Log = &hookedLog{Streams: log, append: func(n int, do func() (events.Position, error)) (events.Position, error) {
					if n != broken {
						return do()
					}
					if fault != "fails" {
						if _, err := do(); err != nil {
							t.Error(err)
						}
					}
					return events.Position{}, aggregate.ErrLogUnavailable
				}}
				if err := w.run(id).toTheEnd(t.Context()); !errors.Is(err, aggregate.ErrLogUnavailable) {
					t.Errorf("the run ended with %v", err)
				}
				if err := w.run(id).toTheEnd(t.Context()); err != nil {
					t.Errorf("the next run ended with %v", err)
				}
				w.wantImported(t, id, rows)
			})
		}
	}
}

// A worker that was paused while another took over has its append refused.
func TestAZombieDecidesNoRowTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	log := w.deps.Log
	id := mustCreate(t, w.service(), fileOf(rows)).ID
	healthy := w.run(id)
	w.deps.Log = &hookedLog{Streams: log, append: func(n int, do func() (events.Position, error)) (events.Position, error) {
		if n == 2 { // paused here, the other does the rest
			if err := healthy.toTheEnd(t.Context()); err != nil {
				t.Error(err)
			}
		}
		position, err := do()
		if n == 2 && !errors.Is(err, aggregate.ErrOvertaken) && err != nil {
			t.Errorf("the zombie's append: %v", err)
		}
		return position, err
	}}
	if err := w.run(id).toTheEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantImported(t, id, rows)
}

func TestACancelInTheMiddleIsTheLastEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	id := mustCreate(t, s, fileOf(rows)).ID
	w.deps.Log = &hookedLog{Streams: w.deps.Log, append: func(n int, do func() (events.Position, error)) (events.Position, error) {
		if n == 2 {
			if _, err := s.Cancel(t.Context(), id, "wrong file", events.Meta{Actor: "client-1"}); err != nil {
				t.Error(err)
			}
		}
		return do()
	}}
	if err := w.run(id).toTheEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	imp := w.load(t, id)
	if imp.State != events.Canceled || imp.Accepted+imp.Rejected != chunkEvents || imp.Events != chunkEvents+3 {
		t.Errorf("%s after %d+%d rows and %d events", imp.State, imp.Accepted, imp.Rejected, imp.Events)
	}
}

func TestAnImportFailsWhenItsFileIsNotWhatWasReceived(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		change func(id string)
		code   string
	}{
		"gone":         {func(id string) { delete(w.files, id) }, SourceMissing},
		"shorter":      {func(id string) { w.files[id] = w.files[id][:len(w.files[id])/2] }, SourceChanged},
		"longer":       {func(id string) { w.files[id] = append(w.files[id], "x@example.com;1;\n"...) }, SourceChanged},
		"a cell":       {func(id string) { w.files[id] = bytes.Replace(w.files[id], []byte("note 7"), []byte("note 8"), 1) }, SourceChanged},
		"the header":   {func(id string) { w.files[id] = bytes.Replace(w.files[id], []byte("Age"), []byte("E-mail"), 1) }, SourceChanged},
		"a blank line": {func(id string) { w.files[id] = append(w.files[id], '\n') }, SourceChanged},
	} {
		id := mustCreate(t, w.service(), fileOf(rows)).ID
		c.change(id)
		if err := w.run(id).toTheEnd(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		imp := w.load(t, id)
		if imp.State != events.Failed || imp.Failure.Code != c.code {
			t.Errorf("%s: %s %+v, want %s", name, imp.State, imp.Failure, c.code)
		}
	}
}

func TestARunStopsAtAChunksEndWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	log := w.deps.Log
	id := mustCreate(t, w.service(), fileOf(rows)).ID
	ctx, stop := context.WithCancel(t.Context())
	w.deps.Log = &hookedLog{Streams: log, append: func(n int, do func() (events.Position, error)) (events.Position, error) {
		stop() // while the append is under way
		return do()
	}}
	if err := w.run(id).toTheEnd(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the run ended with %v", err)
	}
	if imp := w.load(t, id); imp.Accepted+imp.Rejected != chunkEvents {
		t.Errorf("%d rows were decided, want one chunk", imp.Accepted+imp.Rejected)
	}
	w.deps.Log = log
	if err := w.run(id).toTheEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantImported(t, id, rows)
}

func TestRowEventsSayWhatTheyFollowedFrom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	imp := mustCreate(t, w.service(), fileOf(1))
	if err := w.run(imp.ID).toTheEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	for recorded, err := range w.deps.Log.Read(t.Context(), events.ImportStream(imp.ID), 2) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := events.Decode(recorded)
		if err != nil {
			t.Fatal(err)
		}
		if e.Meta.Actor != actor || e.Meta.CorrelationID != "request-1" || e.Meta.CausationID != imp.MappedBy.String() {
			t.Errorf("%s: %+v", e.Type, e.Meta)
		}
	}
}

func TestReviewSaysWhatTheImportDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	prepared, err := create(t, s, fileOf(rows), nil)
	if err != nil {
		t.Fatal(err)
	}
	review, err := s.Review(t.Context(), prepared.ID, mapping)
	if err != nil {
		t.Fatal(err)
	}
	var before, after strings.Builder
	if err := s.ReviewErrorsCSV(t.Context(), prepared.ID, mapping, &before); err != nil {
		t.Fatal(err)
	}
	if w.load(t, prepared.ID).Events != 1 {
		t.Error("the review appended something")
	}
	if _, err := s.Map(t.Context(), prepared.ID, mapping, events.Meta{}); err != nil {
		t.Fatal(err)
	}
	if err := w.run(prepared.ID).toTheEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	imp := w.load(t, prepared.ID)
	if review.Rows != rows || review.Acceptable != imp.Accepted || review.InError != imp.Rejected || len(review.Errors) != 1 ||
		review.Errors[0].Code != "email-invalid" || review.Errors[0].Count != imp.Rejected || len(review.Errors[0].Rows) != reviewRows || len(review.Samples) != reviewSamples {
		t.Errorf("review %+v, import %d accepted and %d rejected", review, imp.Accepted, imp.Rejected)
	}
	if values := review.Errors[0].Values; len(values) != reviewRows || values[0] == "" {
		t.Errorf("the cells that are wrong: %q", values)
	}
	w.fillErrors(t, imp.ID)
	if err := s.ErrorsCSV(t.Context(), imp.ID, &after); err != nil || before.String() != after.String() || strings.Count(before.String(), "\n") != imp.Rejected+1 {
		t.Errorf("before the import the rows in error are\n%s\nand after it (%v)\n%s", before.String(), err, after.String())
	}
	if _, err := s.Review(t.Context(), "01JDF3ZKQ8X6M4N9T2V7W5Y1AC", mapping); !errors.Is(err, aggregate.ErrNotFound) {
		t.Errorf("review of nothing: %v", err)
	}
}

func TestPreviewShowsSamplesAndSuggestions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	prepared, err := create(t, s, "E-mail,Age\na@example.com,1\n,1\na@example.com,2\nb@example.com,3\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Preview(t.Context(), prepared.ID, commands.Reading{})
	if err != nil || len(p.Columns) != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	mail, age := p.Columns[0], p.Columns[1]
	if fmt.Sprint(mail.Samples) != "[a@example.com b@example.com]" || mail.Suggestion.Attribute != events.Email {
		t.Errorf("E-mail: %+v", mail)
	}
	if fmt.Sprint(age.Samples) != "[1 2 3]" || age.Suggestion.Create != events.Number {
		t.Errorf("Age: %+v", age)
	}
	if w.load(t, prepared.ID).Events != 1 {
		t.Error("the preview appended something")
	}
}

func TestErrorsCSVHasTheRejectedRowsAndWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	imp := mustCreate(t, s, "E-mail;Age\na@example.com;1\nnobody;=1+1\nshort\nlong@example.com;1;2\n")
	if err := w.run(imp.ID).toTheEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.fillErrors(t, imp.ID)
	var out bytes.Buffer
	if err := s.ErrorsCSV(t.Context(), imp.ID, &out); err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(bytes.ReplaceAll(out.Bytes(), []byte("\r\n"), []byte("\n"))), []byte("\n"))
	for i, want := range []string{
		"E-mail;Age;error_row;error_column;error_code;error_message",
		"nobody;'=1+1;2;E-mail | Age;email-invalid | number-invalid;",
		"short;;3;;row-width;",
		`long@example.com;"1;2";4;;row-width;`,
	} {
		if i >= len(lines) || !bytes.HasPrefix(lines[i], []byte(want)) {
			t.Errorf("line %d of\n%s\nwant %s", i+1, out.Bytes(), want)
		}
	}
}

// fillErrors does what the read model does.
func (w *world) fillErrors(t *testing.T, id string) {
	t.Helper()
	for recorded, err := range w.deps.Log.Read(t.Context(), events.ImportStream(id), 0) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := events.Decode(recorded)
		if err != nil {
			t.Fatal(err)
		}
		if r, ok := e.Event.(events.RowRejected); ok {
			w.rejected[id] = append(w.rejected[id], projections.RejectedRow(r))
		}
	}
}
