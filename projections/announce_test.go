package projections_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"importledger/projections"
)

// listening gives the announcements of a database, one after the other.
func listening(t *testing.T, pool *pgxpool.Pool) (next func() projections.Announcement) {
	t.Helper()
	conn := must(pgx.ConnectConfig(t.Context(), pool.Config().ConnConfig))
	t.Cleanup(func() {
		if err := conn.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	must(conn.Exec(t.Context(), "LISTEN "+projections.Channel))
	return func() projections.Announcement {
		t.Helper()
		return must(projections.ParseAnnouncement(must(conn.WaitForNotification(t.Context())).Payload))
	}
}

func TestWhatIsCommittedIsAnnounced(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool := projector(t, l)
	next := listening(t, pool)
	feed(t, p, l, 0, l.len(), l.len())
	heard := map[string]projections.Announcement{}
	for range projections.Names() {
		a := next()
		heard[a.Model] = a
	}
	for _, name := range projections.Names() {
		if a := heard[name]; a.Position != l.end().String() || a.Events != l.len() {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if got, want := heard[projections.ImportsList].Imports, (map[string]uint64{"a": 6, "b": 4}); !maps.Equal(got, want) || heard[projections.ImportsList].All {
		t.Errorf("imports: %v, want %v", got, want)
	}
	if got := heard[projections.ContactState].Changed; !got.Empty() {
		t.Errorf("the contacts announce imports: %+v", got)
	}
	// A batch that comes again changes nothing and announces nothing, and a feed that
	// begins says that nobody knows what was announced before.
	feed(t, p, l, 0, l.len(), l.len())
	must(p.From(t.Context()))
	if a := next(); !a.All || a.Events != 0 {
		t.Errorf("%+v", a)
	}
	if err := p.Rebuild(t.Context(), []string{projections.ImportsList}, nil); err != nil {
		t.Fatal(err)
	}
	if a := next(); a.Model != projections.ImportsList || !a.All {
		t.Errorf("after a rebuild: %+v", a)
	}
}

func TestAnAnnouncementFitsIntoANotification(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	const imports = 1000
	for i := range imports {
		l.record(fmt.Sprintf("01J%023d", i), started("a.csv", 1))
	}
	p, pool := projector(t, l)
	next := listening(t, pool)
	feed(t, p, l, 0, l.len(), l.len())
	for {
		if a := next(); a.Model == projections.ImportsList {
			if !a.All || len(a.Imports) == 0 {
				t.Errorf("%d imports named, all: %v", len(a.Imports), a.All)
			}
			return
		}
	}
}

// What two changes say together is what both say, and it never grows beyond what
// an announcement can hold.
func TestChangesMerge(t *testing.T) {
	t.Parallel()
	anyChange := rapid.Custom(func(r *rapid.T) projections.Changed {
		return projections.Changed{All: rapid.IntRange(0, 9).Draw(r, "all") == 0,
			Imports: rapid.MapOfN(rapid.StringMatching(`[A-C]`), rapid.Uint64Range(0, 9), 0, 3).Draw(r, "imports")}
	})
	rapid.Check(t, func(r *rapid.T) {
		a, b := anyChange.Draw(r, "a"), anyChange.Draw(r, "b")
		merged := a.Merge(b)
		for _, id := range []string{"A", "B", "C", "D"} {
			for seen := range uint64(11) {
				if got, want := merged.Of(id, seen), a.Of(id, seen) || b.Of(id, seen); got != want {
					r.Fatalf("%s after %d events: %v, want %v", id, seen, got, want)
				}
				if got, want := merged.Only(id).Of(id, seen), merged.Of(id, seen); got != want {
					r.Fatalf("only %s: %v, want %v", id, got, want)
				}
			}
		}
	})
	whole := projections.Changed{}
	for i := range 1000 {
		whole = whole.Merge(projections.Changed{Imports: map[string]uint64{fmt.Sprintf("01J%023d", i): 1 << 62}})
	}
	if text := must(json.Marshal(projections.Announcement{Model: projections.SegmentMembers, Changed: whole})); len(text) > 7900 || !whole.All {
		t.Errorf("%d bytes, all: %v", len(text), whole.All)
	}
}

// A process that does not project wakes its waiters by what it hears, and knows how
// fast the other one is.
func TestWhoHearsOfAnotherProjectorNeedNotPoll(t *testing.T) {
	t.Parallel()
	l := history()
	there, pool := projector(t, l)
	config := quiet(t)
	now := time.Unix(1_795_500_000, 0)
	config.Now = func() time.Time { return now }
	config.After = func(time.Duration) <-chan time.Time { return nil }
	here := projections.New(pool, l, config)
	next := listening(t, pool)
	waited := make(chan error, 1)
	go func() { waited <- here.WaitFor(t.Context(), l.end()) }()
	feed(t, there, l, 0, l.len(), 2)
	for reached := false; !reached; {
		a := next()
		reached = !slices.ContainsFunc(must(here.Status(t.Context())), func(s projections.Status) bool { return s.Position != l.end() })
		here.Heard(a)
	}
	if err := <-waited; err != nil {
		t.Error(err)
	}
	now = now.Add(time.Second)
	fast := 0.0
	for _, s := range must(here.Status(t.Context())) {
		fast += s.EventsPerSecond
	}
	if fast == 0 {
		t.Error("the other projector's speed is not known")
	}
}
