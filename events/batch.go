package events

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Batch is a run of events in log order, and how far the log has been read:
// Until is the position of the last event, or a later one behind which only
// events of other streams lie.
type Batch struct {
	Events []Recorded
	Until  Position
}

// ErrBatchTruncated is returned for a payload that is not a whole batch.
var ErrBatchTruncated = errors.New("batch of events is truncated")

// Marshal frames a batch as one message payload: Until and the count, then per
// event its id, revision, position and time, then stream, type, data and
// metadata, each behind its length. Integers are uvarints.
func (b Batch) Marshal() []byte {
	size := 32
	for i := range b.Events {
		e := &b.Events[i]
		size += 80 + len(e.Stream) + len(e.Type) + len(e.Data) + len(e.Metadata)
	}
	buf := make([]byte, 0, size)
	buf = binary.AppendUvarint(buf, b.Until.Commit)
	buf = binary.AppendUvarint(buf, b.Until.Prepare)
	buf = binary.AppendUvarint(buf, uint64(len(b.Events)))
	for i := range b.Events {
		e := &b.Events[i]
		buf = append(buf, e.ID[:]...)
		buf = binary.AppendUvarint(buf, e.Revision)
		buf = binary.AppendUvarint(buf, e.Position.Commit)
		buf = binary.AppendUvarint(buf, e.Position.Prepare)
		buf = binary.AppendVarint(buf, e.Recorded.UnixNano())
		buf = appendBytes(buf, []byte(e.Stream))
		buf = appendBytes(buf, []byte(e.Type))
		buf = appendBytes(buf, e.Data)
		buf = appendBytes(buf, e.Metadata)
	}
	return buf
}

// UnmarshalBatch reads what Marshal writes. Data and Metadata of the events
// share the payload's memory.
func UnmarshalBatch(payload []byte) (Batch, error) {
	r := frame{rest: payload}
	b := Batch{Until: Position{Commit: r.uvarint(), Prepare: r.uvarint()}}
	n := r.uvarint()
	if n > uint64(len(payload)) {
		return Batch{}, ErrBatchTruncated
	}
	b.Events = make([]Recorded, 0, n)
	stream, typ := "", ""
	for range n {
		var e Recorded
		e.ID = uuid.UUID(r.take(16))
		e.Revision = r.uvarint()
		e.Position = Position{Commit: r.uvarint(), Prepare: r.uvarint()}
		e.Recorded = time.Unix(0, r.varint()).UTC()
		// Neighbours mostly share stream and type: one string serves them all.
		if s := r.bytes(); string(s) != stream {
			stream = string(s)
		}
		if t := r.bytes(); string(t) != typ {
			typ = string(t)
		}
		e.Stream, e.Type = stream, typ
		e.Data = r.bytes()
		e.Metadata = r.bytes()
		if r.failed {
			return Batch{}, ErrBatchTruncated
		}
		b.Events = append(b.Events, e)
	}
	if r.failed || len(r.rest) != 0 {
		return Batch{}, ErrBatchTruncated
	}
	return b, nil
}

func appendBytes(buf, b []byte) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(b))), b...)
}

// frame reads fields off a payload; after the first short read every field is
// zero and failed stays set.
type frame struct {
	rest   []byte
	failed bool
}

var zeros [16]byte

func (f *frame) take(n int) []byte {
	if f.failed || n < 0 || n > len(f.rest) {
		f.failed = true
		return zeros[:min(max(n, 0), len(zeros))]
	}
	b := f.rest[:n:n]
	f.rest = f.rest[n:]
	return b
}

func (f *frame) uvarint() uint64 {
	v, n := binary.Uvarint(f.rest)
	if n <= 0 {
		f.failed = true
		return 0
	}
	f.rest = f.rest[n:]
	return v
}

func (f *frame) varint() int64 {
	v, n := binary.Varint(f.rest)
	if n <= 0 {
		f.failed = true
		return 0
	}
	f.rest = f.rest[n:]
	return v
}

func (f *frame) bytes() []byte {
	n := f.uvarint()
	if n > uint64(len(f.rest)) {
		f.failed = true
		return nil
	}
	return f.take(int(n))
}
