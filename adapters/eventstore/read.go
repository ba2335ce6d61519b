package eventstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"importledger/aggregate"
	"importledger/events"
)

// Streams are read in pages, so that no connection waits for the reader, and
// every page has a deadline of its own. The first page is small: most readers
// want only the beginning, or one event.
const (
	firstPage = 16
	fullPage  = 1024
)

var _ aggregate.Streams = (*Log)(nil)

// Read implements aggregate.Streams. A tombstoned stream yields an error that is
// both ErrStreamDeleted and aggregate.ErrStreamNotFound. Events that are appended
// while it reads are read too.
func (l *Log) Read(ctx context.Context, stream string, from uint64) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		next := from
		for count := firstPage; ; count = fullPage {
			page, err := l.page(ctx, stream, esdb.Forwards, esdb.Revision(next), count)
			if !yieldPage(yield, page, err) || len(page) < count {
				return
			}
			next = page[len(page)-1].Revision + 1
		}
	}
}

// ReadBack implements aggregate.Streams, with errors like those of Read.
func (l *Log) ReadBack(ctx context.Context, stream string, from uint64) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		var next esdb.StreamPosition = esdb.Revision(from)
		if from == aggregate.LastRevision {
			next = esdb.End{}
		}
		for count := firstPage; ; count = fullPage {
			page, err := l.page(ctx, stream, esdb.Backwards, next, count)
			if !yieldPage(yield, page, err) || len(page) < count {
				return
			}
			oldest := page[len(page)-1].Revision
			if oldest == 0 {
				return
			}
			next = esdb.Revision(oldest - 1)
		}
	}
}

func yieldPage(yield func(events.Recorded, error) bool, page []events.Recorded, err error) bool {
	if err != nil {
		yield(events.Recorded{}, err)
		return false
	}
	for _, e := range page {
		if !yield(e, nil) {
			return false
		}
	}
	return true
}

// page reads up to count events; fewer mean that the stream ends there.
func (l *Log) page(ctx context.Context, stream string, direction esdb.Direction, from esdb.StreamPosition, count int) ([]events.Recorded, error) {
	var page []events.Recorded
	err := l.call(ctx, "read "+stream, func(ctx context.Context, client *esdb.Client) error {
		read, err := client.ReadStream(ctx, stream, esdb.ReadStreamOptions{Direction: direction, From: from}, uint64(count))
		if err != nil {
			return err
		}
		defer read.Close()
		for {
			e, err := read.Recv()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			page = append(page, recorded(e.OriginalEvent()))
		}
	})
	if errors.Is(err, ErrStreamDeleted) {
		err = fmt.Errorf("%w: %w", aggregate.ErrStreamNotFound, err)
	}
	return page, err
}

// length gives the number of events that a stream holds, 0 for one that does not
// exist.
func (l *Log) length(ctx context.Context, stream string) (uint64, error) {
	last, err := l.page(ctx, stream, esdb.Backwards, esdb.End{}, 1)
	switch {
	case errors.Is(err, ErrStreamDeleted):
		return 0, err
	case errors.Is(err, aggregate.ErrStreamNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	case len(last) == 0:
		return 0, nil
	}
	return last[0].Revision + 1, nil
}
