package projections_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"importledger/events"
	"importledger/projections"
)

func TestARebuildUnderLiveImportsMakesEqualRowsAndReadersNeverMiss(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	segment := &events.Segment{ID: "seg", Name: "Fair", Create: true}
	importA(l, "first", 1000, 0, segment)
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 5000)

	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() { // imports go on, and are projected
		for i := 0; ctx.Err() == nil; i++ {
			from := l.len()
			importA(l, fmt.Sprintf("import%d", i), 50, i*25, segment)
			if err := p.Apply(t.Context(), l.batch(from, l.len())); err != nil {
				t.Error(err)
			}
		}
	})
	working.Go(func() { // a reader sees all the rows of one state or another, never fewer
		last := 0
		for ctx.Err() == nil {
			n := 0
			if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM contact_state.contacts").Scan(&n); err != nil || n < last {
				t.Errorf("%d contacts after %d: %v", n, last, err)
			}
			last = n
		}
	})
	told := map[string]uint64{}
	for range 3 {
		err := p.Rebuild(t.Context(), nil, func(progress projections.Progress) { told[progress.Name] = progress.Applied })
		if err != nil {
			t.Error(err)
		}
		for _, s := range must(p.Status(t.Context())) {
			if s.State != projections.StateLive || s.Rebuild != nil {
				t.Errorf("%+v", s)
			}
		}
	}
	stop()
	working.Wait()
	if len(told) != len(projections.Names()) || told[projections.ContactState] < 1000 {
		t.Errorf("progress: %v", told)
	}
	if err := p.WaitFor(t.Context(), l.end()); err != nil {
		t.Error(err)
	}
	sameRows(t, "three rebuilds", everything(t, pool), projected(t, l))
	nothingLeftBehind(t, pool)
}

func TestARebuildThatIsKilledLeavesTheOldModelAndGoesOn(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	importA(l, "first", 500, 0, nil)
	importA(l, "second", 500, 250, &events.Segment{ID: "seg", Name: "Fair", Create: true})
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 5000)
	want := everything(t, pool)
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	for n := range 12 {
		ctx := &killedAfter{Context: t.Context(), looks: random.IntN(150), dead: make(chan struct{})}
		err := p.Rebuild(ctx, nil, nil)
		if err == nil {
			continue // it was done sooner
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("seed %d, kill %d: %v", seed, n, err)
		}
		sameRows(t, fmt.Sprint("seed ", seed, ": served after a kill"), everything(t, pool), want)
	}
	if err := p.Rebuild(t.Context(), nil, nil); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	sameRows(t, "rebuilt in the end", everything(t, pool), want)
	nothingLeftBehind(t, pool)
}

// killedAfter is a context that ends when it has been looked at some times: at
// another place for every number.
type killedAfter struct {
	context.Context
	mu    sync.Mutex
	looks int
	dead  chan struct{}
}

func (k *killedAfter) Done() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.looks--; k.looks == 0 {
		close(k.dead)
	}
	return k.dead
}

func (k *killedAfter) Err() error {
	select {
	case <-k.Done():
		return context.Canceled
	default:
		return nil
	}
}

// A reader in the middle of the old tables neither holds the swap up nor loses them.
func TestASwapDoesNotWaitForReadersNorTheyForIt(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 100)
	reader := must(pool.Begin(t.Context()))
	var before int
	if err := reader.QueryRow(t.Context(), "SELECT count(*) FROM contact_state.contacts").Scan(&before); err != nil {
		t.Fatal(err)
	}
	exec(t, pool, "CREATE TABLE public.old AS SELECT 'contact_state.contacts'::regclass::oid AS id")
	if err := p.Rebuild(t.Context(), []string{projections.ContactState}, nil); err != nil { // while the reader still holds the old tables
		t.Fatal(err)
	}
	if must(projections.CountContacts(t.Context(), pool)) != before || !collect[bool](t, pool, "SELECT 'contact_state.contacts'::regclass::oid <> id FROM old")[0] {
		t.Error("the new tables do not serve")
	}
	feed(t, p, l, 0, l.len(), 100)
	if err := reader.Commit(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestARebuildFromALogThatLagsIsNotSwapped(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 100)
	want := everything(t, pool)
	lagging := &ledger{recorded: l.recorded[:5]}
	if err := projections.New(pool, lagging, quiet(t)).Rebuild(t.Context(), nil, nil); err == nil {
		t.Error("swapped for an older state")
	}
	sameRows(t, "still served", everything(t, pool), want)

	// A checkpoint behind the log's last event of ours is no lag.
	if err := p.Apply(t.Context(), events.Batch{Until: events.Position{Commit: 1 << 40, Prepare: 1 << 40}}); err != nil {
		t.Fatal(err)
	}
	if err := p.Rebuild(t.Context(), nil, nil); err != nil {
		t.Error(err)
	}
	if v, err := p.Verify(t.Context(), nil); err != nil || differences(v) != 0 {
		t.Error(v, err)
	}
}

func TestVerifyFindsEveryTamperedRow(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 100)
	v, err := p.Verify(t.Context(), nil)
	if err != nil || len(v.Projections) != len(projections.Names()) || differences(v) != 0 || v.Imports != (projections.Conservation{Checked: 2}) {
		t.Fatalf("%+v, %v", v, err)
	}
	rows := 0
	for _, m := range v.Projections {
		rows += m.Rows
	}
	if want := len(everything(t, pool)); rows != want {
		t.Errorf("%d rows compared, there are %d", rows, want)
	}
	exec(t, pool, `
		UPDATE contact_state.contacts SET attributes = attributes || '{"city":"Brugge"}' WHERE nx_id = $1`, contactID(2))
	exec(t, pool, "DELETE FROM error_report.errors WHERE import_id = 'b' AND seq = 1")
	exec(t, pool, "INSERT INTO segment_members.members VALUES ($1, 'seg', 1, 'a')", contactID(77))
	exec(t, pool, "UPDATE imports_list.imports SET rows_imported = rows_imported + 1 WHERE id = 'a'")
	exec(t, pool, "UPDATE contact_rows.rows SET row = 2 WHERE nx_id = $1", contactID(2))
	v = must(p.Verify(t.Context(), nil))
	want := map[string]string{
		projections.ContactState:   "contacts nx_id=" + contactID(2).String() + ` changed attributes: {"city": "Brugge"}, {"city": "Liège"}`,
		projections.ErrorReport:    `errors import_id=b row=2 seq=1 missing code: , "email-invalid" column_name: , "E-mail" line: , 3 message: , "This is email-invalid." value: , "x"`,
		projections.SegmentMembers: "members nx_id=" + contactID(77).String() + ` segment_id=seg extra added_at: 1,  import_id: "a", `,
		projections.ImportsList:    "imports id=a changed rows_imported: 4, 3",
		projections.ContactRows:    "rows number=1 nx_id=" + contactID(2).String() + " changed row: 2, 3",
	}
	for _, m := range v.Projections {
		if want[m.Name] == "" { // not tampered with
			if m.Differences != 0 {
				t.Errorf("%+v", m)
			}
			continue
		}
		if m.Differences != 1 || len(m.Differing) != 1 || said(m.Differing[0]) != want[m.Name] {
			t.Errorf("%+v, want %s", m, want[m.Name])
		}
	}
	only := must(p.Verify(t.Context(), []string{projections.ErrorReport}))
	if len(only.Projections) != 1 || only.Projections[0].Name != projections.ErrorReport {
		t.Errorf("%+v", only)
	}
	nothingLeftBehind(t, pool)
}

func TestVerifyUnderLiveImportsFindsNothing(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	importA(l, "first", 500, 0, nil)
	p, _ := projector(t, l)
	feed(t, p, l, 0, l.len(), 5000)
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			from := l.len()
			importA(l, fmt.Sprintf("import%d", i), 50, i*25, nil)
			feed(t, p, l, from, l.len(), 20)
		}
	})
	for range 3 {
		if v, err := p.Verify(t.Context(), nil); err != nil || differences(v) != 0 || v.Imports.RowsUnaccounted != 0 {
			t.Error(v, err)
		}
	}
	stop()
	working.Wait()
}

func TestRowsWithoutExactlyOneOutcomeAreCounted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts       []events.Event
		unaccounted int
	}{
		"whole":           {[]events.Event{accepted(1, 1, `{}`), rejected(2), accepted(3, 1, `{}`), events.ImportCompleted{}}, 0},
		"still running":   {[]events.Event{accepted(1, 1, `{}`)}, 0},
		"canceled":        {[]events.Event{accepted(1, 1, `{}`), events.ImportCanceled{}}, 0},
		"ended early":     {[]events.Event{accepted(1, 1, `{}`), events.ImportCompleted{}}, 2},
		"gap":             {[]events.Event{accepted(1, 1, `{}`), accepted(3, 1, `{}`), events.ImportCompleted{}}, 1},
		"gap, running":    {[]events.Event{accepted(3, 1, `{}`)}, 2},
		"twice":           {[]events.Event{accepted(1, 1, `{}`), rejected(1)}, 1},
		"beyond the file": {[]events.Event{accepted(1, 1, `{}`), accepted(4, 1, `{}`)}, 1},
		"after the end":   {[]events.Event{events.ImportCanceled{}, accepted(1, 1, `{}`)}, 1},
	} {
		l := &ledger{}
		l.record("a", append([]events.Event{started("a.csv", 3), mapped(nil)}, c.facts...)...)
		l.record("b", started("b.csv", 1))
		p, _ := projector(t, l)
		v, err := p.Verify(t.Context(), nil)
		if err != nil || v.Imports != (projections.Conservation{Checked: 2, RowsUnaccounted: c.unaccounted}) {
			t.Errorf("%s: %+v, %v; want %d", name, v.Imports, err, c.unaccounted)
		}
	}
}

// said is all that is told of a difference.
func said(d projections.Difference) string {
	all := d.String()
	for _, c := range d.Columns {
		all += fmt.Sprintf(" %s: %s, %s", c.Name, c.Table, c.Log)
	}
	return all
}
