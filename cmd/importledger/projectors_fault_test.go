package main

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"importledger/adapters/eventstore"
	"importledger/adapters/postgres"
	"importledger/projections"
)

// rival projects what processes project, without asking whose turn it is.
type rival struct {
	written, lost atomic.Int64 // transactions
}

func (r *rival) watch(ctx context.Context, _ projections.Transaction) (context.Context, func(error)) {
	return ctx, func(err error) {
		if err == nil {
			r.written.Add(1)
		} else {
			r.lost.Add(1)
		}
	}
}

// projectAlso begins to project beside the processes, until stop.
func (s *shared) projectAlso() (r *rival, stop func()) {
	s.t.Helper()
	log, err := eventstore.Open(s.t.Context(), s.of("IMPORTLEDGER_EVENTSTORE_URL"), eventstore.Config{})
	if err != nil {
		s.t.Fatal(err)
	}
	pool, err := postgres.Open(s.t.Context(), s.databaseURL(), postgres.PoolConfig{})
	if err != nil {
		s.t.Fatal(err)
	}
	r = &rival{}
	p := projections.New(pool, log, projections.Config{IsTransient: postgres.IsUnavailable, Now: time.Now, After: time.After,
		Logger: slog.New(slog.DiscardHandler), Watch: r.watch})
	feed, err := eventstore.NewBatchSubscriber(log, eventstore.BatchConfig{From: p.From, MaxEvents: 300})
	if err != nil {
		s.t.Fatal(err)
	}
	messages, err := feed.Subscribe(s.t.Context(), "read-models")
	if err != nil {
		s.t.Fatal(err)
	}
	var projecting sync.WaitGroup
	projecting.Go(func() {
		for m := range messages {
			if p.Handle(m) == nil {
				m.Ack()
			} else {
				m.Nack()
			}
		}
	})
	return r, func() {
		if err := feed.Close(); err != nil {
			s.t.Error(err)
		}
		projecting.Wait()
		log.Close()
		pool.Close()
	}
}

// Fault 9: two projectors of one model, in processes that do not know of each other,
// while a rebuild swaps the tables under both: the loser commits nothing.
func TestTwoProjectorsAndASwapWriteEveryEventOnce(t *testing.T) {
	t.Parallel()
	draw, long := drawFaults(t)
	rounds := 2
	if long {
		rounds = 20
	}
	s := newShared(t)
	_, c := s.serve()
	other, stop := s.projectAlso()
	defer stop()
	for generation := range rounds {
		f := contactsOf{generation, 2000 + draw.IntN(6000)}
		i, err := f.send(t.Context(), c, f.name())
		if err != nil {
			t.Fatal(err)
		}
		if draw.IntN(2) == 0 {
			if err := c.askOf(t.Context(), allModels, "rebuild"); err != nil {
				t.Fatal(err)
			}
		}
		c.awaitNoRebuild(t)
		f.whole(t, c, i.ID)
		c.verified(t)
	}
	t.Logf("the second projector wrote %d transactions and lost %d", other.written.Load(), other.lost.Load())
	if other.written.Load() == 0 || other.lost.Load() == 0 {
		t.Error("the two were never at it at once: nothing was tried")
	}
}
