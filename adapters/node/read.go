package node

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"
)

// A page is what a reader takes from the log at a time: enough to be quick, little enough that many slow readers cost
// little memory, and no hold on the log's files while a slow reader thinks.
const (
	pageBytes  = 64 << 10
	pageEvents = 512
	pageScan   = 4096 // events looked at, wanted or not
)

// page collects the answers of one read.
type page struct {
	responses [][]byte
	buffer    []byte // where the next answer goes; earlier answers keep their buffers
	size      int
	events    uint64
	scanned   int
}

const firstBuffer = 2 << 10 // a live reader mostly gets a page of few events

// pageLike makes a page for a reader whose last one had so many bytes.
func pageLike(size int) *page {
	p := &page{}
	if size > firstBuffer {
		p.buffer = make([]byte, 0, min(size, pageBytes))
	}
	return p
}

// add copies a record's response into the page.
func (p *page) add(r record) {
	response := r.response()
	if len(response) > cap(p.buffer)-len(p.buffer) {
		grown := min(max(firstBuffer, 2*cap(p.buffer)), pageBytes)
		p.buffer = make([]byte, 0, max(grown, len(response)))
	}
	from := len(p.buffer)
	p.buffer = append(p.buffer, response...)
	p.responses = append(p.responses, p.buffer[from:len(p.buffer):len(p.buffer)])
	p.size += len(response)
	p.events++
}

func (p *page) full() bool {
	return p.size >= pageBytes || len(p.responses) >= pageEvents || p.scanned >= pageScan
}

// scan calls visit for the records from one position on, in the given direction, until visit says stop.
// It sees positions 1 to limit; the record is good until visit returns.
func (l *eventLog) scan(from, limit uint64, forwards bool, visit func(position uint64, r record) (more bool)) (err error) {
	iter, err := l.db.NewIter(&pebble.IterOptions{LowerBound: eventKey(1), UpperBound: eventKey(limit + 1)})
	if err != nil {
		return fmt.Errorf("node: read the log: %w", err)
	}
	defer closing(iter, &err)
	valid, next := iter.SeekGE(eventKey(from)), iter.Next
	if !forwards {
		valid, next = iter.SeekLT(eventKey(from+1)), iter.Prev
	}
	for ; valid; valid = next() {
		r := record(iter.Value())
		if err := r.check(); err != nil {
			return fmt.Errorf("%w: position %d", err, binary.BigEndian.Uint64(iter.Key()[1:]))
		}
		if !visit(binary.BigEndian.Uint64(iter.Key()[1:]), r) {
			break
		}
	}
	return iter.Error()
}

// span is a stretch of a stream: revisions from low to high, of which only those up to a position in the log are there
// to be seen.
type span struct {
	stream    uint64
	low, high int64
	limit     uint64
}

// visible is what readers of a stream may see of it now.
func (l *eventLog) visible(h *head) span {
	return span{stream: h.id, low: h.first(), high: h.last, limit: l.durable.load()}
}

// scanStream calls visit for the records of a span, from its low or its high end on, until visit says stop.
func (l *eventLog) scanStream(s span, forwards bool, visit func(revision int64, r record) (more bool)) (err error) {
	runs, err := l.db.NewIter(&pebble.IterOptions{LowerBound: runKey(s.stream, 0), UpperBound: runKey(s.stream+1, 0)})
	if err != nil {
		return fmt.Errorf("node: read a stream: %w", err)
	}
	defer closing(runs, &err)
	from, step := s.low, runs.Next
	if !forwards {
		from, step = s.high, runs.Prev
	}
	for valid := runs.SeekGE(runKey(s.stream, from)); valid; valid = step() {
		r, err := decodeRun(runs.Value())
		if err != nil {
			return err
		}
		last := int64(binary.BigEndian.Uint64(runs.Key()[1+8:]))
		low, high := max(s.low, r.first), min(s.high, last)
		if low > high {
			return nil
		}
		start, end := r.at(low), r.at(high)
		if !forwards {
			start, end = end, start
		}
		more := true
		err = l.scan(start, min(s.limit, max(start, end)), forwards, func(position uint64, rec record) bool {
			if position < r.at(low) {
				return false
			}
			more = visit(r.first+int64(position-r.position), rec)
			return more && position != end
		})
		if err != nil || !more {
			return err
		}
	}
	return runs.Error()
}

// positionOf returns where an event of a stream stands in the log.
func (l *eventLog) positionOf(stream uint64, revision int64) (position uint64, err error) {
	runs, err := l.db.NewIter(&pebble.IterOptions{LowerBound: runKey(stream, revision), UpperBound: runKey(stream+1, 0)})
	if err != nil {
		return 0, fmt.Errorf("node: find an event: %w", err)
	}
	defer closing(runs, &err)
	if !runs.First() {
		return 0, fmt.Errorf("%w: a stream's index misses revision %d", errCorruptRecord, revision)
	}
	r, err := decodeRun(runs.Value())
	return r.at(revision), err
}

// eventIDs returns the ids of up to count events of a stream, hidden ones and those not yet on disk included.
func (l *eventLog) eventIDs(h *head, from int64, count int) (ids []uuid.UUID, err error) {
	if count == 0 {
		return nil, nil
	}
	all := span{stream: h.id, low: from, high: min(h.last, from+int64(count)-1), limit: math.MaxInt64}
	var undecodable error
	err = l.scanStream(all, true, func(_ int64, r record) bool {
		event, err := r.decode()
		if err != nil {
			undecodable = err
			return false
		}
		id := event.GetId().GetStructured()
		ids = append(ids, uuidOf(id.GetMostSignificantBits(), id.GetLeastSignificantBits()))
		return true
	})
	return ids, errors.Join(err, undecodable)
}

// lastData returns the data of a stream's last event, nil if it has none.
func (l *eventLog) lastData(stream string) ([]byte, error) {
	h, err := l.head(stream)
	if err != nil || h.last < 0 {
		return nil, err
	}
	event, err := l.event(h.id, h.last)
	return event.GetData(), err
}

func (l *eventLog) event(stream uint64, revision int64) (event *recordedEvent, err error) {
	position, err := l.positionOf(stream, revision)
	if err != nil {
		return nil, err
	}
	value, closer, err := l.db.Get(eventKey(position))
	if err != nil {
		return nil, fmt.Errorf("node: read position %d: %w", position, err)
	}
	defer closing(closer, &err)
	return record(value).decode()
}

// createdAt returns when an event was recorded, in 100 ns since 1970.
func createdAt(event *recordedEvent) (int64, error) {
	created, err := strconv.ParseInt(event.GetMetadata()["created"], 10, 64)
	if err != nil {
		return math.MinInt64, fmt.Errorf("%w: %w", errCorruptRecord, err)
	}
	return created, nil
}
