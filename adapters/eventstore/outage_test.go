package eventstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"importledger/adapters/node"
	"importledger/aggregate"
	"importledger/events"
)

func TestOpenSaysQuicklyThatTheServerIsAway(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	if _, err := Open(t.Context(), "esdb://127.0.0.1:1?tls=false", quick); !errors.Is(err, aggregate.ErrLogUnavailable) {
		t.Errorf("nobody listens: got %v, want ErrLogUnavailable", err)
	}
	s.silence()
	config := quick
	config.Timeout = 200 * time.Millisecond
	if _, err := Open(t.Context(), fmt.Sprintf("esdb://%s?tls=false", s.addr()), config); !errors.Is(err, aggregate.ErrLogUnavailable) {
		t.Errorf("nobody answers: got %v, want ErrLogUnavailable", err)
	}
}

func TestLogThatMayBeAwayWorksOnceItIsThere(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.open(Config{}).Close()
	s.cut()
	s.stop()
	config := quick
	config.ServerMayBeAway = true
	l := s.open(config)
	if err := l.Ping(t.Context()); !errors.Is(err, aggregate.ErrLogUnavailable) {
		t.Fatalf("got %v, want ErrLogUnavailable", err)
	}
	s.start()
	if _, err := appendThrough(t.Context(), l, newStream(), 0, proposals(1)); err != nil {
		t.Fatal(err)
	}
}

func TestNothingIsLostOrDoubledAcrossRestarts(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	l, stream := s.open(quick), newStream()
	_, messages := subscribeBatches(t, l, BatchConfig{From: from(events.Position{}), MaxEvents: 7})

	const chunks, size, restarts = 150, 10, 3
	batch := proposals(chunks * size)
	reached := make(chan struct{})
	written := make(chan error, 1)
	go func() {
		for i := range chunks {
			if i%(chunks/restarts) == chunks/restarts/2 {
				reached <- struct{}{}
			}
			if _, err := appendThrough(t.Context(), l, stream, uint64(i*size), batch[i*size:(i+1)*size]); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	var handled []events.Recorded
	done := make(chan error, 1)
	go func() {
		var err error
		handled, err = handleAll(t.Context(), messages, stream, chunks*size)
		done <- err
	}()
	for range restarts {
		<-reached
		s.restart()
	}
	if err := errors.Join(<-written, <-done); err != nil {
		t.Fatal(err)
	}
	wantIDs(t, collect(t, s.open(Config{}).Read(t.Context(), stream, 0)), batch)
	wantIDs(t, handled, batch)
}

func TestBrokenConnectionsAreReplaced(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	l, stream := s.open(quick), newStream()
	_, messages := subscribeBatches(t, l, BatchConfig{From: from(events.Position{})})
	var batch []events.Proposed
	for i := range uint64(20) {
		one := proposals(1)
		batch = append(batch, one...)
		if _, err := appendThrough(t.Context(), l, stream, i, one); err != nil {
			t.Fatal(err)
		}
		s.cut()
	}
	wantIDs(t, handle(t, messages, stream, 20), batch)
}

func TestHalfOpenConnectionIsNoticedAndReplaced(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	config := quick
	config.Timeout = 300 * time.Millisecond
	l, patient, stream := s.open(config), s.open(Config{}), newStream()
	sub, messages := subscribeBatches(t, l, BatchConfig{From: from(events.Position{})})
	batch := proposals(2)
	mustAppend(t, patient, stream, 0, batch[:1])
	wantIDs(t, handle(t, messages, stream, 1), batch[:1])

	s.silence()
	if _, err := l.Append(t.Context(), stream, 1, batch[1:]); !errors.Is(err, aggregate.ErrLogUnavailable) {
		t.Fatalf("append into silence: got %v, want ErrLogUnavailable", err)
	}
	awaitState(t, sub, func(st State) bool { return !st.CaughtUp })
	s.heal() // for new connections: the old ones stay silent
	if _, err := appendThrough(t.Context(), l, stream, 1, batch[1:]); err != nil {
		t.Fatal(err)
	}
	wantIDs(t, handle(t, messages, stream, 1), batch[1:])
	wantIDs(t, collect(t, s.open(Config{}).Read(t.Context(), stream, 0)), batch)
}

func TestCallsGiveUpWithTheirContextWhileConnecting(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	l := s.open(quick)
	s.silence()
	l.clients.discardIdle()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.Ping(ctx); !errors.Is(err, aggregate.ErrLogUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want ErrLogUnavailable for the deadline", err)
	}
}

func TestWrongPasswordIsDeniedAndNotTriedAgain(t *testing.T) {
	t.Parallel()
	n, err := node.Open(node.Config{Dir: t.TempDir(), Username: "ledger", Password: "right-one", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	mustAppend(t, open(t, n.ConnectionString(), Config{}), newStream(), 0, proposals(1))
	wrong := strings.Replace(n.ConnectionString(), "right-one", "wrong-one", 1)
	_, err = Open(t.Context(), wrong, Config{ServerMayBeAway: true})
	if !errors.Is(err, ErrDenied) || isUnavailable(err) || strings.Contains(err.Error(), "wrong-one") {
		t.Errorf("got %v, want ErrDenied", err)
	}
}

func TestClosedLogRefusesCalls(t *testing.T) {
	t.Parallel()
	l := startServer(t).open(Config{})
	l.Close()
	if err := l.Ping(t.Context()); !errors.Is(err, errClosed) || isUnavailable(err) {
		t.Errorf("got %v, want that the log was closed", err)
	}
	l.Close()
}

func TestRetriedAppendOfUnknownOutcomeIsRecordedOnce(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	l, patient, stream := s.open(quick), s.open(Config{}), newStream()
	batches := [][]events.Proposed{proposals(5), proposals(5)}
	mustAppend(t, patient, stream, 0, batches[0])
	// As if the answer had been lost on the way.
	mustAppend(t, patient, stream, 5, batches[1])
	s.silence()
	if _, err := l.Append(t.Context(), stream, 5, batches[1]); !isUnavailable(err) {
		t.Fatalf("got %v, want ErrLogUnavailable", err)
	}
	s.heal()
	if _, err := appendThrough(t.Context(), l, stream, 5, batches[1]); err != nil {
		t.Fatal(err)
	}
	wantIDs(t, collect(t, s.open(Config{}).Read(t.Context(), stream, 0)), slices.Concat(batches...))
}
