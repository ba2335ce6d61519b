package eventstore

import (
	"context"
	"errors"
	"testing"

	"importledger/aggregate"
	"importledger/events"
)

func catchUp(t *testing.T, l *Log, after events.Position, size int) []events.Batch {
	t.Helper()
	var got []events.Batch
	for b, err := range l.CatchUp(t.Context(), after, size) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b)
	}
	return got
}

func TestCatchUpYieldsTheRestOfTheLogInBatches(t *testing.T) {
	t.Parallel()
	l := sharedServer(t)
	mustAppend(t, l, newStream(), 0, proposals(5))
	after := mustHead(t, l)
	stream, batch := newStream(), proposals(25)
	mustAppend(t, l, stream, 0, batch[:12])
	mustAppend(t, l, "other-"+stream, 0, proposals(3))
	mustAppend(t, l, stream, 12, batch[12:])
	end := mustHead(t, l)

	var got []events.Recorded
	batches := catchUp(t, l, after, 10)
	for i, b := range batches {
		if len(b.Events) > 10 {
			t.Errorf("batch %d has %d events", i, len(b.Events))
		}
		for _, e := range b.Events {
			if !after.Before(e.Position) || b.Until.Before(e.Position) {
				t.Fatalf("event at %v after %v in a batch until %v", e.Position, after, b.Until)
			}
			after = e.Position
			if e.Stream == stream {
				got = append(got, e)
			}
		}
	}
	wantIDs(t, got, batch)
	if last := batches[len(batches)-1].Until; last.Before(end) {
		t.Errorf("ended at %v, the end was %v", last, end)
	}
}

func TestCatchUpEndsAtOnceWhereNothingIsNew(t *testing.T) {
	t.Parallel()
	l := startServer(t).open(Config{})
	if got := catchUp(t, l, mustHead(t, l), 10); len(got) != 0 {
		t.Errorf("empty log: %+v", got)
	}
	p := mustAppend(t, l, newStream(), 0, proposals(5))
	if got := catchUp(t, l, p, 10); len(got) != 0 {
		t.Errorf("nothing new: %+v", got)
	}
	p2 := mustAppend(t, l, "other-stream", 0, proposals(5))
	got := catchUp(t, l, p, 10)
	if len(got) != 1 || len(got[0].Events) != 0 || got[0].Until != p2 {
		t.Errorf("only events of others: %+v, want one empty batch until %v", got, p2)
	}
}

func TestCatchUpEndsWhereTheLogEndedAtTheCall(t *testing.T) {
	t.Parallel()
	l, stream := startServer(t).open(Config{}), newStream()
	end := mustAppend(t, l, stream, 0, proposals(20))
	var last events.Position
	count, appended := 0, uint64(20)
	for b, err := range l.CatchUp(t.Context(), events.Position{}, 10) {
		if err != nil {
			t.Fatal(err)
		}
		count += len(b.Events)
		last = b.Until
		mustAppend(t, l, stream, appended, proposals(5))
		appended += 5
	}
	if count != 20 || last != end {
		t.Errorf("%d events until %v, want 20 until %v", count, last, end)
	}
}

func TestCatchUpCanBeLeft(t *testing.T) {
	t.Parallel()
	l := sharedServer(t)
	after := mustHead(t, l)
	mustAppend(t, l, newStream(), 0, proposals(50))
	for _, err := range l.CatchUp(t.Context(), after, 10) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	var failure error
	for _, err := range l.CatchUp(ctx, after, 10) {
		failure = err
		cancel()
	}
	cancel()
	if !errors.Is(failure, context.Canceled) {
		t.Errorf("canceled: got %v", failure)
	}
}

func TestCatchUpSaysWhenTheLogIsAway(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	l := s.open(quick)
	mustAppend(t, l, newStream(), 0, proposals(50))
	s.silence()
	var failure error
	for _, err := range l.CatchUp(t.Context(), events.Position{}, 10) {
		failure = err
	}
	if !errors.Is(failure, aggregate.ErrLogUnavailable) {
		t.Errorf("got %v, want ErrLogUnavailable", failure)
	}
	s.heal()
}
