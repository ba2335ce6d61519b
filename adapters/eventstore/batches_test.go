package eventstore

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"importledger/events"
)

func TestBatchesFollowEachOtherInLogOrder(t *testing.T) {
	t.Parallel()
	l := sharedServer(t)
	start := mustHead(t, l)
	stream, batch := newStream(), proposals(1000)
	for i := 0; i < len(batch); i += 100 {
		mustAppend(t, l, stream, uint64(i), batch[i:i+100])
	}
	_, messages := subscribeBatches(t, l, BatchConfig{From: from(start), MaxEvents: 64})
	var got []events.Recorded
	last := start
	for len(got) < len(batch) {
		m, b := next(t, messages)
		if len(b.Events) > 64 {
			t.Fatalf("a batch of %d events", len(b.Events))
		}
		for _, e := range b.Events {
			if !last.Before(e.Position) {
				t.Fatalf("%v comes after %v", e.Position, last)
			}
			last = e.Position
			if e.Stream == stream {
				got = append(got, e)
			}
		}
		if b.Until.Before(last) {
			t.Fatalf("a batch until %v ends with an event at %v", b.Until, last)
		}
		last = b.Until
		m.Ack()
	}
	wantIDs(t, got, batch)
	if got[0].Type != batch[0].Type || string(got[7].Data) != string(batch[7].Data) || string(got[7].Metadata) != string(batch[7].Metadata) {
		t.Errorf("event came as %+v", got[7])
	}
}

func TestLiveEventsComeAndTheStateFollows(t *testing.T) {
	t.Parallel()
	l, stream := startServer(t).open(Config{}), newStream()
	s, messages := subscribeBatches(t, l, BatchConfig{From: from(events.Position{})})
	for i := range uint64(5) {
		one := proposals(1)
		p := mustAppend(t, l, stream, i, one)
		m, b := next(t, messages)
		wantIDs(t, b.Events, one)
		if s.State().CaughtUp && !s.State().Acked.Before(p) {
			t.Error("caught up before the ack")
		}
		m.Ack()
		awaitState(t, s, func(st State) bool { return st.CaughtUp && st.Acked == p && !st.Seen.Before(p) })
	}
}

// awaitState looks at the state until it is as wanted; State has no signal.
func awaitState(t *testing.T, s *BatchSubscriber, want func(State) bool) {
	t.Helper()
	pause := backoff{first: time.Millisecond, max: 5 * time.Millisecond}
	for !want(s.State()) {
		if err := pause.wait(t.Context()); err != nil {
			t.Fatalf("state stays %+v", s.State())
		}
	}
}

func TestNextBatchWaitsForTheAckAndCollectsMeanwhile(t *testing.T) {
	t.Parallel()
	l, stream := startServer(t).open(Config{}), newStream()
	s, messages := subscribeBatches(t, l, BatchConfig{From: from(events.Position{})})
	batch := proposals(30)
	mustAppend(t, l, stream, 0, batch[:1])
	m, b := next(t, messages)
	wantIDs(t, b.Events, batch[:1])
	for i := 1; i < 30; i++ {
		mustAppend(t, l, stream, uint64(i), batch[i:i+1])
	}
	end := mustHead(t, l)
	awaitState(t, s, func(st State) bool { return st.Seen == end })
	select {
	case <-messages:
		t.Fatal("the next batch came before the ack")
	default:
	}
	m.Ack()
	m, b = next(t, messages)
	wantIDs(t, b.Events, batch[1:])
	m.Ack()
}

func TestNackedBatchComesAgainUntilItIsAcked(t *testing.T) {
	t.Parallel()
	l, stream := sharedServer(t), newStream()
	start := mustHead(t, l)
	batch := proposals(20)
	mustAppend(t, l, stream, 0, batch)
	_, messages := subscribeBatches(t, l, BatchConfig{
		From: from(start), MaxEvents: 10, NackDelay: time.Millisecond, MaxNackDelay: time.Millisecond,
	})
	m, first := next(t, messages)
	for range 5 {
		m.Nack()
		again, b := next(t, messages)
		if again.UUID != m.UUID || !slices.EqualFunc(b.Events, first.Events, func(a, b events.Recorded) bool { return a.ID == b.ID }) {
			t.Fatal("another batch came after the nack")
		}
		m = again
	}
	m.Ack()
	if _, b := next(t, messages); b.Events[0].ID == first.Events[0].ID {
		t.Fatal("the batch came again after its ack")
	}
}

func TestLongStretchesOfOthersBecomeProgress(t *testing.T) {
	t.Parallel()
	l := startServer(t).open(Config{})
	others := proposals(1000)
	for i := range 2 * searchWindow * checkpointEvery / len(others) {
		for j := range others {
			others[j] = proposals(1)[0]
		}
		mustAppend(t, l, "other-stream", uint64(i*len(others)), others)
	}
	_, messages := subscribeBatches(t, l, BatchConfig{From: from(events.Position{})})
	m, b := next(t, messages)
	if len(b.Events) != 0 || b.Until == (events.Position{}) {
		t.Fatalf("got %d events until %v, want none until a later place", len(b.Events), b.Until)
	}
	m.Ack()
}

func TestSubscriptionAsksFromUntilItKnows(t *testing.T) {
	t.Parallel()
	l, stream := startServer(t).open(Config{}), newStream()
	batch := proposals(10)
	p := mustAppend(t, l, stream, 0, batch[:4])
	mustAppend(t, l, stream, 4, batch[4:])
	asked := 0
	_, messages := subscribeBatches(t, l, BatchConfig{
		NackDelay: time.Millisecond,
		From: func(context.Context) (events.Position, error) {
			if asked++; asked < 3 {
				return events.Position{}, errors.New("the database is away")
			}
			return p, nil
		},
	})
	wantIDs(t, handle(t, messages, stream, 6), batch[4:])
}

func TestClosedSubscriberClosesItsChannelAndTakesNoMore(t *testing.T) {
	t.Parallel()
	l := startServer(t).open(Config{})
	mustAppend(t, l, newStream(), 0, proposals(10))
	s, messages := subscribeBatches(t, l, BatchConfig{From: from(events.Position{}), MaxEvents: 2})
	if _, err := s.Subscribe(t.Context(), "second"); err == nil {
		t.Error("a second subscription was taken")
	}
	m, _ := next(t, messages) // neither acked nor nacked
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	<-m.Context().Done()
	if _, open := <-messages; open {
		t.Error("a message came after Close")
	}
	if _, err := s.Subscribe(t.Context(), "third"); err == nil {
		t.Error("a closed subscriber took a subscription")
	}
}

func TestCanceledSubscriptionMakesRoomForAnother(t *testing.T) {
	t.Parallel()
	l, stream := startServer(t).open(Config{}), newStream()
	batch := proposals(10)
	mustAppend(t, l, stream, 0, batch)
	s, err := NewBatchSubscriber(l, BatchConfig{From: from(events.Position{})})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	messages, err := s.Subscribe(ctx, "first")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	drain(messages)
	messages, err = s.Subscribe(t.Context(), "second")
	if err != nil {
		t.Fatal(err)
	}
	wantIDs(t, handle(t, messages, stream, 10), batch)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func drain(messages <-chan *message.Message) {
	for m := range messages {
		m.Nack()
	}
}

func TestBatchSubscriberNeedsAStart(t *testing.T) {
	t.Parallel()
	if _, err := NewBatchSubscriber(nil, BatchConfig{}); err == nil {
		t.Error("no From was taken")
	}
}
