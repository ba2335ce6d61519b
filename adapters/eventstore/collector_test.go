package eventstore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"importledger/events"
)

func at(n uint64) events.Position { return events.Position{Commit: n, Prepare: n} }

func add(t *testing.T, c *collector, from, to uint64) {
	t.Helper()
	for n := from; n <= to; n++ {
		if err := c.add(t.Context(), events.Recorded{Position: at(n), Data: []byte("12345678")}); err != nil {
			t.Error(err)
			return
		}
	}
}

func takes(t *testing.T, c *collector, want int, until uint64) {
	t.Helper()
	b, err := c.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Events) != want || b.Until != at(until) {
		t.Fatalf("took %d events until %v, want %d until %d", len(b.Events), b.Until, want, until)
	}
}

func TestLiveBatchIsTakenAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(limits{events: 10, bytes: 1000, linger: time.Hour, progress: time.Hour})
		c.setLive(true)
		begun := time.Now()
		go add(t, c, 1, 1)
		takes(t, c, 1, 1)
		add(t, c, 2, 4)
		takes(t, c, 3, 4)
		if time.Since(begun) != 0 {
			t.Fatalf("a live batch waited %v", time.Since(begun))
		}
	})
}

func TestBatchWaitsForMoreOnlyWhileBehindAndNotForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(limits{events: 3, bytes: 1000, linger: time.Second, progress: time.Hour})
		begun := time.Now()
		add(t, c, 1, 3)
		takes(t, c, 3, 3)
		if time.Since(begun) != 0 {
			t.Fatalf("a full batch waited %v", time.Since(begun))
		}
		add(t, c, 4, 4)
		takes(t, c, 1, 4)
		if time.Since(begun) != time.Second {
			t.Fatalf("a batch behind the log came after %v, want 1s", time.Since(begun))
		}
		add(t, c, 5, 5)
		go func() {
			<-time.After(10 * time.Millisecond)
			c.setLive(true)
		}()
		takes(t, c, 1, 5)
		if time.Since(begun) != time.Second+10*time.Millisecond {
			t.Fatalf("catching up did not close the batch: %v", time.Since(begun))
		}
	})
}

func TestNoMoreThanOneBatchIsCollectedAhead(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]limits{
		"events": {events: 3, bytes: 1 << 20, linger: time.Second, progress: time.Hour},
		"bytes":  {events: 1000, bytes: 24, linger: time.Second, progress: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCollector(l)
				added := make(chan struct{})
				go func() {
					defer close(added)
					add(t, c, 1, 7)
				}()
				synctest.Wait()
				c.mu.Lock()
				held := len(c.batch)
				c.mu.Unlock()
				if held != 3 {
					t.Fatalf("holds %d events, want 3", held)
				}
				takes(t, c, 3, 3)
				takes(t, c, 3, 6)
				takes(t, c, 1, 7)
				<-added
			})
		})
	}
}

func TestCheckpointGoesWithEventsOrAloneAndThenRarely(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(limits{events: 10, bytes: 1000, linger: 0, progress: time.Minute})
		c.begin(at(5))
		c.setLive(true)
		add(t, c, 6, 6)
		c.passed(at(8))
		takes(t, c, 1, 8)

		begun := time.Now()
		c.passed(at(20))
		takes(t, c, 0, 20)
		c.passed(at(30))
		c.passed(at(40))
		takes(t, c, 0, 40)
		if time.Since(begun) != time.Minute {
			t.Fatalf("the second batch without events came after %v, want 1m", time.Since(begun))
		}
		c.passed(at(50))
		go func() {
			<-time.After(time.Second)
			add(t, c, 51, 51)
		}()
		takes(t, c, 1, 51)
		if time.Since(begun) != time.Minute+time.Second {
			t.Fatal("an event waited for a checkpoint's turn")
		}
	})
}

func TestCheckpointThatIsNotAheadIsNoBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(limits{events: 10, bytes: 1000})
		c.begin(at(5))
		c.passed(at(5))
		c.passed(at(3))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if b, err := c.take(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("took %+v, %v", b, err)
		}
	})
}

func TestFullCollectorLetsGoWhenCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(limits{events: 1, bytes: 1000})
		add(t, c, 1, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.add(ctx, events.Recorded{Position: at(2)}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		takes(t, c, 1, 1)
	})
}
