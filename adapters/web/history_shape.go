package web

import (
	"errors"

	"importledger/aggregate"
	"importledger/events"
)

// shape is where the rows lie in an import's stream: events about the import as a
// whole, then one event for each decided row without a gap, then how it ended. It is
// found by reading the two ends, so that it costs the same for any import.
type shape struct {
	events   uint64 // in all
	firstRow uint64 // revision of row 1; only where rows > 0
	rows     uint64
	position events.Position            // of the last event
	whole    map[uint64]events.Recorded // events of the whole import that were read on the way
}

// rowAt gives the row of a revision; ok is false for an event of the whole import.
func (s shape) rowAt(revision uint64) (row int, ok bool) {
	if s.rows == 0 || revision < s.firstRow || revision >= s.firstRow+s.rows {
		return 0, false
	}
	return int(revision-s.firstRow) + 1, true
}

// Events is how many there are.
func (s shape) Events() uint64 { return s.events }

// revisionOf gives the revision of a decided row.
func (s shape) revisionOf(row int) uint64 { return s.firstRow + uint64(row-1) }

func (v *visit) shapeOf(importID string) (shape, error) {
	s := shape{whole: map[uint64]events.Recorded{}}
	for r, err := range v.Streams.ReadBack(v.ctx(), events.ImportStream(importID), aggregate.LastRevision) {
		if errors.Is(err, aggregate.ErrStreamNotFound) {
			return s, aggregate.ErrNotFound
		}
		if err != nil {
			return s, err
		}
		if r.Revision+1 > s.events {
			s.events, s.position = r.Revision+1, r.Position
		}
		if !isRow(r.Type) {
			s.whole[r.Revision] = r
			continue
		}
		first, err := v.firstRow(importID)
		if err != nil {
			return s, err
		}
		s.firstRow, s.rows = first, r.Revision-first+1
		return s, nil
	}
	if s.events == 0 {
		return s, aggregate.ErrNotFound
	}
	return s, nil
}
