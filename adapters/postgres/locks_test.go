package postgres_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
)

// newLocks are the locks of one process, which looks after them often.
func newLocks(pool *pgxpool.Pool) *postgres.Locks {
	l := postgres.NewLocks(pool, "test", slog.New(slog.DiscardHandler))
	l.SetHeartbeat(5 * time.Millisecond)
	return l
}

func lock(t *testing.T, l *postgres.Locks, key string) (release func(), lost <-chan struct{}, ok bool) {
	t.Helper()
	release, lost, ok, err := l.TryLock(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return release, lost, ok
}

func mustLock(t *testing.T, l *postgres.Locks, key string) (release func(), lost <-chan struct{}) {
	t.Helper()
	release, lost, ok := lock(t, l, key)
	if !ok {
		t.Fatalf("%s is taken", key)
	}
	return release, lost
}

func mustNotLock(t *testing.T, l *postgres.Locks, key string) {
	t.Helper()
	if _, _, ok := lock(t, l, key); ok {
		t.Fatalf("%s was free", key)
	}
}

func TestALockIsHeldByOneUntilItIsReleased(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	here, there := newLocks(pool), newLocks(pool)
	release, _ := mustLock(t, here, "a")
	mustNotLock(t, there, "a")
	mustNotLock(t, here, "a")
	other, _ := mustLock(t, there, "b")
	release()
	release()
	again, _ := mustLock(t, there, "a")
	mustNotLock(t, here, "a")
	again()
	other()
}

func TestLocksOfAnotherNamespaceDoNotMeet(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	release, _ := mustLock(t, newLocks(pool), "a")
	defer release()
	elsewhere, _ := mustLock(t, postgres.NewLocks(pool, "elsewhere", slog.New(slog.DiscardHandler)), "a")
	elsewhere()
}

func TestManyLocksTakeOneConnectionAndNoneTakeNone(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	l := newLocks(pool)
	var releases []func()
	for _, key := range []string{"a", "b", "c", "d"} {
		release, _ := mustLock(t, l, key)
		releases = append(releases, release)
	}
	if n := pool.Stat().AcquiredConns(); n != 1 {
		t.Errorf("%d connections for four locks", n)
	}
	for _, release := range releases {
		release()
	}
	if n := pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections for no lock", n)
	}
}

// breakLocks ends the connection that holds locks.
func breakLocks(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	if n := rows(t, pool, "SELECT count(pg_terminate_backend(pid, 10000)) FROM (SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS holders"); n != 1 {
		t.Fatalf("%d connections held locks", n)
	}
}

func TestALostConnectionIsToldToEveryHolderAndFreesTheLocks(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	here, there := newLocks(pool), newLocks(pool)
	releaseA, lostA := mustLock(t, here, "a")
	releaseB, lostB := mustLock(t, here, "b")
	breakLocks(t, pool)
	<-lostA
	<-lostB
	taken, _ := mustLock(t, there, "a")
	defer taken()
	releaseA() // too late, and it must not free what another holds now
	releaseB()
	mustNotLock(t, here, "a")
	back, _ := mustLock(t, here, "b")
	back()
}

func TestACallerWhoGivesUpDoesNotLoseTheLocksOfOthers(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	here, there := newLocks(pool), newLocks(pool)
	release, lost := mustLock(t, here, "a")
	defer release()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if r, _, ok, err := here.TryLock(gone, "b"); err == nil && ok {
		r()
	}
	mustNotLock(t, there, "a")
	select {
	case <-lost:
		t.Error("lost")
	default:
	}
}

func TestASharedLockIsSharedAndKeepsWhoWantsItAloneAway(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	one, other, third := newLocks(pool), newLocks(pool), newLocks(pool)
	share := func(l *postgres.Locks) (release func(), ok bool) {
		release, _, ok, err := l.TryShare(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		return release, ok
	}
	first, ok := share(one)
	second, too := share(other)
	if !ok || !too {
		t.Fatal("it is not shared")
	}
	mustNotLock(t, third, "a")
	first()
	mustNotLock(t, third, "a")
	second()
	release, _ := mustLock(t, third, "a")
	if _, ok := share(one); ok {
		t.Error("shared with one who has it alone")
	}
	release()
}
