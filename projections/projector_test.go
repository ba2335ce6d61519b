package projections_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"importledger/adapters/postgres/pgtest"
	"importledger/events"
	"importledger/projections"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgxpool"
)

// history is a log with something for every read model.
func history() *ledger {
	l := &ledger{}
	segment := &events.Segment{ID: "seg", Name: "Fair", Create: true}
	l.record("a", started("a.csv", 4), mapped(segment), accepted(1, 1, `{"city":"Gent"}`))
	l.record("b", started("b.csv", 2), mapped(nil))
	l.record("a", rejected(2, "email-invalid"), accepted(3, 2, `{"city":"Liège"}`))
	l.record("b", accepted(1, 1, `{"city":null,"age":3}`))
	l.record("a", accepted(4, 1, `{"city":"Namur"}`), events.ImportCompleted{Accepted: 3, Rejected: 1})
	l.record("b", rejected(2, "row-width", "email-invalid"), events.ImportCompleted{Accepted: 1, Rejected: 1})
	return l
}

// projected gives the rows that a log makes, by another projector.
func projected(t testing.TB, l *ledger) []string {
	t.Helper()
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 1)
	return everything(t, pool)
}

func TestMessagesThatComeAgainOrOverlapChangeNothing(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool := projector(t, l)
	for end := 1; end <= l.len(); end++ {
		for _, from := range []int{end - 1, end - 1, max(0, end-4), 0} {
			m := message.NewMessage("", l.batch(from, end).Marshal())
			m.SetContext(t.Context())
			if err := p.Handle(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	sameRows(t, "each batch three times", everything(t, pool), projected(t, l))
	for _, s := range must(p.Status(t.Context())) {
		if s.State != projections.StateLive || s.Position != l.end() || s.Applied != uint64(l.len()) || s.LastError != nil {
			t.Errorf("%+v", s)
		}
	}
	m := message.NewMessage("", []byte("cut"))
	if err := p.Handle(m); !errors.Is(err, events.ErrBatchTruncated) {
		t.Errorf("half a message: %v", err)
	}
}

func TestABatchWithoutEventsMovesTheCheckpoint(t *testing.T) {
	t.Parallel()
	l := history()
	p, _ := projector(t, l)
	feed(t, p, l, 0, l.len(), 100)
	later := events.Position{Commit: l.end().Commit + 5, Prepare: l.end().Commit + 5}
	if err := p.Apply(t.Context(), events.Batch{Until: later}); err != nil {
		t.Fatal(err)
	}
	if from := must(p.From(t.Context())); from != later {
		t.Errorf("goes on from %v, want %v", from, later)
	}
	for _, s := range must(p.Status(t.Context())) {
		if s.Position != later || s.Applied != uint64(l.len()) {
			t.Errorf("%+v", s)
		}
	}
}

func TestTwoProjectorsOfOneLogWriteItOnce(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	for i := range 5 {
		importA(l, fmt.Sprintf("import%d", i), 100, i*50, &events.Segment{ID: "seg", Name: "Fair", Create: true})
	}
	p, pool := projector(t, l)
	other := projections.New(pool, l, quiet(t))
	var working sync.WaitGroup
	for i, p := range []*projections.Projector{p, other} {
		working.Go(func() {
			for from := 0; from < l.len(); from += 7 + i*4 {
				if err := p.Apply(t.Context(), l.batch(from, min(from+7+i*4, l.len()))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
	sameRows(t, "two projectors", everything(t, pool), projected(t, l))
}

func TestAnEventThatCannotBeAppliedStopsOneReadModelOnly(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 3, 100} {
		l := history()
		before := projected(t, l)
		bad := l.record("c", started("c.csv", 2), mapped(nil), accepted(1, 7, `{"city":"\u0000"}`)) // jsonb has no such character
		l.record("c", accepted(2, 8, `{}`), rejected(3, "row-width"))
		p, pool := projector(t, l)
		feed(t, p, l, 0, l.len(), size)

		for _, s := range must(p.Status(t.Context())) {
			if s.Name != projections.ContactState {
				if s.State != projections.StateLive || s.Position != l.end() {
					t.Errorf("batches of %d: %+v", size, s)
				}
				continue
			}
			if s.State != projections.StateStopped || !s.Position.Before(bad) || s.Applied != uint64(l.len()-3) {
				t.Errorf("batches of %d: %+v", size, s)
			}
			e := s.LastError
			if e == nil || e.Event != "RowAccepted" || e.Stream != "import-c" || e.Revision != 2 || e.Position != bad.String() || !strings.Contains(e.Cause, "22P05") {
				t.Errorf("batches of %d: %+v", size, e)
			}
		}
		contacts := slices.DeleteFunc(slices.Clone(before), func(row string) bool { return !strings.HasPrefix(row, "contacts ") })
		got := slices.DeleteFunc(rowsOf(t, pool, projections.ContactState), func(row string) bool { return !strings.HasPrefix(row, "contacts ") })
		sameRows(t, "all before the event is there", got, contacts)

		err := p.WaitFor(t.Context(), l.end())
		var stopped *projections.Stopped
		if !errors.As(err, &stopped) || stopped.Model != projections.ContactState {
			t.Errorf("who waits for it is told: %v", err)
		}
		if err := p.Retry(t.Context(), projections.ContactState); !errors.As(err, &stopped) {
			t.Errorf("it stops again: %v", err)
		}
		if err := p.Rebuild(t.Context(), nil, nil); !errors.As(err, &stopped) && !strings.Contains(err.Error(), "22P05") {
			t.Errorf("nor can it be rebuilt: %v", err)
		}
	}
}

func TestAnUnknownEventStopsAllLoudlyAndTheyGoOnWhenItIsKnown(t *testing.T) {
	t.Parallel()
	l := history()
	unknown := l.recordRaw("a", "RowMoved", `{}`)
	at := l.len() - 1
	l.record("c", started("c.csv", 1), mapped(nil), accepted(1, 5, `{}`))
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 100)
	for _, s := range must(p.Status(t.Context())) {
		if s.State != projections.StateStopped || !s.Position.Before(unknown) || s.LastError.Event != "RowMoved" || s.LastError.Position != unknown.String() {
			t.Errorf("%+v", s)
		}
	}
	if v, err := p.Verify(t.Context(), nil); err != nil || differences(v) != 0 {
		t.Errorf("what was applied before is right: %+v, %v", v, err)
	}

	// The program learns the name; here, the log changes.
	l.mu.Lock()
	l.recorded[at].Type, l.recorded[at].Data = "ImportFailed", []byte(`{"code":"x","message":"y"}`)
	l.mu.Unlock()
	if err := p.Retry(t.Context(), projections.ErrorReport); err != nil {
		t.Error(err)
	}
	if err := p.Rebuild(t.Context(), []string{projections.ContactState}, nil); err != nil {
		t.Error(err)
	}
	// The others are tried again when a process starts.
	again := projections.New(pool, l, quiet(t))
	from := must(again.From(t.Context()))
	feed(t, again, l, l.after(from), l.len(), 100)
	l.record("c", events.ImportCompleted{Accepted: 1})
	feed(t, p, l, l.len()-1, l.len(), 100)
	sameRows(t, "all go on", everything(t, pool), projected(t, l))
}

// Postgres that crashes may lose the last commits, since nobody waits for the disk.
func TestWhatPostgresLostIsReadFromTheLogAgain(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool := projector(t, l)
	feed(t, p, l, 0, 4, 1)
	exec(t, pool, `CREATE TABLE lost AS TABLE error_report.checkpoint`)
	feed(t, p, l, 4, l.len()-1, 1)
	exec(t, pool, `UPDATE error_report.checkpoint c SET log_commit = l.log_commit, log_prepare = l.log_prepare, applied = l.applied FROM lost l`)
	exec(t, pool, `DELETE FROM error_report.errors`)
	feed(t, p, l, l.len()-1, l.len(), 1)
	sameRows(t, "nothing is skipped", everything(t, pool), projected(t, l))
	for _, s := range must(p.Status(t.Context())) {
		if s.Applied != uint64(l.len()) {
			t.Errorf("%+v", s)
		}
	}
}

func TestALostConnectionIsAnErrorAndTheBatchComesAgain(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool := projector(t, l)
	holder := must(pool.Acquire(t.Context()))
	defer holder.Release()
	// The projector's transaction waits for the row, and its connection is cut.
	if _, err := holder.Exec(t.Context(), "BEGIN; SELECT FROM contact_state.checkpoint FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	result := make(chan error)
	go func() { result <- p.Apply(t.Context(), l.batch(0, l.len())) }()
	for cut := 0; cut == 0; {
		cut = len(collect[bool](t, pool, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`))
	}
	if err := <-result; err == nil {
		t.Error("a cut connection is no error")
	}
	for _, s := range must(p.Status(t.Context())) {
		if s.State != projections.StateLive {
			t.Errorf("nothing has stopped: %+v", s)
		}
	}
	if _, err := holder.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	feed(t, p, l, 0, l.len(), 100)
	sameRows(t, "after the second delivery", everything(t, pool), projected(t, l))
}

func TestWaitingEndsWhenThePositionIsReachedByAnyProjector(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool := projector(t, l)
	elsewhere := projections.New(pool, l, quiet(t))
	for _, by := range []*projections.Projector{p, elsewhere} {
		position := l.end()
		waited := make(chan error)
		go func() { waited <- p.WaitFor(t.Context(), position) }()
		feed(t, by, l, 0, l.len(), 3)
		if err := <-waited; err != nil {
			t.Error(err)
		}
		l.record("c", started("c.csv", 1))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.WaitFor(ctx, l.end(), projections.ImportsList); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody applies it: %v", err)
	}
	var unknown *projections.UnknownModelError
	if err := p.WaitFor(t.Context(), l.end(), "contacts"); !errors.As(err, &unknown) {
		t.Errorf("no such read model: %v", err)
	}
}

func TestTablesOfAnotherVersionAreNotProjectedBeforeTheyAreRebuilt(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool := projector(t, l)
	feed(t, p, l, 0, 5, 2)
	exec(t, pool, "UPDATE segment_members.checkpoint SET version = 'older'")
	feed(t, p, l, 5, l.len(), 2)
	if outdated := must(p.Ensure(t.Context())); !slices.Equal(outdated, []string{projections.SegmentMembers}) {
		t.Errorf("outdated: %v", outdated)
	}
	feed(t, p, l, 0, l.len(), 2)
	for _, s := range must(p.Status(t.Context())) {
		if isStopped := s.State == projections.StateStopped; isStopped != (s.Name == projections.SegmentMembers) {
			t.Errorf("%+v", s)
		}
	}
	if err := p.Rebuild(t.Context(), []string{projections.SegmentMembers}, nil); err != nil {
		t.Fatal(err)
	}
	l.record("c", started("c.csv", 1))
	feed(t, p, l, l.len()-1, l.len(), 2)
	sameRows(t, "after the rebuild", everything(t, pool), projected(t, l))
}

func TestSchemasAreMadeOnceByManyProcesses(t *testing.T) {
	t.Parallel()
	_, pool := projector(t, &ledger{})
	exec(t, pool, "DROP SCHEMA imports_list CASCADE; CREATE SCHEMA error_report_next; CREATE SCHEMA contact_state_old")
	var working sync.WaitGroup
	for range 4 {
		working.Go(func() {
			if outdated, err := projections.New(pool, &ledger{}, quiet(t)).Ensure(t.Context()); err != nil || outdated != nil {
				t.Error(outdated, err)
			}
		})
	}
	working.Wait()
	if left := schemas(t, pool); !slices.Equal(left, slices.Sorted(slices.Values(projections.Names()))) {
		t.Errorf("%v", left)
	}
}

func TestEveryColumnSaysWhatItIs(t *testing.T) {
	t.Parallel()
	_, pool := projector(t, &ledger{})
	silent := collect[string](t, pool, `
		SELECT c.oid::regclass || coalesce('.' || a.attname, '') FROM pg_class c
		LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		WHERE c.relnamespace::regnamespace::text = ANY($1) AND c.relkind = 'r'
			AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)`, projections.Names())
	if len(silent) > 0 {
		t.Errorf("without a comment: %v", silent)
	}
}

func TestEventsPerSecondAreThoseOfTheLastSeconds(t *testing.T) {
	t.Parallel()
	l := history()
	pool := pgtest.New(t)
	now := time.Unix(1_795_500_000, 0)
	config := quiet(t)
	config.Now = func() time.Time { return now }
	p := projections.New(pool, l, config)
	must(p.Ensure(t.Context()))
	perSecond := func() float64 { return must(p.Status(t.Context()))[0].EventsPerSecond }
	for i := range 10 {
		feed(t, p, l, i, i+1, 1)
		now = now.Add(time.Second)
	}
	if got := perSecond(); got != 1 {
		t.Errorf("one event in each second: %v/s", got)
	}
	now = now.Add(3 * time.Second)
	if got := perSecond(); got != 2.0/5 {
		t.Errorf("three seconds of rest: %v/s", got)
	}
	now = now.Add(time.Hour)
	if got := perSecond(); got != 0 {
		t.Errorf("an hour of rest: %v/s", got)
	}
}

// schemas are those of read models, and those beside them.
func schemas(t testing.TB, pool *pgxpool.Pool) []string {
	return collect[string](t, pool, `SELECT nspname::text FROM pg_namespace
		WHERE nspname ~ ('^(' || array_to_string($1::text[], '|') || ')') ORDER BY 1`, projections.Names())
}

// nothingLeftBehind holds that there is nothing beside the read models but what they
// were before.
func nothingLeftBehind(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	left := slices.DeleteFunc(schemas(t, pool), func(schema string) bool { return strings.HasSuffix(schema, "_old") })
	if want := slices.Sorted(slices.Values(projections.Names())); !slices.Equal(left, want) {
		t.Errorf("left behind: %v", left)
	}
}

func differences(v projections.Verification) (n int) {
	for _, m := range v.Projections {
		n += m.Differences
	}
	return n
}
