package projections_test

import (
	"errors"
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

		segment := must(projections.SegmentByName(t.Context(), pool, "Fair"))
		if segment.ID != "seg" || segment.Type != "manual" || segment.Members != 3 || segment.ModifiedBy != "user-1" || segment.CreatedAt == 0 {
			t.Errorf("batches of %d: %+v", size, segment)
		}
		if byID := must(projections.SegmentByID(t.Context(), pool, "seg")); byID != segment {
			t.Errorf("batches of %d: by id %+v", size, byID)
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
		if _, err := projections.SegmentByName(t.Context(), pool, "fair"); !errors.Is(err, projections.ErrNotFound) {
			t.Errorf("names are case-sensitive: %v", err)
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
