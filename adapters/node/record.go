package node

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// proposed is an event as a client hands it in.
type proposed struct {
	id        uuid.UUID
	eventType string
	json      bool
	metadata  []byte
	data      []byte
}

// place is where an event comes to stand: in the log and in its stream.
type place struct {
	stream   string
	revision uint64
	position uint64
	created  int64 // 100 ns since 1970, the unit that the protocol uses
}

// record is an event as the log keeps it: a short header, then the very bytes of the protocol's ReadResp.
// A read hands these bytes on untouched, so an event is encoded once in its life, and a filter finds stream and type
// through the header without decoding anything.
//
//	version (1 byte) · offset and length of the stream's name, offset and length of the type (4 × uint32) · ReadResp
//
// Offsets count from the beginning of the ReadResp.
type record []byte

const (
	recordVersion = 1
	headerSize    = 1 + 4*4
)

var errCorruptRecord = errors.New("node: a record in the log cannot be read")

func (r record) check() error {
	if len(r) < headerSize || r[0] != recordVersion {
		return errCorruptRecord
	}
	body := uint64(len(r) - headerSize)
	for i := range 2 {
		offset, length := r.header(2*i), r.header(2*i+1)
		if uint64(offset)+uint64(length) > body {
			return errCorruptRecord
		}
	}
	return nil
}

func (r record) header(i int) uint32 { return binary.LittleEndian.Uint32(r[1+4*i:]) }

func (r record) response() []byte  { return r[headerSize:] }
func (r record) stream() []byte    { return r.slice(0) }
func (r record) eventType() []byte { return r.slice(2) }

func (r record) slice(i int) []byte {
	offset := r.header(i)
	return r[headerSize:][offset : offset+r.header(i+1)]
}

type recordedEvent = streams.ReadResp_ReadEvent_RecordedEvent

// decode is the slow way into a record, for the rare questions that the header does not answer.
func (r record) decode() (*recordedEvent, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	var resp streams.ReadResp
	if err := proto.Unmarshal(r.response(), &resp); err != nil {
		return nil, fmt.Errorf("%w: %w", errCorruptRecord, err)
	}
	event := resp.GetEvent().GetEvent()
	if event == nil {
		return nil, errCorruptRecord
	}
	return event, nil
}

const (
	contentTypeJSON   = "application/json"
	contentTypeBinary = "application/octet-stream"
)

// Field numbers of streams.proto and shared.proto.
const (
	respEvent = 1

	readEventEvent          = 1
	readEventCommitPosition = 3

	recordedID       = 1
	recordedStream   = 2
	recordedRevision = 3
	recordedPrepare  = 4
	recordedCommit   = 5
	recordedSystem   = 6
	recordedMetadata = 7
	recordedData     = 8

	uuidStructured = 1
	streamName     = 3
	mapKey         = 1
	mapValue       = 2
)

// encoder keeps its buffers from one event to the next.
type encoder struct {
	out, event, nested []byte
}

// encode returns the record of an event at its place. The bytes are good until the next call.
func (e *encoder) encode(p *proposed, at place) record {
	e.event = e.event[:0]

	e.nested = protowire.AppendTag(e.nested[:0], 1, protowire.VarintType)
	e.nested = protowire.AppendVarint(e.nested, binary.BigEndian.Uint64(p.id[:8]))
	e.nested = protowire.AppendTag(e.nested, 2, protowire.VarintType)
	e.nested = protowire.AppendVarint(e.nested, binary.BigEndian.Uint64(p.id[8:]))
	e.event = protowire.AppendTag(e.event, recordedID, protowire.BytesType)
	e.event = protowire.AppendVarint(e.event, uint64(protowire.SizeTag(uuidStructured)+protowire.SizeBytes(len(e.nested))))
	e.event = appendBytes(e.event, uuidStructured, e.nested)

	e.event = protowire.AppendTag(e.event, recordedStream, protowire.BytesType)
	e.event = protowire.AppendVarint(e.event, uint64(protowire.SizeTag(streamName)+protowire.SizeBytes(len(at.stream))))
	e.event = appendBytes(e.event, streamName, at.stream)
	streamEnd := len(e.event)

	e.event = appendUint(e.event, recordedRevision, at.revision)
	e.event = appendUint(e.event, recordedPrepare, at.position)
	e.event = appendUint(e.event, recordedCommit, at.position)

	e.event = appendEntry(e.event, "type", p.eventType)
	typeEnd := len(e.event)
	contentType := contentTypeBinary
	if p.json {
		contentType = contentTypeJSON
	}
	e.event = appendEntry(e.event, "content-type", contentType)
	e.nested = strconv.AppendInt(e.nested[:0], at.created, 10)
	e.event = appendEntry(e.event, "created", e.nested)

	e.event = appendBytes(e.event, recordedMetadata, p.metadata)
	e.event = appendBytes(e.event, recordedData, p.data)

	eventField := protowire.SizeTag(readEventEvent) + protowire.SizeBytes(len(e.event))
	commitField := protowire.SizeTag(readEventCommitPosition) + protowire.SizeVarint(at.position)

	e.out = append(e.out[:0], recordVersion)
	e.out = append(e.out, make([]byte, headerSize-1)...)
	e.out = protowire.AppendTag(e.out, respEvent, protowire.BytesType)
	e.out = protowire.AppendVarint(e.out, uint64(commitField+eventField))
	e.out = appendUint(e.out, readEventCommitPosition, at.position)
	e.out = protowire.AppendTag(e.out, readEventEvent, protowire.BytesType)
	e.out = protowire.AppendVarint(e.out, uint64(len(e.event)))
	start := len(e.out) - headerSize
	e.out = append(e.out, e.event...)

	header := e.out[1:headerSize]
	for i, v := range [4]int{
		start + streamEnd - len(at.stream), len(at.stream),
		start + typeEnd - len(p.eventType), len(p.eventType),
	} {
		binary.LittleEndian.PutUint32(header[4*i:], uint32(v))
	}
	return e.out
}

func uuidOf(most, least int64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(most))
	binary.BigEndian.PutUint64(id[8:], uint64(least))
	return id
}

func appendUint(b []byte, field protowire.Number, v uint64) []byte {
	b = protowire.AppendTag(b, field, protowire.VarintType)
	return protowire.AppendVarint(b, v)
}

func appendBytes[T []byte | string](b []byte, field protowire.Number, v T) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(v)))
	return append(b, v...)
}

// appendEntry appends one entry of the event's system metadata, a map of strings. The value comes last.
func appendEntry[T []byte | string](b []byte, key string, value T) []byte {
	size := protowire.SizeTag(mapKey) + protowire.SizeBytes(len(key)) +
		protowire.SizeTag(mapValue) + protowire.SizeBytes(len(value))
	b = protowire.AppendTag(b, recordedSystem, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(size))
	b = appendBytes(b, mapKey, key)
	return appendBytes(b, mapValue, value)
}
