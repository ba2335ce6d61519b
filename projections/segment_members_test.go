package projections_test

import (
	"slices"
	"testing"
	"time"

	"importledger/events"
	"importledger/projections"

	"github.com/google/uuid"
)

func TestAcceptedContactsComeIntoTheSegmentOnce(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 4, 100} {
		l := &ledger{}
		p, pool := projector(t, l)
		l.record("a", started("a.csv", 4), mapped(&events.Segment{ID: "seg", Name: "Fair", Create: true}),
			accepted(1, 1, `{}`), rejected(2, "email-invalid"), accepted(3, 2, `{}`), accepted(4, 1, `{}`))
		l.record("b", started("b.csv", 1), mapped(nil), accepted(1, 9, `{}`))
		l.record("c", started("c.csv", 2), mapped(&events.Segment{ID: "seg", Name: "Fair"}), accepted(1, 2, `{}`), accepted(2, 3, `{}`))
		l.record("d", started("d.csv", 1), mapped(&events.Segment{ID: "other", Name: "Another", Create: true}), accepted(1, 3, `{}`))
		feed(t, p, l, 0, l.len(), size)

		segment := must(projections.SegmentByID(t.Context(), pool, "seg"))
		if segment.Name != "Fair" || segment.Type != "manual" || segment.Members != 3 || segment.ModifiedBy != "user-1" || segment.CreatedAt == 0 {
			t.Errorf("batches of %d: %+v", size, segment)
		}
		if got := must(projections.SegmentMemberIDs(t.Context(), pool, "seg", 1, 10, projections.OldestFirst)); !slices.Equal(got, []uuid.UUID{contactID(1), contactID(2), contactID(3)}) {
			t.Errorf("batches of %d: members %v", size, got)
		}
		if got := must(projections.SegmentMemberIDs(t.Context(), pool, "seg", 2, 2, projections.NewestFirst)); !slices.Equal(got, []uuid.UUID{contactID(1)}) {
			t.Errorf("batches of %d: second page of the newest %v", size, got)
		}
		of := func(n int) (names []string) {
			for _, s := range must(projections.SegmentsOf(t.Context(), pool, contactID(n))) {
				names = append(names, s.Name)
			}
			return names
		}
		if !slices.Equal(of(3), []string{"Another", "Fair"}) || !slices.Equal(of(1), []string{"Fair"}) || of(9) != nil {
			t.Errorf("batches of %d: %v, %v, %v", size, of(3), of(1), of(9))
		}
		if all := must(projections.ListSegments(t.Context(), pool, "")); len(all) != 2 || all[0].Name != "Another" {
			t.Errorf("batches of %d: %+v", size, all)
		}
		if none := must(projections.ListSegments(t.Context(), pool, "dynamic")); len(none) != 0 {
			t.Errorf("batches of %d: %+v", size, none)
		}
	}
}

func TestASegmentKnowsItsDays(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	p, pool := projector(t, l)
	l.record("a", started("a.csv", 4), mapped(&events.Segment{ID: "seg", Name: "Fair", Create: true}), accepted(1, 1, `{}`), accepted(2, 2, `{}`))
	l.next += 86_400_000 / 10 // the ledger's clock runs with its positions
	l.record("a", accepted(3, 3, `{}`), accepted(4, 1, `{}`))
	feed(t, p, l, 0, l.len(), 3)
	first := time.UnixMilli(must(projections.SegmentByID(t.Context(), pool, "seg")).CreatedAt).UTC().Truncate(24 * time.Hour)
	second := first.AddDate(0, 0, 1)
	if got := must(projections.SegmentHistory(t.Context(), pool, "seg", first, second)); !slices.Equal(got, []projections.SegmentDay{
		{Day: first, Added: 2, Current: 2}, {Day: second, Added: 1, Current: 3}}) {
		t.Errorf("%+v", got)
	}
	if got := must(projections.SegmentHistory(t.Context(), pool, "seg", second, second)); len(got) != 1 || got[0].Current != 3 {
		t.Errorf("the days before count too: %+v", got)
	}
}

var seg = events.SegmentStream("seg")

func addedByHand(contacts ...int) events.SegmentContactsAdded {
	return events.SegmentContactsAdded{Contacts: contactIDs(contacts)}
}

func removedByHand(contacts ...int) events.SegmentContactsRemoved {
	return events.SegmentContactsRemoved{Contacts: contactIDs(contacts)}
}

func contactIDs(contacts []int) (ids []uuid.UUID) {
	for _, n := range contacts {
		ids = append(ids, contactID(n))
	}
	return ids
}

func TestContactsComeAndGoByHandAndByImport(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 3, 100} {
		l := &ledger{}
		p, pool := projector(t, l)
		l.recordIn(seg, events.SegmentCreated{Name: "Fair", Description: "Stand 12"})
		l.record("a", started("a.csv", 3), mapped(&events.Segment{ID: "seg", Name: "Fair"}), accepted(1, 1, `{}`), accepted(2, 2, `{}`))
		l.recordIn(seg, addedByHand(2, 3), removedByHand(1, 4), addedByHand(3))
		l.record("a", accepted(3, 1, `{}`)) // back by its row
		l.recordIn(seg, removedByHand(3), addedByHand(3), events.SegmentRenamed{Name: "Spring"}, removedByHand(2))
		for range 2 { // the second time all of it is known
			feed(t, p, l, 0, l.len(), size)
		}
		segment := must(projections.SegmentByID(t.Context(), pool, "seg"))
		if segment.Name != "Spring" || segment.Description != "" || segment.ModifiedBy != "user-1" || segment.ModifiedAt <= segment.CreatedAt || segment.Members != 2 {
			t.Errorf("batches of %d: %+v", size, segment)
		}
		if got := must(projections.SegmentMemberIDs(t.Context(), pool, "seg", 1, 10, projections.OldestFirst)); !slices.Equal(got, contactIDs([]int{1, 3})) {
			t.Errorf("batches of %d: members %v, by the time they came back", size, got)
		}
		if by := collect[string](t, pool, "SELECT import_id FROM segment_members.members ORDER BY added_at"); !slices.Equal(by, []string{"a", ""}) {
			t.Errorf("batches of %d: by %q", size, by)
		}
		day := time.UnixMilli(segment.CreatedAt).UTC().Truncate(24 * time.Hour)
		if got := must(projections.SegmentHistory(t.Context(), pool, "seg", day, day)); !slices.Equal(got, []projections.SegmentDay{{Day: day, Added: 5, Removed: 3, Current: 2}}) {
			t.Errorf("batches of %d: %+v", size, got)
		}
		want := everything(t, pool)
		if err := p.Rebuild(t.Context(), nil, nil); err != nil {
			t.Fatal(err)
		}
		sameRows(t, "rebuilt", everything(t, pool), want)
	}
}

func TestASegmentRemovedUnderARunningImportStaysRemoved(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 4, 100} {
		l := &ledger{}
		p, pool := projector(t, l)
		into := mapped(&events.Segment{ID: "seg", Name: "Fair"})
		l.recordIn(seg, events.SegmentCreated{Name: "Fair"}, addedByHand(9))
		l.record("a", started("a.csv", 2), into, accepted(1, 1, `{}`))
		l.record("b", started("b.csv", 1)) // about to be mapped to it
		l.recordIn(seg, events.SegmentRemoved{})
		l.record("a", accepted(2, 2, `{}`), events.ImportCompleted{Accepted: 2})
		l.record("b", into, accepted(1, 3, `{}`), events.ImportCompleted{Accepted: 1})
		feed(t, p, l, 0, l.len(), size)
		if all := must(projections.ListSegments(t.Context(), pool, "")); len(all) != 0 {
			t.Errorf("batches of %d: %+v", size, all)
		}
		if n := must(projections.CountContacts(t.Context(), pool)); n != 3 {
			t.Errorf("batches of %d: %d contacts; the rows count all the same", size, n)
		}
		if left := collect[int](t, pool, "SELECT (SELECT count(*) FROM segment_members.members) + (SELECT count(*) FROM segment_members.history)"); left[0] != 0 {
			t.Errorf("batches of %d: %d rows left", size, left[0])
		}
		want := everything(t, pool)
		p.LimitFill(2, 1)
		if err := p.Rebuild(t.Context(), nil, nil); err != nil {
			t.Fatal(err)
		}
		sameRows(t, "rebuilt", everything(t, pool), want)
	}
}
