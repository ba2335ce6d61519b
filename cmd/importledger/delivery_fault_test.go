package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"importledger/adapters/eventstore"
	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
	"importledger/projections"
)

var errFault = errors.New("a fault was made")

// deliveryFaults disturbs how batches of events come to the projector.
type deliveryFaults struct {
	mu   sync.Mutex
	draw *rand.Rand
	made map[string]int
}

func (f *deliveryFaults) next() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := []string{"none", "twice", "late", "refused", "applied but refused", "panic", "applied but panic"}
	fault := all[f.draw.IntN(len(all))]
	f.made[fault]++
	return fault
}

func (f *deliveryFaults) middleware(h message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		fault := f.next()
		switch fault {
		case "twice":
			return middleware.Duplicator(h)(m)
		case "late":
			<-time.After(20 * time.Millisecond)
		case "refused":
			return nil, errFault
		case "panic":
			panic(errFault)
		}
		produced, err := h(m)
		switch {
		case err != nil:
			return nil, err
		case fault == "applied but refused":
			return nil, errFault
		case fault == "applied but panic":
			panic(errFault)
		}
		return produced, nil
	}
}

// However batches come, each event is in the read models once.
func TestFaultsOfDeliveryChangeNoReadModel(t *testing.T) {
	t.Parallel()
	draw, long := drawFaults(t)
	imports := 3
	if long {
		imports = 20
	}
	// Whoever holds this projects; here the test does, in its own way.
	database := pgtest.URL(t)
	pool, err := postgres.Open(t.Context(), database, postgres.PoolConfig{MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	release, _, ours, err := postgres.NewLocks(pool, "projecting", slog.New(slog.DiscardHandler)).TryLock(t.Context(), projections.Version())
	if err != nil || !ours {
		t.Fatal(ours, err)
	}
	defer release()
	s := serveHere(t, "IMPORTLEDGER_DATABASE_URL="+database)
	faults := &deliveryFaults{draw: draw, made: map[string]int{}}
	defer s.projectsWith(faults.middleware, eventstore.BatchConfig{MaxEvents: 200, NackDelay: time.Millisecond, MaxNackDelay: 5 * time.Millisecond})()

	c := newClient(s.base, testClient, testSecret)
	defer c.close()
	good := 0
	for generation := range imports {
		f := contactsOf{generation, 2000}
		i, err := f.send(t.Context(), c, f.name())
		if err != nil {
			t.Fatal(err)
		}
		f.whole(t, c, i.ID)
		good += f.good()
	}
	if got := c.contacts(t); got != good {
		t.Errorf("%d contacts, want %d", got, good)
	}
	c.verified(t)
	if len(faults.made) < 7 {
		t.Errorf("too few faults to say anything: %v", faults.made)
	}
	t.Logf("batches by what befell them: %v", faults.made)
}

// projectsWith projects as the server does, with a middleware more; stop ends it.
func (s *served) projectsWith(more message.HandlerMiddleware, config eventstore.BatchConfig) (stop func()) {
	s.t.Helper()
	p := s.server.ledger.projecting
	config.From = p.projector.From
	feed, err := eventstore.NewBatchSubscriber(p.log, config)
	if err != nil {
		s.t.Fatal(err)
	}
	router, err := p.router(feed)
	if err != nil {
		s.t.Fatal(err)
	}
	router.AddMiddleware(more)
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- router.Run(ctx) }()
	return func() {
		cancel()
		if err := errors.Join(<-ended, feed.Close()); err != nil {
			s.t.Error(err)
		}
	}
}
