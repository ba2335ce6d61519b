package postgres_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"importledger/adapters/postgres/pgtest"
)

const often = 2 * time.Millisecond

func TestOneOfManyOwnsAndTheNextTakesOver(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	var owners atomic.Int32
	began := make(chan context.CancelFunc)
	var all sync.WaitGroup
	for range 3 {
		ctx, kill := context.WithCancel(t.Context())
		l := newLocks(pool)
		all.Go(func() {
			l.Own(ctx, "work", often, func(ctx context.Context) error {
				if n := owners.Add(1); n != 1 {
					t.Errorf("%d own it at once", n)
				}
				began <- kill
				<-ctx.Done()
				owners.Add(-1)
				return ctx.Err()
			})
		})
	}
	for range 3 {
		(<-began)()
	}
	all.Wait()
	if n := pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections are still in use", n)
	}
}

func TestAnOwnerWhoseConnectionBreaksStopsAndAnotherTakesOver(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	ctx, end := context.WithCancel(t.Context())
	stopped, began := make(chan string, 2), make(chan string, 2)
	var all sync.WaitGroup
	own := func(name string) {
		l := newLocks(pool)
		all.Go(func() {
			l.Own(ctx, "work", often, func(ctx context.Context) error {
				began <- name
				<-ctx.Done()
				stopped <- name
				return nil
			})
		})
	}
	own("first")
	if got := <-began; got != "first" {
		t.Fatal(got)
	}
	own("second")
	for range 3 { // whoever it is then
		breakLocks(t, pool)
		<-stopped
		<-began
	}
	end()
	all.Wait()
}

func TestWorkThatFailsIsBegunAgain(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	times := 0
	newLocks(pgtest.New(t)).Own(ctx, "work", often, func(context.Context) error {
		if times++; times == 3 {
			end()
		}
		return errors.New("it broke")
	})
	if times != 3 {
		t.Errorf("%d times", times)
	}
}
