package eventstore

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"importledger/aggregate"
	"importledger/events"
)

func collect(t *testing.T, seq iter.Seq2[events.Recorded, error]) []events.Recorded {
	t.Helper()
	var got []events.Recorded
	for e, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	return got
}

func firstError(seq iter.Seq2[events.Recorded, error]) error {
	for _, err := range seq {
		return err
	}
	return nil
}

func TestStreamIsReadBothWaysAsItWasAppended(t *testing.T) {
	t.Parallel()
	l, stream := sharedServer(t), newStream()
	batch := proposals(firstPage + fullPage + 7) // three pages
	begun := time.Now().Add(-time.Minute)
	last := events.Position{}
	for i, n := 0, 0; i < len(batch); i += n {
		n = min(100, len(batch)-i)
		last = mustAppend(t, l, stream, uint64(i), batch[i:i+n])
	}
	got := collect(t, l.Read(t.Context(), stream, 0))
	wantIDs(t, got, batch)
	for i, e := range got {
		same := e.Stream == stream && e.Revision == uint64(i) && e.Type == batch[i].Type &&
			bytes.Equal(e.Data, batch[i].Data) && bytes.Equal(e.Metadata, batch[i].Metadata)
		if !same || e.Recorded.Before(begun) || e.Recorded.Location() != time.UTC {
			t.Fatalf("event %d came back as %+v", i, e)
		}
	}
	if got[len(got)-1].Position != last {
		t.Errorf("last event is at %v, its append said %v", got[len(got)-1].Position, last)
	}
	wantIDs(t, collect(t, l.Read(t.Context(), stream, 130)), batch[130:])
	if rest := collect(t, l.Read(t.Context(), stream, uint64(len(batch)))); len(rest) != 0 {
		t.Errorf("%d events behind the end", len(rest))
	}

	slices.Reverse(batch)
	wantIDs(t, collect(t, l.ReadBack(t.Context(), stream, aggregate.LastRevision)), batch)
	wantIDs(t, collect(t, l.ReadBack(t.Context(), stream, 2)), batch[len(batch)-3:])
	for e, err := range l.ReadBack(t.Context(), stream, aggregate.LastRevision) {
		if err != nil || e.ID != batch[0].ID {
			t.Fatalf("newest event: %+v, %v", e, err)
		}
		break
	}
}

func TestAppendThatComesTooLateIsOvertaken(t *testing.T) {
	t.Parallel()
	l, stream := sharedServer(t), newStream()
	mustAppend(t, l, stream, 0, proposals(3))
	for _, expected := range []uint64{0, 2, 4} {
		if _, err := l.Append(t.Context(), stream, expected, proposals(2)); !errors.Is(err, aggregate.ErrOvertaken) {
			t.Errorf("expected %d of 3: got %v, want ErrOvertaken", expected, err)
		}
	}
	if n := len(collect(t, l.Read(t.Context(), stream, 0))); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
}

func TestRepeatedAppendIsTheSameAppend(t *testing.T) {
	t.Parallel()
	l, stream := sharedServer(t), newStream()
	first, second := proposals(3), proposals(2)
	p1 := mustAppend(t, l, stream, 0, first)
	p2 := mustAppend(t, l, stream, 3, second)
	if !p1.Before(p2) {
		t.Fatalf("%v is not before %v", p1, p2)
	}
	if p := mustAppend(t, l, stream, 0, first); p != p1 {
		t.Errorf("first append repeated: at %v, was at %v", p, p1)
	}
	if p := mustAppend(t, l, stream, 3, second); p != p2 {
		t.Errorf("second append repeated: at %v, was at %v", p, p2)
	}
	wantIDs(t, collect(t, l.Read(t.Context(), stream, 0)), slices.Concat(first, second))
}

func TestStreamThatDoesNotExistIsNotFound(t *testing.T) {
	t.Parallel()
	l, stream := sharedServer(t), newStream()
	for name, seq := range map[string]iter.Seq2[events.Recorded, error]{
		"forwards":  l.Read(t.Context(), stream, 0),
		"backwards": l.ReadBack(t.Context(), stream, aggregate.LastRevision),
	} {
		if err := firstError(seq); !errors.Is(err, aggregate.ErrStreamNotFound) || errors.Is(err, ErrStreamDeleted) {
			t.Errorf("%s: got %v, want ErrStreamNotFound", name, err)
		}
	}
}

func TestDeletedStreams(t *testing.T) {
	t.Parallel()
	l := sharedServer(t)
	soft, hard := newStream(), newStream()
	mustAppend(t, l, soft, 0, proposals(1))
	mustAppend(t, l, hard, 0, proposals(1))
	client := raw(t, l)
	if _, err := client.DeleteStream(t.Context(), soft, esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.TombstoneStream(t.Context(), hard, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	if err := firstError(l.Read(t.Context(), soft, 0)); !errors.Is(err, aggregate.ErrStreamNotFound) {
		t.Errorf("softly deleted: got %v, want ErrStreamNotFound", err)
	}
	err := firstError(l.Read(t.Context(), hard, 0))
	if !errors.Is(err, aggregate.ErrStreamNotFound) || !errors.Is(err, ErrStreamDeleted) {
		t.Errorf("tombstoned: got %v, want ErrStreamNotFound and ErrStreamDeleted", err)
	}
	if _, err := l.Append(t.Context(), hard, 1, proposals(1)); !errors.Is(err, ErrStreamDeleted) {
		t.Errorf("append to a tombstoned stream: got %v, want ErrStreamDeleted", err)
	}
}

func TestAppendAtTheLimitIsTaken(t *testing.T) {
	t.Parallel()
	l, stream := sharedServer(t), newStream()
	batch := []events.Proposed{{ID: uuid.New(), Type: "Wide", Data: make([]byte, maxAppend-8)}}
	if !Fits(batch) {
		t.Fatal("does not fit")
	}
	mustAppend(t, l, stream, 0, batch)
}

func TestCanceledCallSaysSoAndSpoilsNothing(t *testing.T) {
	t.Parallel()
	l, stream := sharedServer(t), newStream()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Append(ctx, stream, 0, proposals(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("append: got %v, want canceled", err)
	}
	if err := firstError(l.Read(ctx, stream, 0)); !errors.Is(err, context.Canceled) {
		t.Errorf("read: got %v, want canceled", err)
	}
	mustAppend(t, l, stream, 0, proposals(1))
}

func TestManyCallsShareTheLog(t *testing.T) {
	t.Parallel()
	l := startServer(t).open(Config{MaxCalls: 3})
	failed := make(chan error)
	for range 20 {
		go func() {
			stream := newStream()
			for i := range 10 {
				if _, err := l.Append(t.Context(), stream, uint64(i), proposals(1)); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range 20 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if n := len(l.clients.idle); n > 3 {
		t.Errorf("%d connections, want at most 3", n)
	}
}

func TestHeadIsTheLastEventOfTheLog(t *testing.T) {
	t.Parallel()
	l := startServer(t).open(Config{})
	before := mustHead(t, l)
	p := mustAppend(t, l, newStream(), 0, proposals(3))
	if head := mustHead(t, l); head != p || !before.Before(head) {
		t.Errorf("head was %v, is %v, want %v", before, head, p)
	}
}
