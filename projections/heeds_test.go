package projections_test

import (
	"slices"
	"testing"

	"importledger/events"
	"importledger/projections"
)

// heedless are read models by an event that does not concern them.
var heedless = map[string][]string{
	"RowRejected":      {projections.ContactState, projections.SegmentMembers, projections.ContactRows},
	"RowAccepted":      {projections.ErrorReport},
	"AttributeCreated": {projections.ImportsList, projections.SegmentMembers, projections.ErrorReport, projections.ContactRows},
	"SegmentRenamed":   {projections.ImportsList, projections.ContactState, projections.ErrorReport, projections.ContactRows},
}

// everyKind is a log with all that people and imports do.
func everyKind() *ledger {
	l := history()
	l.recordIn(events.SegmentStream("byhand"), events.SegmentCreated{Name: "By hand"}, events.SegmentContactsAdded{Contacts: contactIDs([]int{1, 2})},
		events.SegmentContactsRemoved{Contacts: contactIDs([]int{1})}, events.SegmentRenamed{Name: "Renamed"})
	l.recordIn(events.SegmentStream("gone"), events.SegmentCreated{Name: "Gone"}, events.SegmentRemoved{})
	l.recordIn(events.AttributeStream("plan"), events.AttributeCreated{Name: "plan", Type: events.String})
	l.recordIn(events.AccountStream, events.KeyIdentifierSet{Identifier: events.Email}, events.KeyIdentifierUsed{ImportID: "a"})
	l.record("d", started("d.csv", 1), mapped(nil), accepted(1, 5, `{"city":"Mons"}`), events.ImportCanceled{})
	l.record("f", started("f.csv", 1), events.ImportFailed{Code: "file-gone", Message: "It is gone."})
	return l
}

// What is said of which events concern a read model is true: without all others it has
// the same rows.
func TestEventsThatDoNotConcernAReadModelChangeNothingInIt(t *testing.T) {
	t.Parallel()
	l := everyKind()
	_, pool := projector(t, l)
	feed(t, projections.New(pool, l, quiet(t)), l, 0, l.len(), 100)
	for _, name := range projections.Names() {
		heeded := projections.Heeds(name)
		only := &ledger{recorded: slices.DeleteFunc(slices.Clone(l.recorded), func(e events.Recorded) bool { return !slices.Contains(heeded, e.Type) })}
		if only.len() == 0 || only.len() == l.len() {
			t.Errorf("%s heeds %v: that says nothing", name, heeded)
		}
		p, other := projector(t, only)
		feed(t, p, only, 0, only.len(), 3)
		sameRows(t, name, rowsOf(t, other, name), rowsOf(t, pool, name))
	}
}

func TestAnEventThatCannotBeDecodedStopsThoseThatItConcerns(t *testing.T) {
	t.Parallel()
	for name, others := range heedless {
		l := everyKind()
		at := slices.IndexFunc(l.recorded, func(e events.Recorded) bool { return e.Type == name })
		whole := l.recorded[at].Data
		l.recorded[at].Data = []byte(`{"row":`)
		p, pool := projector(t, l)
		feed(t, p, l, 0, l.len(), 4)
		for _, s := range must(p.Status(t.Context())) {
			if slices.Contains(others, s.Name) {
				if s.State != projections.StateLive || s.Applied != uint64(l.len()) || s.Position != l.end() {
					t.Errorf("%s and %+v", name, s)
				}
				continue
			}
			if s.State != projections.StateStopped || s.LastError.Event != name || s.LastError.Position != l.recorded[at].Position.String() {
				t.Errorf("%s and %+v, %v", name, s, s.LastError)
			}
		}
		// A rebuild has no more trouble with it than the live ones.
		if err := p.Rebuild(t.Context(), others, nil); err != nil {
			t.Errorf("%s: rebuild of those that it does not concern: %v", name, err)
		}

		l.recorded[at].Data = whole // as a mended program would read it
		for _, model := range projections.Names() {
			if err := p.Retry(t.Context(), model); err != nil {
				t.Errorf("%s, %s: %v", name, model, err)
			}
		}
		sameRows(t, name, everything(t, pool), projected(t, l))
	}
}
