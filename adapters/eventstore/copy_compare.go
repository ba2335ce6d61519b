package eventstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"

	"importledger/events"
)

// Content is what a log holds of the ledger. Logs of equal digests hold the same
// events in the same order; positions and the times at which a server recorded them are
// left out.
type Content struct {
	Events    uint64 `json:"events"`
	Streams   uint64 `json:"streams"`
	Unchained uint64 `json:"unchained"` // of the events: recorded before there were chains
	Digest    string `json:"digest"`    // SHA-256, hex
}

// comparison is what two logs have in common, from the beginning on.
type comparison struct {
	source, target Content
	until          events.Position // in the source, of the last event that they share
	behind         bool            // the source goes on there
}

// compare reads both logs side by side until one ends, and follows the source's chains.
// A target that holds anything else than the source does is refused.
func (c *Copy) compare(ctx context.Context, step CopyStep, chains *chains) (found comparison, err error) {
	source, err := openReading(ctx, c.From, events.Position{})
	if err != nil {
		return found, err
	}
	defer source.close()
	target, err := openReading(ctx, c.To, events.Position{})
	if err != nil {
		return found, err
	}
	defer target.close()
	left, right := newTally(), newTally()
	defer func() {
		found.source, found.target = left.content(chains.unchained), right.content(chains.unchained)
	}()
	for {
		e, err := target.next(ctx)
		if err != nil {
			return found, err
		}
		if e == nil {
			more, err := source.next(ctx)
			found.behind = more != nil
			return found, err
		}
		o, err := source.next(ctx)
		switch {
		case err != nil:
			return found, err
		case o == nil:
			return found, refused(ErrCopyTargetDiffers, nil,
				"the target has gone on where the source ends, first with event %d@%s (%s): a ledger has written to it, and it cannot become the source again; copy into an empty event store", e.Revision, e.Stream, e.Type)
		case !sameEvent(o, e):
			return found, refused(ErrCopyTargetDiffers, nil,
				"the target holds other events than the source: after %d equal ones it has event %d@%s (%s) where the source has %d@%s (%s); copy into an empty event store",
				left.events, e.Revision, e.Stream, e.Type, o.Revision, o.Stream, o.Type)
		}
		if err := chains.follow(ctx, *o); err != nil {
			return found, err
		}
		left.add(o)
		right.add(e)
		found.until = o.Position
		if left.events%copyBatch == 0 {
			c.report(CopyProgress{Step: step, Events: left.events, At: found.until, End: source.end})
		}
	}
}

// sameEvent leaves out where and when a log recorded an event.
func sameEvent(a, b *events.Recorded) bool {
	return a.ID == b.ID && a.Revision == b.Revision && a.Stream == b.Stream && a.Type == b.Type &&
		bytes.Equal(a.Data, b.Data) && bytes.Equal(a.Metadata, b.Metadata)
}

// tally counts events and digests them.
type tally struct {
	events, streams uint64
	hash            hash.Hash
	buffer          []byte
}

func newTally() *tally { return &tally{hash: sha256.New()} }

// add hashes the event's revision and id, and stream, type, data and metadata, each
// behind its length, so that no two logs look alike by where one text ends.
func (t *tally) add(e *events.Recorded) {
	t.events++
	if e.Revision == 0 {
		t.streams++
	}
	b := binary.AppendUvarint(t.buffer[:0], e.Revision)
	b = append(b, e.ID[:]...)
	for _, part := range [][]byte{[]byte(e.Stream), []byte(e.Type), e.Data, e.Metadata} {
		b = append(binary.AppendUvarint(b, uint64(len(part))), part...)
	}
	t.hash.Write(b) // a hash.Hash never fails
	t.buffer = b
}

func (t *tally) content(unchained uint64) Content {
	return Content{Events: t.events, Streams: t.streams, Unchained: unchained, Digest: hex.EncodeToString(t.hash.Sum(nil))}
}
