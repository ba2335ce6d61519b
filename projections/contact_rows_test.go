package projections_test

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"importledger/adapters/postgres/pgtest"
	"importledger/events"
	"importledger/projections"
)

func TestRowsOfAContactAreListedLatestFirst(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 3)
	all := must(projections.RowsOfContact(t.Context(), pool, contactID(1), 0, 10))
	want := []projections.ContactRow{{Number: 3, ImportID: "a", Row: 4}, {Number: 2, ImportID: "b", Row: 1}, {Number: 0, ImportID: "a", Row: 1}}
	if !reflect.DeepEqual(all, want) {
		t.Errorf("%+v", all)
	}
	if got := must(projections.RowsOfContact(t.Context(), pool, contactID(1), 3, 1)); !reflect.DeepEqual(got, want[1:2]) {
		t.Errorf("from before the last: %+v", got)
	}
	if got := must(projections.RowsOfContact(t.Context(), pool, contactID(1), 1<<53, 10)); !reflect.DeepEqual(got, want) {
		t.Errorf("from before a number that no ledger has come to: %+v", got)
	}
	if got := must(projections.RowsOfContact(t.Context(), pool, contactID(9), 0, 10)); len(got) != 0 {
		t.Errorf("of nobody: %+v", got)
	}
	imports, total, err := projections.ImportsOfContact(t.Context(), pool, contactID(1), 1, 10)
	if err != nil || total != 2 || !reflect.DeepEqual(imports, []projections.ContactImport{{ImportID: "a", Rows: 2, First: []int{1, 4}}, {ImportID: "b", Rows: 1, First: []int{1}}}) {
		t.Errorf("%+v of %d, %v", imports, total, err)
	}
	if page, total, err := projections.ImportsOfContact(t.Context(), pool, contactID(1), 2, 1); err != nil || total != 2 || len(page) != 1 || page[0].ImportID != "b" {
		t.Errorf("%+v of %d, %v", page, total, err)
	}
}

// trailing is a projector whose contact_rows trails, once trail is called.
func trailing(t *testing.T, l *ledger, changes ...func(*projections.Config)) (p *projections.Projector, pool *pgxpool.Pool, trail func() (stop func())) {
	t.Helper()
	config := quiet(t)
	config.Trails = true
	for _, change := range changes {
		change(&config)
	}
	pool = pgtest.New(t)
	p = projections.New(pool, l, config)
	if _, err := p.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p, pool, func() func() {
		ctx, cancel := context.WithCancel(t.Context())
		var working sync.WaitGroup
		working.Go(func() { p.Trail(ctx) })
		return sync.OnceFunc(func() {
			cancel()
			working.Wait()
		})
	}
}

func statusOf(t *testing.T, p *projections.Projector, name string) projections.Status {
	t.Helper()
	for _, s := range must(p.Status(t.Context())) {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no read model %s", name)
	return projections.Status{}
}

func TestNobodyWaitsForAReadModelThatTrails(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool, trail := trailing(t, l)
	feed(t, p, l, 0, l.len(), 3)
	if err := p.WaitFor(t.Context(), l.end()); err != nil {
		t.Fatal(err)
	}
	if s := statusOf(t, p, projections.ContactRows); s.Applied != 0 || s.State != projections.StateLive {
		t.Errorf("nothing trails yet: %+v", s)
	}
	if from := must(p.From(t.Context())); from != l.end() {
		t.Errorf("the feed begins again at %s, for what trails", from)
	}
	defer trail()()
	if err := p.WaitFor(t.Context(), l.end(), projections.ContactRows); err != nil {
		t.Fatal(err)
	}
	sameRows(t, "trailed", everything(t, pool), projected(t, l))
	if v, err := p.Verify(t.Context(), nil); err != nil || differences(v) != 0 {
		t.Error(v, err)
	}
}

// Whatever comes in which batches, and however often it is stopped in between, nothing
// is missed and nothing taken in twice; also where more comes than is kept for it.
func TestAReadModelThatTrailsMissesNothing(t *testing.T) {
	t.Parallel()
	for _, kept := range []int{1 << 20, 40, 1} {
		l := &ledger{}
		p, pool, trail := trailing(t, l)
		p.LimitTrail(kept)
		l.record("a", started("a.csv", 600), mapped(nil))
		fed := 0
		for row := 1; row <= 600; row++ {
			l.record("a", accepted(row, row%50, `{"city":"Gent"}`))
			if row%20 == 0 {
				feed(t, p, l, fed, l.len(), 7)
				fed = l.len()
			}
			if row%150 == 0 {
				stop := trail()
				if row%300 == 0 {
					feed(t, p, l, max(0, fed-30), fed, 9) // comes again
					if err := p.WaitFor(t.Context(), l.end(), projections.ContactRows); err != nil {
						t.Fatal(err)
					}
				}
				stop()
			}
		}
		defer trail()()
		if err := p.WaitFor(t.Context(), l.end(), projections.ContactRows); err != nil {
			t.Fatal(err)
		}
		sameRows(t, "trailed", everything(t, pool), projected(t, l))
	}
}

// A clock that nobody turns: rests never come, and the longest wait is never over.
func TestWhoWaitsForAReadModelThatTrailsMakesItHurry(t *testing.T) {
	t.Parallel()
	l := history()
	p, _, trail := trailing(t, l, func(c *projections.Config) {
		c.After = func(time.Duration) <-chan time.Time { return nil }
	})
	feed(t, p, l, 0, l.len(), 3)
	defer trail()()
	if err := p.WaitFor(t.Context(), l.end(), projections.ContactRows); err != nil {
		t.Fatal(err)
	}
}

func TestAReadModelThatTrailsStopsLikeAnyOther(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool, trail := trailing(t, l)
	exec(t, pool, "ALTER TABLE contact_rows.rows ADD CHECK (row < 4)")
	feed(t, p, l, 0, l.len(), 3)
	defer trail()()
	err := p.WaitFor(t.Context(), l.end(), projections.ContactRows)
	stopped, ok := err.(*projections.Stopped) //nolint:errorlint // as it is
	if !ok || stopped.Event != "RowAccepted" || stopped.Stream != "import-a" {
		t.Fatalf("%v", err)
	}
	for _, s := range must(p.Status(t.Context())) {
		if wants := s.Name == projections.ContactRows; (s.State == projections.StateStopped) != wants {
			t.Errorf("%+v", s)
		}
	}
	exec(t, pool, "ALTER TABLE contact_rows.rows DROP CONSTRAINT rows_row_check")
	if err := p.Retry(t.Context(), projections.ContactRows); err != nil {
		t.Fatal(err)
	}
	l.record("c", started("c.csv", 1), mapped(nil), accepted(1, 1, `{}`), events.ImportCompleted{Accepted: 1})
	feed(t, p, l, l.len()-4, l.len(), 4)
	if err := p.WaitFor(t.Context(), l.end(), projections.ContactRows); err != nil {
		t.Fatal(err)
	}
	sameRows(t, "mended", everything(t, pool), projected(t, l))
}
