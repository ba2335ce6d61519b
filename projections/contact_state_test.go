package projections_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"importledger/events"
	"importledger/projections"

	"github.com/google/uuid"
)

func TestLaterRowsWinPerAttributeAndNullClears(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 3, 100} {
		l := &ledger{}
		p, pool := projector(t, l)
		l.record("a", started("a.csv", 4), mapped(nil),
			accepted(1, 1, `{"email":"x@example.com","city":"Gent","note":"null and void","age":null}`),
			accepted(2, 1, `{"city":"Liège","plan":"a"}`),
			accepted(3, 1, `{"plan":null,"score":1.50}`),
			accepted(4, 2, `{"email":"null","city":null}`))
		l.record("b", started("b.csv", 1), mapped(nil),
			accepted(1, 1, `{"score":2,"email":null}`))
		feed(t, p, l, 0, l.len(), size)

		got := must(projections.ContactByID(t.Context(), pool, contactID(1)))
		if attributes := object(t, got.Attributes); len(attributes) != 3 || attributes["city"] != "Liège" || attributes["score"] != 2.0 || attributes["note"] != "null and void" {
			t.Errorf("batches of %d: %s", size, got.Attributes)
		}
		if got.FirstImport != "a" || got.LastImport != "b" || got.CreatedAt >= got.ModifiedAt {
			t.Errorf("batches of %d: %+v", size, got)
		}
		other := must(projections.ContactByID(t.Context(), pool, contactID(2)))
		if attributes := object(t, other.Attributes); len(attributes) != 1 || attributes["email"] != "null" || other.CreatedAt != other.ModifiedAt {
			t.Errorf("batches of %d: %+v", size, other)
		}
		if n := must(projections.CountContacts(t.Context(), pool)); n != 2 {
			t.Errorf("batches of %d: %d contacts, want 2", size, n)
		}
		if _, err := projections.ContactByID(t.Context(), pool, contactID(3)); !errors.Is(err, projections.ErrNotFound) {
			t.Errorf("a contact that is not there: %v", err)
		}
	}
}

func TestContactsArePagedByTheirCreation(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	p, pool := projector(t, l)
	l.record("a", started("a.csv", 5), mapped(nil))
	for n := range 5 {
		l.record("a", accepted(n+1, n, `{}`))
	}
	l.record("a", accepted(6, 0, `{"again":true}`))
	feed(t, p, l, 0, l.len(), 2)
	ids := func(page int, order projections.Order) (ids []uuid.UUID) {
		for _, c := range must(projections.ListContacts(t.Context(), pool, page, 2, order)) {
			ids = append(ids, c.NxID)
		}
		return ids
	}
	if got := ids(1, projections.OldestFirst); !slices.Equal(got, []uuid.UUID{contactID(0), contactID(1)}) {
		t.Errorf("oldest: %v", got)
	}
	if got := ids(2, projections.NewestFirst); !slices.Equal(got, []uuid.UUID{contactID(2), contactID(1)}) {
		t.Errorf("second page of newest: %v", got)
	}
	some := must(projections.ContactsByID(t.Context(), pool, []uuid.UUID{contactID(4), contactID(99)}))
	if len(some) != 1 || some[0].NxID != contactID(4) {
		t.Errorf("by id: %v", some)
	}
}

func TestTheSameEventIsOneEvent(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 100} {
		l := &ledger{}
		p, pool := projector(t, l)
		visit := func(row, n int, at int64) events.Event {
			r := accepted(row, 1, `{"email":"x@example.com"}`)
			r.Event = &events.ContactEvent{ID: contactID(1000 + n), Name: "visit", At: at, Properties: json.RawMessage(`{"page":"home"}`)}
			return r
		}
		l.record("a", started("a.csv", 3), mapped(nil), visit(1, 1, 100), visit(2, 2, 300), visit(3, 1, 100))
		l.record("b", started("b.csv", 2), mapped(nil), visit(1, 3, 200), visit(2, 2, 300))
		feed(t, p, l, 0, l.len(), size)
		found, total, err := projections.ContactEvents(t.Context(), pool, contactID(1), 1, 10)
		second, _, err2 := projections.ContactEvents(t.Context(), pool, contactID(1), 2, 2)
		if err != nil || err2 != nil || total != 3 || len(second) != 1 || second[0].At != 100 {
			t.Errorf("%d events, on the second page %+v; %v, %v", total, second, err, err2)
		}
		var times []int64
		for _, e := range found {
			times = append(times, e.At)
			if want := map[int64]string{100: "a", 300: "a", 200: "b"}[e.At]; e.ImportID != want || e.Name != "visit" || object(t, e.Properties)["page"] != "home" {
				t.Errorf("batches of %d: %+v", size, e)
			}
		}
		if !slices.Equal(times, []int64{300, 200, 100}) {
			t.Errorf("batches of %d: %v, want each once, newest first", size, times)
		}
	}
}

func TestTheFirstCreationOfAnAttributeCounts(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	p, pool := projector(t, l)
	second := mapped(nil)
	second.Columns[1].Type = events.Number
	l.record("a", started("a.csv", 1), mapped(nil))
	l.record("b", started("b.csv", 1), second)
	feed(t, p, l, 0, l.len(), 100)
	got := must(projections.CustomAttributes(t.Context(), pool))
	if len(got) != 1 || got[0].Name != "city" || got[0].Type != events.String || got[0].ImportID != "a" || got[0].CreatedAt == 0 {
		t.Errorf("%+v", got)
	}
}

func object(t testing.TB, raw json.RawMessage) (m map[string]any) {
	t.Helper()
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAttributesComeFromPeopleAndFromImports(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 100} {
		l := &ledger{}
		p, pool := projector(t, l)
		l.recordIn(events.AttributeStream("age"), events.AttributeCreated{Name: "age", Type: events.Number})
		l.recordIn(events.AttributeStream("city"), events.AttributeCreated{Name: "city", Type: events.String, ImportID: "a"})
		l.record("a", started("a.csv", 1), mapped(nil), accepted(1, 1, `{"city":"Gent"}`)) // creates city, again
		feed(t, p, l, 0, l.len(), size)
		feed(t, p, l, 0, l.len(), size)
		all := must(projections.CustomAttributes(t.Context(), pool))
		if len(all) != 2 || all[0].Name != "age" || all[0].Type != events.Number || all[0].ImportID != "" || all[1].Name != "city" || all[1].ImportID != "a" {
			t.Errorf("%+v", all)
		}
		want := everything(t, pool)
		if err := p.Rebuild(t.Context(), nil, nil); err != nil {
			t.Fatal(err)
		}
		sameRows(t, "rebuilt", everything(t, pool), want)
	}
}
