package eventstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"unicode/utf8"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"importledger/aggregate"
	"importledger/events"
)

// maxAppend is EventStoreDB's default limit for one append, in bytes as it
// counts them (see size).
const maxAppend = 1 << 20

// Append implements aggregate.Streams. It fails with ErrTooLarge, before
// anything is sent, for a batch that does not fit one append, and with
// ErrStreamDeleted for a tombstoned stream. To the server a softly deleted stream
// does not exist, so that an append with expected 0 brings it back; its events
// are numbered on from its old end.
func (l *Log) Append(ctx context.Context, stream string, expected uint64, batch []events.Proposed) (events.Position, error) {
	proposed, err := propose(batch)
	if err != nil {
		return events.Position{}, err
	}
	opts := esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}
	if expected > 0 {
		opts.ExpectedRevision = esdb.Revision(expected - 1)
	}
	var at events.Position
	err = l.call(ctx, "append to "+stream, func(ctx context.Context, client *esdb.Client) error {
		result, err := client.AppendToStream(ctx, stream, opts, proposed...)
		if err != nil {
			return err
		}
		at = events.Position{Commit: result.CommitPosition, Prepare: result.PreparePosition}
		return nil
	})
	if err != nil || at != (events.Position{}) {
		return at, err
	}
	// A server may leave the position of a repeated append out.
	return l.positionOf(ctx, stream, expected+uint64(len(batch))-1)
}

func (l *Log) positionOf(ctx context.Context, stream string, revision uint64) (events.Position, error) {
	page, err := l.page(ctx, stream, esdb.Forwards, esdb.Revision(revision), 1)
	if err != nil {
		return events.Position{}, err
	}
	if len(page) == 0 {
		return events.Position{}, fmt.Errorf("%w: what was appended to %s cannot be read yet", aggregate.ErrLogUnavailable, stream)
	}
	return page[0].Position, nil
}

// propose checks a batch and gives it the client's form.
func propose(batch []events.Proposed) ([]esdb.EventData, error) {
	if len(batch) == 0 {
		return nil, errors.New("an append needs at least one event")
	}
	if !Fits(batch) {
		return nil, fmt.Errorf("%w: %d events of %d bytes, at most %d bytes fit", ErrTooLarge, len(batch), batchSize(batch), maxAppend)
	}
	proposed := make([]esdb.EventData, len(batch))
	for i, e := range batch {
		switch {
		case e.ID == uuid.Nil:
			// The client would make one up, and a repeat would not be recognized.
			return nil, fmt.Errorf("event %d of the batch has no id", i)
		case e.Type == "":
			return nil, fmt.Errorf("event %d of the batch has no type", i)
		}
		proposed[i] = esdb.EventData{
			EventID: e.ID, EventType: e.Type, ContentType: esdb.ContentTypeJson, Data: e.Data, Metadata: e.Metadata,
		}
	}
	return proposed, nil
}

// Fits tells whether a batch is small enough for one append.
func Fits(batch []events.Proposed) bool { return batchSize(batch) <= maxAppend }

// Chunk cuts a batch, in order, into runs of at most maxEvents events that each
// fit one append. An event that is too large by itself comes alone; Append
// refuses it.
func Chunk(batch []events.Proposed, maxEvents int) iter.Seq[[]events.Proposed] {
	return func(yield func([]events.Proposed) bool) {
		from, bytes := 0, 0
		for i := range batch {
			next := size(&batch[i])
			if i > from && (i-from >= maxEvents || bytes+next > maxAppend) {
				if !yield(batch[from:i:i]) {
					return
				}
				from, bytes = i, 0
			}
			bytes += next
		}
		if from < len(batch) {
			yield(batch[from:])
		}
	}
}

func batchSize(batch []events.Proposed) int {
	sum := 0
	for i := range batch {
		sum += size(&batch[i])
	}
	return sum
}

// size is what the server counts an event as: data and metadata, and the type
// in UTF-16. Older servers count less, never more.
func size(e *events.Proposed) int {
	units := utf8.RuneCountInString(e.Type)
	for _, r := range e.Type {
		if r > 0xFFFF {
			units++
		}
	}
	return len(e.Data) + len(e.Metadata) + 2*units
}
