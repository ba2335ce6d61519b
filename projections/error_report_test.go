package projections_test

import (
	"reflect"
	"testing"

	"importledger/events"
	"importledger/projections"
)

func TestErrorsAreReportedInTheOrderOfTheFile(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	p, pool := projector(t, l)
	const rows = 2100 // more than RejectedRows asks for at a time
	l.record("a", started("a.csv", rows), mapped(nil))
	for row := 1; row <= rows; row++ {
		codes := []string{"email-invalid"}
		if row%10 == 0 {
			codes = append(codes, "row-width")
		}
		l.record("a", rejected(row, codes...))
	}
	l.record("b", started("b.csv", 1), mapped(nil), rejected(1, "phone-invalid"))
	feed(t, p, l, 0, l.len(), 1000)

	page, total, err := projections.ListErrors(t.Context(), pool, "a", 3, 4)
	if err != nil || total != rows+rows/10 || len(page) != 4 {
		t.Fatalf("%d of %d, %v", len(page), total, err)
	}
	if page[1] != (projections.ReportedError{Row: 10, Line: 11, Column: "E-mail", Code: "email-invalid", Message: "This is email-invalid.", Value: "x"}) || page[2].Code != "row-width" {
		t.Errorf("%+v", page)
	}
	groups := must(projections.GroupErrors(t.Context(), pool, "a"))
	if len(groups) != 2 || groups[0].Code != "email-invalid" || groups[0].Count != rows || groups[1].Count != rows/10 || groups[1].Message != "This is row-width." ||
		len(groups[0].Rows) != 20 || len(groups[0].Values) != 20 || groups[0].Values[19] != "x" || groups[1].Rows[0] != 10 || groups[1].Rows[19] != 200 {
		t.Errorf("%+v", groups)
	}
	if n := must(projections.CountRejected(t.Context(), pool, "a", []int{1, 10, 10, 2000, rows})); !reflect.DeepEqual(n, []int{1, 9, 0, 1990, 100}) {
		t.Errorf("rejected by place: %v", n)
	}
	if n := must(projections.CountRejected(t.Context(), pool, "a", nil)); len(n) != 0 {
		t.Errorf("rejected nowhere: %v", n)
	}
	for _, c := range []struct {
		from  int
		order projections.Order
		want  []int
	}{{1, projections.OldestFirst, []int{1, 2}}, {rows, projections.OldestFirst, []int{rows}}, {12, projections.NewestFirst, []int{12, 11}}, {0, projections.NewestFirst, nil}} {
		var got []int
		for _, r := range must(projections.RejectedRowsFrom(t.Context(), pool, "a", c.from, 2, c.order)) {
			got = append(got, r.Row)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("from row %d: %v, want %v", c.from, got, c.want)
		}
	}
	next := 1
	for r, err := range projections.RejectedRows(t.Context(), pool, "a") {
		if err != nil {
			t.Fatal(err)
		}
		want := rejected(next, "email-invalid")
		if next%10 == 0 {
			want = rejected(next, "email-invalid", "row-width")
		}
		if !reflect.DeepEqual(events.RowRejected(r), want) {
			t.Fatalf("%+v, want %+v", r, want)
		}
		next++
	}
	if next != rows+1 {
		t.Errorf("%d rows, want %d", next-1, rows)
	}
}
