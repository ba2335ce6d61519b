package projections_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"testing"

	"importledger/events"
	"importledger/projections"

	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"
)

// A check asks Postgres hundreds of times, so there are fewer than rapid's 100;
// -rapid.checks on the command line says otherwise.
func init() {
	if err := flag.Set("rapid.checks", "20"); err != nil {
		panic(err)
	}
}

// Whatever the history and wherever it is cut into batches, with overlaps and
// repeats, the rows are those of taking one event after the other, and those of a
// rebuild.
func TestRowsDoNotDependOnHowTheLogIsCut(t *testing.T) {
	t.Parallel()
	_, one := projector(t, &ledger{})
	_, other := projector(t, &ledger{})
	rapid.Check(t, func(r *rapid.T) {
		l := anyHistory(r)
		p := afresh(t, one, l)
		feed(t, p, l, 0, l.len(), 1)
		want := everything(t, one)

		p = afresh(t, other, l)
		for done := 0; done < l.len(); {
			from := rapid.IntRange(0, done).Draw(r, "from")
			to := rapid.IntRange(from+1, l.len()).Draw(r, "to")
			if err := p.Apply(t.Context(), l.batch(from, to)); err != nil {
				r.Fatal(err)
			}
			done = max(done, to)
		}
		sameRows(r, "cut anywhere", everything(t, other), want)
		l.inBatchesOf = rapid.IntRange(1, 10).Draw(r, "batch of a rebuild")
		p.LimitFill(rapid.IntRange(1, 20).Draw(r, "remembered"), rapid.IntRange(1, 5).Draw(r, "kept back"))
		if v, err := p.Verify(t.Context(), nil); err != nil || differences(v) != 0 || v.Imports.RowsUnaccounted != 0 {
			r.Fatal(v, err)
		}
		if err := p.Rebuild(t.Context(), nil, nil); err != nil {
			r.Fatal(err)
		}
		sameRows(r, "rebuilt", everything(t, other), want)
	})
}

// afresh makes the read models anew, empty.
func afresh(t *testing.T, pool *pgxpool.Pool, l *ledger) *projections.Projector {
	t.Helper()
	for _, name := range projections.Names() {
		exec(t, pool, "DROP SCHEMA "+name+" CASCADE")
	}
	p := projections.New(pool, l, quiet(t))
	if _, err := p.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// anyHistory is a log of a few imports at once, about few contacts.
func anyHistory(r *rapid.T) *ledger {
	l := &ledger{}
	imports := map[string][]events.Event{} // what each has still to record
	var ids []string
	for n := range rapid.IntRange(1, 3).Draw(r, "imports") {
		id := fmt.Sprint("import", n)
		ids = append(ids, id)
		imports[id] = anyImport(r, id)
	}
	for len(ids) > 0 {
		n := rapid.IntRange(0, len(ids)-1).Draw(r, "which")
		facts := imports[ids[n]]
		some := rapid.IntRange(1, len(facts)).Draw(r, "events")
		l.chunk(ids[n], facts[:some])
		if imports[ids[n]] = facts[some:]; some == len(facts) {
			ids = append(ids[:n], ids[n+1:]...)
		}
	}
	return l
}

func anyImport(r *rapid.T, name string) []events.Event {
	rows := rapid.IntRange(1, 6).Draw(r, "rows")
	segments := []*events.Segment{nil, {ID: "s1", Name: "One", Create: true}, {ID: "s2", Name: "Two", Create: true}}
	begun, mapping := started(name, rows), mapped(rapid.SampledFrom(segments).Draw(r, "segment"))
	if rapid.IntRange(0, 3).Draw(r, "corrects") == 0 {
		begun.Corrects, begun.BlankCells = "import0", events.KeepBlank
	}
	if rapid.IntRange(0, 3).Draw(r, "read otherwise") == 0 {
		file := begun.File
		file.Separator, file.Header = ",", []string{"E-mail;City", "More"}
		begun.File.Rows = rows + rapid.IntRange(-1, 1).Draw(r, "rows before")
		mapping.File, mapping.BlankCells, mapping.DefaultCountry = &file, events.ClearBlank, "BE"
	}
	facts := []events.Event{begun, mapping}
	for row := 1; row <= rows; row++ {
		switch rapid.IntRange(0, 7).Draw(r, "outcome") {
		case 0:
			return append(facts, events.ImportCanceled{})
		case 1, 2:
			facts = append(facts, rejected(row, "email-invalid", "row-width"))
		case 3:
			a := accepted(row, rapid.IntRange(0, 3).Draw(r, "contact"), anyAttributes(r))
			n := rapid.IntRange(0, 3).Draw(r, "event")
			a.Event = &events.ContactEvent{ID: contactID(1000 + n), Name: "visit", At: int64(n), Properties: json.RawMessage(`{"n":1}`)}
			facts = append(facts, a)
		default:
			facts = append(facts, accepted(row, rapid.IntRange(0, 3).Draw(r, "contact"), anyAttributes(r)))
		}
	}
	return append(facts, rapid.SampledFrom([]events.Event{events.ImportCompleted{}, events.ImportFailed{Code: "broken"}}).Draw(r, "end"))
}

func anyAttributes(r *rapid.T) string {
	attributes := map[string]any{}
	for _, name := range []string{"a", "b<ü", "null"} {
		switch rapid.IntRange(0, 4).Draw(r, name) {
		case 0:
			attributes[name] = nil
		case 1:
			attributes[name] = rapid.StringMatching(`[^\x00]{0,5}`).Draw(r, "text")
		case 2:
			attributes[name] = rapid.IntRange(-5, 5).Draw(r, "number")
		}
	}
	raw, err := json.Marshal(attributes)
	if err != nil {
		panic(err)
	}
	return string(raw)
}
