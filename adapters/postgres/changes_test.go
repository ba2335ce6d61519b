package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
	"importledger/projections"
)

// hearing is a process's Changes at work, and all that it is told.
func hearing(t *testing.T, pool *pgxpool.Pool) (c *postgres.Changes, heard <-chan projections.Announcement) {
	t.Helper()
	all := make(chan projections.Announcement, 1000)
	c = postgres.NewChanges(pool, func(a projections.Announcement) { all <- a }, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	if a := <-all; !a.All {
		t.Fatalf("it began with %+v", a)
	}
	return c, all
}

func announce(t *testing.T, pool *pgxpool.Pool, imports map[string]uint64) {
	t.Helper()
	text, err := json.Marshal(projections.Announcement{Model: projections.ImportsList, Changed: projections.Changed{Imports: imports}})
	if err == nil {
		_, err = pool.Exec(t.Context(), "SELECT pg_notify($1, $2)", projections.Channel, string(text))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFollowersHearOfTheirImportInEveryProcess(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	here, heardHere := hearing(t, pool)
	there, _ := hearing(t, pool)
	a, stopA := here.Follow("a")
	defer stopA()
	all, stopAll := there.Follow("")
	defer stopAll()
	announce(t, pool, map[string]uint64{"b": 1})
	announce(t, pool, map[string]uint64{"a": 7, "b": 2})
	if got := <-a; got.All || len(got.Imports) != 1 || got.Imports["a"] != 7 {
		t.Errorf("a: %+v", got)
	}
	whole := projections.Changed{}
	for !whole.Of("a", 0) { // in one or in two
		whole = whole.Merge(<-all)
	}
	if whole.All || whole.Imports["a"] != 7 || whole.Imports["b"] != 2 {
		t.Errorf("all: %+v", whole)
	}
	if first := <-heardHere; first.Imports["b"] != 1 {
		t.Errorf("the process was told %+v", first)
	}
}

func TestASlowFollowerHoldsNobodyUpAndMissesNothing(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	c, heard := hearing(t, pool)
	slow, stop := c.Follow("")
	gone, stopGone := c.Follow("")
	stopGone()
	const announcements = 200
	for i := range announcements {
		announce(t, pool, map[string]uint64{"a": uint64(i), fmt.Sprint(i): 0})
		<-heard
	}
	got := <-slow
	if !got.All || got.Imports["a"] != announcements-1 {
		t.Errorf("%d imports, all: %v, a: %d", len(got.Imports), got.All, got.Imports["a"])
	}
	stop()
	select {
	case <-gone:
		t.Error("told after stop")
	default:
	}
}

func TestAConnectionThatBreaksIsReplacedAndAllIsSaidToHaveChanged(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	c, heard := hearing(t, pool)
	a, stop := c.Follow("a")
	defer stop()
	for range 3 {
		if n := rows(t, pool, "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"); n != 1 {
			t.Fatalf("%d connections listened", n)
		}
		if got := <-a; !got.All {
			t.Fatalf("%+v", got)
		}
		<-heard
		announce(t, pool, map[string]uint64{"a": 1})
		if got := <-a; got.All || got.Imports["a"] != 1 {
			t.Fatalf("%+v", got)
		}
		<-heard
	}
}

func TestAnAnnouncementThatNobodyUnderstandsMeansThatAnythingMayHaveChanged(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	c, _ := hearing(t, pool)
	a, stop := c.Follow("a")
	defer stop()
	if _, err := pool.Exec(t.Context(), "SELECT pg_notify($1, 'of a later version')", projections.Channel); err != nil {
		t.Fatal(err)
	}
	if got := <-a; !got.All {
		t.Errorf("%+v", got)
	}
}
