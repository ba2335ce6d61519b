package projections_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"

	"importledger/events"
	"importledger/projections"

	"github.com/google/uuid"
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
		sameRows(r, "one after the other", membersOf(t, one), membersByTheLog(l))

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
		// Killed at some moment or not, another process comes to the same rows.
		killed := &killedAfter{Context: t.Context(), looks: rapid.IntRange(1, 400).Draw(r, "killed"), dead: make(chan struct{})}
		if err := p.Rebuild(killed, nil, nil); err != nil && !errors.Is(err, context.Canceled) {
			r.Fatal(err)
		}
		p = projections.New(other, l, quiet(t))
		p.LimitFill(rapid.IntRange(1, 20).Draw(r, "remembered again"), rapid.IntRange(1, 5).Draw(r, "kept back again"))
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
		exec(t, pool, "DROP SCHEMA "+name+" CASCADE; DROP SCHEMA IF EXISTS "+name+"_old CASCADE")
	}
	exec(t, pool, "TRUNCATE ledger.replaced_models")
	p := projections.New(pool, l, quiet(t))
	if _, err := p.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// anyHistory is a log of a few imports at once, about few contacts, while people
// are at work on segments and attributes.
func anyHistory(r *rapid.T) *ledger {
	l := &ledger{}
	left := map[string][]events.Event{} // what each stream has still to get
	for n := range rapid.IntRange(1, 3).Draw(r, "imports") {
		id := fmt.Sprint("import", n)
		left[events.ImportStream(id)] = anyImport(r, id)
	}
	for _, id := range []string{"s1", "s2"} {
		// Its creation comes before any import that names it.
		if facts := anySegment(r, id); len(facts) > 0 {
			l.recordIn(events.SegmentStream(id), facts[0])
			left[events.SegmentStream(id)] = facts[1:]
		}
	}
	left[events.AttributeStream("city")] = []events.Event{events.AttributeCreated{Name: "city", Type: events.Number}}
	left[events.AccountStream] = []events.Event{events.KeyIdentifierSet{Identifier: events.Email}, events.KeyIdentifierUsed{ImportID: "import0"}}
	maps.DeleteFunc(left, func(_ string, facts []events.Event) bool { return len(facts) == 0 })
	for len(left) > 0 {
		stream := rapid.SampledFrom(slices.Sorted(maps.Keys(left))).Draw(r, "which")
		facts := left[stream]
		some := rapid.IntRange(1, len(facts)).Draw(r, "events")
		if id, ok := events.ImportOfStream(stream); ok {
			l.chunk(id, facts[:some])
		} else {
			l.recordIn(stream, facts[:some]...)
		}
		if left[stream] = facts[some:]; some == len(facts) {
			delete(left, stream)
		}
	}
	return l
}

// anySegment is what people do to a segment; nothing: an import of the first
// versions may create it.
func anySegment(r *rapid.T, id string) []events.Event {
	if rapid.IntRange(0, 3).Draw(r, "by import") == 0 {
		return nil
	}
	facts := []events.Event{events.SegmentCreated{Name: id}}
	for range rapid.IntRange(0, 5).Draw(r, "by hand") {
		contacts := contactIDs(rapid.SliceOfN(rapid.IntRange(0, 3), 1, 3).Draw(r, "contacts"))
		facts = append(facts, rapid.SampledFrom([]events.Event{
			events.SegmentContactsAdded{Contacts: contacts}, events.SegmentContactsRemoved{Contacts: contacts}, events.SegmentRenamed{Name: id + "!"}}).Draw(r, "what"))
	}
	if rapid.IntRange(0, 3).Draw(r, "removed") == 0 {
		facts = append(facts, events.SegmentRemoved{})
	}
	return facts
}

// membersOf is who is in which segment, and how many came and left, by the tables.
func membersOf(t *testing.T, pool *pgxpool.Pool) []string {
	return slices.Concat(
		collect[string](t, pool, "SELECT segment_id || ' has ' || nx_id FROM segment_members.members ORDER BY 1"),
		collect[string](t, pool, `SELECT s.id || ' ' || s.name || ' ' || s.members || ' +' || coalesce(sum(h.added), 0) || ' -' || coalesce(sum(h.removed), 0)
			FROM segment_members.segments s LEFT JOIN segment_members.history h ON h.segment_id = s.id GROUP BY s.id ORDER BY 1`))
}

// membersByTheLog says the same, in the plainest way, by the log.
func membersByTheLog(l *ledger) []string {
	type segment struct {
		name           string
		members        map[uuid.UUID]bool
		added, removed int
		gone           bool
	}
	segments, segmentOf := map[string]*segment{}, map[string]string{}
	create := func(id, name string) {
		if segments[id] == nil {
			segments[id] = &segment{name: name, members: map[uuid.UUID]bool{}}
		}
	}
	add := func(s *segment, ids ...uuid.UUID) {
		for _, id := range ids {
			if !s.gone && !s.members[id] {
				s.members[id], s.added = true, s.added+1
			}
		}
	}
	for i := range l.recorded {
		e := must(events.Decode(l.recorded[i]))
		id, _ := events.SegmentOfStream(e.Stream)
		switch event := e.Event.(type) {
		case events.ColumnsMapped:
			if event.Segment != nil {
				create(event.Segment.ID, event.Segment.Name)
				segmentOf[e.ImportID()] = event.Segment.ID
			}
		case events.RowAccepted:
			if s := segments[segmentOf[e.ImportID()]]; s != nil {
				add(s, event.Contact.NxID)
			}
		case events.SegmentCreated:
			create(id, event.Name)
		case events.SegmentRenamed:
			segments[id].name = event.Name
		case events.SegmentRemoved:
			segments[id].gone = true
		case events.SegmentContactsAdded:
			add(segments[id], event.Contacts...)
		case events.SegmentContactsRemoved:
			for _, nxID := range event.Contacts {
				if segments[id].members[nxID] {
					delete(segments[id].members, nxID)
					segments[id].removed++
				}
			}
		}
	}
	var members, counts []string
	for id, s := range segments {
		if s.gone {
			continue
		}
		for nxID := range s.members {
			members = append(members, id+" has "+nxID.String())
		}
		counts = append(counts, fmt.Sprintf("%s %s %d +%d -%d", id, s.name, len(s.members), s.added, s.removed))
	}
	slices.Sort(members)
	slices.Sort(counts)
	return slices.Concat(members, counts)
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
