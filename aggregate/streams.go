package aggregate

import (
	"context"
	"errors"
	"iter"

	"importledger/events"
)

// Streams is what the aggregate needs of the log.
type Streams interface {
	// Append adds a batch to a stream as one unit and returns the position of its
	// last event. expected is the number of events the stream must hold: 0 for a
	// stream that must not exist, n for one whose last event has revision n-1.
	// Appending the same events (by id) at the same place again is the same
	// append and succeeds. Fails with ErrOvertaken if the stream holds something
	// else there, and with ErrLogUnavailable while the log cannot be reached;
	// after the latter the events may or may not have been recorded.
	Append(ctx context.Context, stream string, expected uint64, batch []events.Proposed) (events.Position, error)

	// Read yields a stream's events in order from revision from on. A stream that
	// does not exist yields ErrStreamNotFound.
	Read(ctx context.Context, stream string, from uint64) iter.Seq2[events.Recorded, error]

	// ReadBack yields a stream's events newest first, from revision from down
	// (LastRevision: from the end).
	ReadBack(ctx context.Context, stream string, from uint64) iter.Seq2[events.Recorded, error]
}

// LastRevision asks ReadBack to begin at the stream's end.
const LastRevision = ^uint64(0)

// What a Streams implementation reports, wrapped with its own words.
var (
	ErrStreamNotFound = errors.New("stream not found")
	ErrOvertaken      = errors.New("the stream has moved past the expected revision")
	ErrLogUnavailable = errors.New("the event log cannot be reached")
)
