package api

import (
	"context"
	"iter"
	"sync"
	"time"

	"importledger/events"
	"importledger/projections"
)

// Log is the event log as far as reading it goes beyond aggregate.Streams.
type Log interface {
	// CatchUp yields the ledger's events after a position in batches, up to the
	// log's end as of the call. The last batch's Until is that end.
	CatchUp(ctx context.Context, after events.Position, batchSize int) iter.Seq2[events.Batch, error]
}

// logEnd is where the log ends and how many events of the ledger lie up to there.
type logEnd struct {
	position events.Position
	events   uint64
}

func (e logEnd) lag(s projections.Status) uint64 {
	if s.Applied >= e.events {
		return 0
	}
	return e.events - s.Applied
}

const (
	countBatch = 500
	countFor   = 500 * time.Millisecond // one question reads the log at most so long
)

// endFinder counts the log's events by reading on from the furthest place whose
// count is known: the read model that is most ahead, or where it came to before. So
// a current ledger costs next to nothing, and one that is far behind is counted in
// steps, each of which reports at least what it has counted.
type endFinder struct {
	log Log

	mu    sync.Mutex
	known logEnd
}

func (f *endFinder) find(ctx context.Context, all []projections.Status) (logEnd, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range all {
		if f.known.position.Before(s.Position) {
			f.known = logEnd{s.Position, s.Applied}
		}
	}
	// A deadline alone would not do: the server may notice it before we do, and that
	// looks like a log that cannot be reached.
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, 2*countFor)
	defer cancel()
	for batch, err := range f.log.CatchUp(limited, f.known.position, countBatch) {
		if err != nil && limited.Err() != nil && ctx.Err() == nil {
			return f.known, nil
		}
		if err != nil {
			return f.known, err
		}
		f.known = logEnd{batch.Until, f.known.events + uint64(len(batch.Events))}
		if time.Since(began) >= countFor {
			break
		}
	}
	return f.known, nil
}
