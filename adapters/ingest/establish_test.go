package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/oklog/ulid/v2"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// segment does something to a segment, as its routes do.
func (w *world) segment(t *testing.T, id string, c commands.Command) aggregate.Segment {
	t.Helper()
	s, err := aggregate.ExecuteSegment(t.Context(), w.deps.Log, id, events.Meta{At: 1, Actor: "user-1"}, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) attribute(t *testing.T, name string) aggregate.Attribute {
	t.Helper()
	a, err := aggregate.LoadAttribute(t.Context(), w.deps.Log, name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (w *world) named(t *testing.T, name string) (aggregate.Segment, bool) {
	t.Helper()
	s, ok, err := aggregate.SegmentNamed(t.Context(), w.deps.Log, name)
	if err != nil {
		t.Fatal(err)
	}
	return s, ok
}

// into is the mapping of fileOf with a segment of a name, and its column Age as an
// attribute of a type.
func into(segment string, attribute string, typ events.AttributeType) commands.MapColumns {
	return commands.MapColumns{Segment: &events.Segment{Name: segment}, Mapping: []commands.Column{
		{Header: "E-mail", Attribute: events.Email}, {Header: "Age", Attribute: attribute, Create: &commands.NewAttribute{Type: typ}},
	}}
}

func refusedWith(err error, code string) bool {
	refusal, ok := errors.AsType[*commands.Refusal](err)
	if !ok {
		return false
	}
	for _, d := range refusal.Details {
		if d.Code == code {
			return true
		}
	}
	return refusal.Code == code
}

func TestWhatAMappingCreatesIsThereBeforeItsRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := into("Fair", "age", events.Number)
	imp, err := create(t, w.service(), fileOf(3), &m)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := w.named(t, "Fair")
	if a := w.attribute(t, "age"); a.Type != events.Number || a.ImportID != imp.ID || !imp.Mapped.Columns[1].Create {
		t.Errorf("attribute %+v of %+v", a, imp.Mapped.Columns[1])
	}
	if !ok || *imp.Mapped.Segment != (events.Segment{ID: s.ID, Name: "Fair", Create: true}) || s.ImportID != imp.ID || s.ModifiedBy != "client-1" {
		t.Errorf("segment %+v of %+v", s, imp.Mapped.Segment)
	}
	// Asked again, even once the segment has another name, it is the same mapping.
	w.segment(t, s.ID, commands.ChangeSegment{Name: &[]string{"Spring"}[0]})
	for _, segment := range []events.Segment{{Name: "Fair"}, {ID: s.ID}} {
		m.Segment = &segment
		again, err := w.service().Map(t.Context(), imp.ID, m, events.Meta{})
		if err != nil || again.Events != imp.Events {
			t.Errorf("again with %+v: %+v, %v", segment, again, err)
		}
	}
	if _, ok := w.named(t, "Fair"); ok {
		t.Error("asking again has created a segment")
	}
}

func TestAMappingThatIsRefusedCreatesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	imp, err := create(t, w.service(), fileOf(3), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := into("Fair", "age", events.Number)
	m.Mapping = append(m.Mapping, commands.Column{Header: "Notes", Attribute: "notes"}) // nobody has created it
	if _, err := w.service().Map(t.Context(), imp.ID, m, events.Meta{}); !refusedWith(err, "attribute-unknown") {
		t.Error(err)
	}
	if _, err := create(t, w.service(), fileOf(3), &m); !refusedWith(err, "attribute-unknown") {
		t.Error(err)
	}
	if _, err := w.service().Review(t.Context(), imp.ID, into("Fair", "age", events.Number)); err != nil {
		t.Error(err)
	}
	if _, ok := w.named(t, "Fair"); ok || w.attribute(t, "age").Exists() {
		t.Error("something was created")
	}
}

func TestAnAttributeThatTheReadModelDoesNotKnowYetIsFoundInTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := aggregate.ExecuteAttribute(t.Context(), w.deps.Log, events.Meta{At: 1}, commands.CreateAttribute{Name: "age", Type: events.Number}); err != nil {
		t.Fatal(err)
	}
	m := into("Fair", "age", events.String)
	if _, err := create(t, w.service(), fileOf(3), &m); !refusedWith(err, "attribute-type") {
		t.Error(err)
	}
	m.Mapping[1].Create = nil
	imp, err := create(t, w.service(), fileOf(3), &m)
	if err != nil || imp.Mapped.Columns[1].Type != events.Number || imp.Mapped.Columns[1].Create {
		t.Errorf("%+v, %v", imp.Mapped, err)
	}
}

func TestASegmentThatWasRemovedIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := ulid.Make().String()
	w.segment(t, id, commands.CreateSegment{Name: "Fair"})
	w.segment(t, id, commands.RemoveSegment{})
	for _, gone := range []string{id, ulid.Make().String(), strings.ToLower(id), "x", strings.Repeat("x", 5000)} {
		m := mapping
		m.Segment = &events.Segment{ID: gone}
		if _, err := create(t, w.service(), fileOf(3), &m); !refusedWith(err, "segment-not-found") {
			t.Errorf("%.40s: %v", gone, err)
		}
	}
	m := into("Fair", "age", events.Number) // the name is free
	imp, err := create(t, w.service(), fileOf(3), &m)
	if err != nil || imp.Mapped.Segment.ID == id || !imp.Mapped.Segment.Create {
		t.Errorf("%+v, %v", imp.Mapped, err)
	}
}

// Two processes map imports at the same moment: one type for an attribute, one
// segment for a name.
func TestImportsThatRaceAgreeOnWhatTheyCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for round := range 10 {
		attribute, segment := fmt.Sprint("age", round), fmt.Sprint("Fair", round)
		types := []events.AttributeType{events.String, events.Number, events.Boolean, events.Number}
		imports, errs := make([]aggregate.Import, len(types)), make([]error, len(types))
		var racing sync.WaitGroup
		for i, typ := range types {
			service := w.service()
			prepared, err := create(t, service, fileOf(2), nil)
			if err != nil {
				t.Fatal(err)
			}
			racing.Go(func() {
				imports[i], errs[i] = service.Map(context.WithoutCancel(t.Context()), prepared.ID, into(segment, attribute, typ), events.Meta{Actor: prepared.ID})
			})
		}
		racing.Wait()
		winner, created := w.attribute(t, attribute), 0
		s, _ := w.named(t, segment)
		for i, typ := range types {
			if typ != winner.Type {
				if !refusedWith(errs[i], "attribute-type") || w.load(t, imports[i].ID).State == events.Importing {
					t.Errorf("round %d: %s beside %s: %v", round, typ, winner.Type, errs[i])
				}
				continue
			}
			if errs[i] != nil {
				t.Errorf("round %d: %s like the first: %v", round, typ, errs[i])
				continue
			}
			if m := imports[i].Mapped; m.Columns[1].Type != typ || m.Columns[1].Create != (winner.ImportID == imports[i].ID) || m.Segment.ID != s.ID {
				t.Errorf("round %d: %+v, segment %+v; the attribute is of import %s, the segment %s", round, m, m.Segment, winner.ImportID, s.ID)
			}
			if imports[i].Mapped.Segment.Create {
				created++
			}
		}
		if created > 1 || !s.Exists() {
			t.Errorf("round %d: %d imports have created segment %+v", round, created, s)
		}
	}
}

// Wherever the process dies while it maps, the next attempt ends in one segment and
// one attribute.
func TestAMappingMayDieAtAnyAppend(t *testing.T) {
	t.Parallel()
	died := errors.New("died")
	for _, after := range []bool{false, true} {
		for fails := 1; ; fails++ {
			w := newWorld(t)
			prepared, err := create(t, w.service(), fileOf(2), nil)
			if err != nil {
				t.Fatal(err)
			}
			log := w.deps.Log
			hooked := &hookedLog{Streams: log, all: true}
			hooked.append = func(n int, do func() (events.Position, error)) (events.Position, error) {
				if n == fails && after {
					_, err := do()
					return events.Position{}, errors.Join(died, err)
				}
				if n == fails {
					return events.Position{}, died
				}
				return do()
			}
			w.deps.Log = hooked
			_, err = w.service().Map(t.Context(), prepared.ID, into("Fair", "age", events.Number), events.Meta{})
			w.deps.Log = log
			if err == nil {
				if fails < 5 { // attribute, claim, segment, mapping
					t.Errorf("a mapping takes %d appends", fails-1)
				}
				break
			}
			imp, err := w.service().Map(t.Context(), prepared.ID, into("Fair", "age", events.Number), events.Meta{})
			s, ok := w.named(t, "Fair")
			if err != nil || !ok || imp.Mapped.Segment.ID != s.ID || s.ImportID != imp.ID || w.attribute(t, "age").ImportID != imp.ID {
				t.Errorf("append %d, after it: %v: %+v, segment %+v, %v", fails, after, imp.Mapped, s, err)
			}
		}
	}
}

func TestADroppedFileWhoseSegmentIsGoneIsAnImportThatFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	wish := template
	wish.Segment = &events.Segment{Name: "Fair"}
	kept, err := s.CheckTemplate(t.Context(), wish)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := w.named(t, "Fair"); ok {
		t.Error("a template has created a segment")
	}
	drop := func() aggregate.Import {
		d := w.dropped(fileOf(2))
		d.Template = kept
		return mustDrop(t, s, d)
	}
	for range 2 {
		if imp := drop(); imp.State != events.Importing || imp.Mapped.Segment.ID != kept.Segment.ID {
			t.Errorf("%+v", imp)
		}
	}
	w.segment(t, kept.Segment.ID, commands.RemoveSegment{})
	if imp := drop(); imp.State != events.Failed || imp.Failure.Code != "segment-not-found" {
		t.Errorf("%+v", imp)
	}
}

func TestTheKeyIdentifierAndImportsHoldEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deps.Account = func(ctx context.Context) (string, error) {
		a, err := aggregate.LoadAccount(ctx, w.deps.Log)
		return a.KeyIdentifier, err
	}
	meta := events.Meta{At: 1}
	if _, err := aggregate.SetUpAccount(t.Context(), w.deps.Log, meta, events.Email); err != nil {
		t.Fatal(err)
	}
	set := func(to string) error {
		_, err := aggregate.SetKeyIdentifier(t.Context(), w.deps.Log, meta, to)
		return err
	}
	prepared, err := create(t, w.service(), fileOf(5), nil)
	if err != nil {
		t.Fatal(err)
	}
	mapped := mustCreate(t, w.service(), fileOf(5))
	if err := set(events.Phone); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service().Map(t.Context(), prepared.ID, mapping, meta); !errors.Is(err, aggregate.ErrKeyIdentifierChanged) {
		t.Errorf("mapped after the change: %v", err)
	}
	if err := w.run(mapped.ID).toTheEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	if imp := w.load(t, mapped.ID); imp.State != events.Failed || imp.Failure.Code != aggregate.ErrKeyIdentifierChanged.Code || imp.Accepted > 0 {
		t.Errorf("worked off after the change: %+v", imp)
	}
	if err := set(events.Email); err != nil { // there are still no contacts
		t.Fatal(err)
	}
	good := mustCreate(t, w.service(), fileOf(5))
	if err := w.run(good.ID).toTheEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantImported(t, good.ID, 5)
	if err := set(events.Phone); !errors.Is(err, aggregate.ErrContactsExist) {
		t.Error(err)
	}
}
