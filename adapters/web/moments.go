package web

import (
	"context"
	"errors"
	"sync"

	"importledger/aggregate"
	"importledger/events"
)

// moments remembers when some rows of imports were decided, for their plots: facts
// never change, so that a page that is looked at again reads only what is new.
type moments struct {
	mu       sync.Mutex
	byImport map[string]*timeline
}

// timeline is one import's: the revision of its first row, and the times of rows.
type timeline struct {
	firstRow uint64 // 0: no row yet
	at       map[int]int64
}

// maxTimelines bounds the memory: about 1 kB each.
const maxTimelines = 512

func (m *moments) of(importID string) *timeline {
	if m.byImport == nil || len(m.byImport) >= maxTimelines && m.byImport[importID] == nil {
		m.byImport = map[string]*timeline{} // read again when they are looked at again
	}
	if m.byImport[importID] == nil {
		m.byImport[importID] = &timeline{at: map[int]int64{}}
	}
	return m.byImport[importID]
}

// decidedAt gives the time of each of some rows that are decided, in milliseconds of
// the Unix epoch. It reads one event for each row that it does not know.
func (v *visit) decidedAt(importID string, rows []int) ([]int64, error) {
	first, err := v.firstRow(importID)
	if err != nil || first == 0 {
		return nil, err
	}
	times := make([]int64, len(rows))
	for i, row := range rows {
		if times[i], err = v.rowTime(importID, row, first); err != nil {
			return nil, err
		}
	}
	return times, nil
}

func (v *visit) rowTime(importID string, row int, first uint64) (int64, error) {
	v.moments.mu.Lock()
	at, known := v.moments.of(importID).at[row]
	v.moments.mu.Unlock()
	if known {
		return at, nil
	}
	e, err := v.eventAt(importID, first+uint64(row-1)) //nolint:gosec // rows count from 1
	if err != nil {
		return 0, err
	}
	v.moments.mu.Lock()
	v.moments.of(importID).at[row] = e.Meta.At
	v.moments.mu.Unlock()
	return e.Meta.At, nil
}

// firstRow is the revision of an import's first row, 0 where there is none: all rows
// follow it without a gap.
func (v *visit) firstRow(importID string) (uint64, error) {
	v.moments.mu.Lock()
	first := v.moments.of(importID).firstRow
	v.moments.mu.Unlock()
	if first > 0 {
		return first, nil
	}
	for r, err := range v.Streams.Read(v.ctx(), events.ImportStream(importID), 0) {
		if err != nil {
			return 0, err
		}
		if isRow(r.Type) {
			v.moments.mu.Lock()
			v.moments.of(importID).firstRow = r.Revision
			v.moments.mu.Unlock()
			return r.Revision, nil
		}
	}
	return 0, nil
}

// isRow tells the outcome of a row from the events of an import as a whole.
func isRow(eventType string) bool {
	return eventType == events.Name(events.RowAccepted{}) || eventType == events.Name(events.RowRejected{})
}

// eventAt reads one event of an import.
func (v *visit) eventAt(importID string, revision uint64) (events.Envelope, error) {
	r, err := readOne(v.ctx(), v.Streams, importID, revision)
	if err != nil {
		return events.Envelope{}, err
	}
	return events.Decode(r)
}

func readOne(ctx context.Context, streams aggregate.Streams, importID string, revision uint64) (events.Recorded, error) {
	for r, err := range streams.Read(ctx, events.ImportStream(importID), revision) {
		if errors.Is(err, aggregate.ErrStreamNotFound) {
			err = aggregate.ErrNotFound
		}
		if err == nil && r.Revision != revision {
			err = aggregate.ErrRevisionNotFound
		}
		return r, err
	}
	return events.Recorded{}, aggregate.ErrRevisionNotFound
}
