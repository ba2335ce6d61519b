package eventstore

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"importledger/events"
)

func sized(n, bytes int) []events.Proposed {
	batch := make([]events.Proposed, n)
	for i := range batch {
		batch[i] = events.Proposed{ID: uuid.New(), Type: "Kind", Data: make([]byte, bytes-10), Metadata: []byte("{}")}
	}
	return batch
}

func TestEventCountsWithDataMetadataAndTypeInUTF16(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string]int{"": 7, "Kind": 15, "Größe": 17, "😀": 11} {
		e := events.Proposed{Type: typ, Data: []byte("12345"), Metadata: []byte("{}")}
		if got := size(&e); got != want {
			t.Errorf("type %q: size %d, want %d", typ, got, want)
		}
	}
}

func TestBatchOfExactlyTheLimitFits(t *testing.T) {
	t.Parallel()
	batch := sized(4, maxAppend/4)
	if !Fits(batch) {
		t.Fatal("4 × 256 KiB do not fit")
	}
	batch[2].Data = append(batch[2].Data, 'x')
	if Fits(batch) {
		t.Fatal("one byte more still fits")
	}
}

func TestChunksKeepOrderAndEachFits(t *testing.T) {
	t.Parallel()
	batch := slices.Concat(sized(3, 100), sized(1, maxAppend), sized(2500, 1000), sized(1, maxAppend+1), sized(2, 50))
	var joined []events.Proposed
	for chunk := range Chunk(batch, 1000) {
		if len(chunk) == 0 || len(chunk) > 1000 {
			t.Fatalf("chunk of %d events", len(chunk))
		}
		if !Fits(chunk) && len(chunk) > 1 {
			t.Fatalf("chunk of %d events and %d bytes does not fit", len(chunk), batchSize(chunk))
		}
		joined = append(joined, chunk...)
	}
	same := slices.EqualFunc(joined, batch, func(a, b events.Proposed) bool {
		return a.ID == b.ID && bytes.Equal(a.Data, b.Data)
	})
	if !same {
		t.Fatal("the chunks do not make up the batch")
	}
}

func TestChunkOfNothingIsNothing(t *testing.T) {
	t.Parallel()
	for range Chunk(nil, 10) {
		t.Fatal("got a chunk")
	}
}

func TestBadBatchesAreRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	if _, err := propose(sized(1, maxAppend+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: got %v, want ErrTooLarge", err)
	}
	if _, err := propose(nil); err == nil {
		t.Error("an empty batch was taken")
	}
	nameless, untyped := sized(2, 20), sized(2, 20)
	nameless[1].ID = uuid.Nil
	untyped[1].Type = ""
	for name, batch := range map[string][]events.Proposed{"no id": nameless, "no type": untyped} {
		if _, err := propose(batch); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}
