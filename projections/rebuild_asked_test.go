package projections_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"importledger/events"
	"importledger/projections"

	"github.com/jackc/pgx/v5/pgxpool"
)

// rebuilder runs what is asked for, in the background, as a process does.
func rebuilder(t testing.TB, p *projections.Projector) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.RunRebuilds(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// rebuildOf tells how the rebuild of a read model stands; nil: none is asked for.
func rebuildOf(t testing.TB, p *projections.Projector, name string) *projections.RebuildStatus {
	t.Helper()
	all, err := p.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Name == name {
			return s.Rebuild
		}
	}
	t.Fatal("no read model " + name)
	return nil
}

// until waits for something that is asked of Postgres.
func until(t testing.TB, is func() bool) {
	t.Helper()
	for !is() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

// becomes waits until the rebuild of a read model is as it should be.
func becomes(t testing.TB, p *projections.Projector, name string, is func(*projections.RebuildStatus) bool) *projections.RebuildStatus {
	t.Helper()
	var s *projections.RebuildStatus
	until(t, func() bool {
		s = rebuildOf(t, p, name)
		return is(s)
	})
	return s
}

func ended(s *projections.RebuildStatus) bool { return s == nil }

func in(state projections.RebuildState) func(*projections.RebuildStatus) bool {
	return func(s *projections.RebuildStatus) bool { return s != nil && s.State == state }
}

// identity tells which tables serve under a read model's name.
func identity(t testing.TB, pool *pgxpool.Pool, name string) string {
	return collect[string](t, pool, "SELECT oid::text FROM pg_namespace WHERE nspname = $1", name)[0]
}

func TestRebuildsThatAreAskedForMeanwhileShareTheNextReading(t *testing.T) {
	t.Parallel()
	l := history()
	l.inBatchesOf = 1
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 100)
	names := projections.Names()
	first, others := names[0], names[1:]
	var once sync.Once
	var meanwhile []projections.Status
	var again, verify error
	read := map[string]int{}
	err := p.Rebuild(t.Context(), []string{first}, func(projections.Progress) {
		once.Do(func() {
			elsewhere := projections.New(pool, l, quiet(t))
			again = elsewhere.AskRebuild(t.Context(), nil)
			for _, name := range others {
				if err := elsewhere.AskRebuild(t.Context(), []string{name}); err != nil {
					t.Error(err)
				}
			}
			_, verify = elsewhere.Verify(t.Context(), []string{first})
			meanwhile = must(elsewhere.Status(t.Context()))
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	var busy *projections.BusyError
	if !errors.As(again, &busy) || busy.Name != first || !errors.As(verify, &busy) {
		t.Errorf("a second rebuild of one: %v; verify: %v", again, verify)
	}
	for _, s := range meanwhile {
		want := projections.RebuildWaiting
		if s.Name == first {
			want = projections.RebuildRunning
		}
		if s.State != projections.StateRebuilding || s.Rebuild.State != want {
			t.Errorf("%+v, rebuild %+v", s, s.Rebuild)
		}
	}
	// The others are read in one go: each of them is told of while none has ended.
	err = p.Rebuild(t.Context(), others[:1], func(progress projections.Progress) {
		read[progress.Name]++
		for _, name := range others {
			if rebuildOf(t, p, name) == nil && read[name] == 0 {
				t.Errorf("%s was rebuilt by itself", name)
			}
		}
	})
	if err != nil || len(read) != len(others) {
		t.Errorf("one reading was for %v: %v", read, err)
	}
	sameRows(t, "rebuilt", everything(t, pool), projected(t, l))
	if _, err := p.Verify(t.Context(), nil); err != nil {
		t.Errorf("the locks are given back: %v", err)
	}
}

// pausedInTheMiddle has a rebuild of all paused when some of the log is read.
func pausedInTheMiddle(t testing.TB, p *projections.Projector) {
	t.Helper()
	var once sync.Once
	begun := map[string]bool{}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	done := make(chan error, 1)
	go func() {
		done <- p.Rebuild(ctx, nil, func(progress projections.Progress) {
			if begun[progress.Name] = true; len(begun) == len(projections.Names()) {
				once.Do(func() {
					if err := p.PauseRebuild(t.Context(), nil); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}()
	for _, name := range projections.Names() {
		becomes(t, p, name, in(projections.RebuildPaused))
	}
	leave()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("it was not paused: %v", err)
	}
}

func TestAPausedRebuildStaysPausedAndGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	l := &ledger{inBatchesOf: 20}
	segment := &events.Segment{ID: "seg", Name: "Fair", Create: true}
	importA(l, "first", 500, 0, segment)
	importA(l, "second", 500, 250, segment) // contacts come again while the tables are bare
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 5000)
	pausedInTheMiddle(t, p)
	before := rebuildOf(t, p, projections.ContactState)
	if before.Applied == 0 || before.Applied >= uint64(l.len()) {
		t.Fatalf("it was to be paused in the middle: %+v", before)
	}

	// A process that starts does not take it up, nor drops it.
	restarted := projections.New(pool, l, quiet(t))
	must(restarted.Ensure(t.Context()))
	stop := rebuilder(t, restarted)
	if err := restarted.Rebuild(t.Context(), []string{projections.ErrorReport}, nil); err != nil { // it has looked
		t.Fatal(err)
	}
	if now := rebuildOf(t, restarted, projections.ContactState); now.State != projections.RebuildPaused || now.Applied != before.Applied {
		t.Errorf("paused at %+v, now %+v", before, now)
	}
	if err := restarted.ResumeRebuild(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range projections.Names() {
		becomes(t, restarted, name, ended)
	}
	stop()
	sameRows(t, "resumed", everything(t, pool), projected(t, l))
	nothingLeftBehind(t, pool)
	var not *projections.NotRebuildingError
	if err := p.ResumeRebuild(t.Context(), nil); !errors.As(err, &not) {
		t.Errorf("there is nothing to resume: %v", err)
	}
}

func TestACanceledRebuildIsForgotten(t *testing.T) {
	t.Parallel()
	l := &ledger{inBatchesOf: 20}
	importA(l, "first", 500, 0, nil)
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 5000)
	before := identity(t, pool, projections.ContactState)
	pausedInTheMiddle(t, p)
	if err := p.CancelRebuild(t.Context(), nil); err != nil { // nobody works on it
		t.Fatal(err)
	}
	nothingLeftBehind(t, pool)

	var once sync.Once
	canceled := make(chan error, 1)
	err := p.Rebuild(t.Context(), nil, func(projections.Progress) { // somebody does
		once.Do(func() {
			go func() { canceled <- p.CancelRebuild(t.Context(), nil) }()
			until(t, func() bool {
				return len(collect[bool](t, pool, "SELECT true FROM ledger.rebuilds WHERE NOT canceled")) == 0
			})
		})
	})
	if err := errors.Join(err, <-canceled); err != nil {
		t.Fatal(err)
	}
	for _, name := range projections.Names() {
		if s := rebuildOf(t, p, name); s != nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
	nothingLeftBehind(t, pool)
	if identity(t, pool, projections.ContactState) != before {
		t.Error("it was swapped all the same")
	}
	var not *projections.NotRebuildingError
	if err := p.CancelRebuild(t.Context(), nil); !errors.As(err, &not) {
		t.Errorf("there is nothing to cancel: %v", err)
	}
}

func TestALimitOfRebuildsHoldsFromNowOn(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	importA(l, "first", 2000, 0, nil)
	p, _ := projector(t, l)
	feed(t, p, l, 0, l.len(), 5000)
	if err := p.LimitRebuilds(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	rebuilder(t, p)
	if err := p.AskRebuild(t.Context(), []string{projections.ContactState}); err != nil {
		t.Fatal(err)
	}
	// At four events a second it would take minutes: what it has by its first steps is few.
	s := becomes(t, p, projections.ContactState, func(s *projections.RebuildStatus) bool { return s.Applied >= 2 })
	if s.Applied > 200 {
		t.Errorf("%+v", s)
	}
	if limit := must(p.RebuildLimit(t.Context())); limit != 4 {
		t.Errorf("the limit is %d", limit)
	}
	if err := p.LimitRebuilds(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	becomes(t, p, projections.ContactState, ended)
}

func TestOneReadModelThatCannotBeRebuiltDoesNotHoldTheOthersUp(t *testing.T) {
	t.Parallel()
	l := history()
	bad := l.record("c", started("c.csv", 2), mapped(nil), accepted(1, 7, `{"city":"\u0000"}`)) // jsonb has no such character
	l.record("c", accepted(2, 8, `{}`), rejected(3, "row-width"))
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 100)
	err := p.Rebuild(t.Context(), nil, nil)
	stopped, ok := errors.AsType[*projections.Stopped](err)
	if !ok || stopped.Model != projections.ContactState || stopped.Position != bad.String() || stopped.Stream != "import-c" {
		t.Fatal(err)
	}
	for _, s := range must(p.Status(t.Context())) {
		if s.Name == projections.ContactState {
			if s.Rebuild == nil || s.Rebuild.State != projections.RebuildFailed || s.Rebuild.Failed.Position != bad.String() || s.State != projections.StateStopped || s.Rebuild.Applied != uint64(l.len()-3) {
				t.Errorf("%+v, rebuild %+v", s, s.Rebuild)
			}
		} else if s.Rebuild != nil || s.State != projections.StateLive {
			t.Errorf("%+v, rebuild %+v", s, s.Rebuild)
		}
	}

	// The log is mended, as a program would be: the rebuild goes on where it stopped.
	for i := range l.recorded {
		if l.recorded[i].Position == bad {
			l.recorded[i].Data = []byte(`{"row":1,"line":2,"contact":{"nxId":"` + contactID(7).String() + `","attributes":{"city":"Mons"}}}`)
		}
	}
	from := uint64(0)
	err = p.Rebuild(t.Context(), []string{projections.ContactState}, func(progress projections.Progress) {
		if from == 0 {
			from = progress.Applied
		}
	})
	if err != nil || from <= uint64(l.len()-3) {
		t.Errorf("it went on at %d of %d: %v", from, l.len(), err)
	}
	sameRows(t, "mended", everything(t, pool), projected(t, l))
}

func TestAPostgresThatIsAwayDelaysARebuild(t *testing.T) {
	t.Parallel()
	l := &ledger{inBatchesOf: 50}
	importA(l, "first", 1000, 0, nil)
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 5000)
	rebuilder(t, p)
	for range 3 {
		if err := p.AskRebuild(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		becomes(t, p, projections.ContactState, func(s *projections.RebuildStatus) bool { return s == nil || s.Applied > 0 })
		exec(t, pool, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		until(t, func() bool {
			all, err := p.Status(t.Context())
			return err == nil && !slices.ContainsFunc(all, func(s projections.Status) bool { return s.Rebuild != nil })
		})
	}
	sameRows(t, "in the end", everything(t, pool), projected(t, l))
}
