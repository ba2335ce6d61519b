package events

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"github.com/google/uuid"
	"github.com/oklog/ulid/v2"
)

// Envelope is a decoded event with all that the log knows about it.
type Envelope struct {
	ID       uuid.UUID
	Stream   string
	Revision uint64
	Position Position
	Type     string
	Meta     Meta
	Event    Event
}

// ImportID gives the import the event belongs to; empty: to none.
func (e Envelope) ImportID() string {
	id, ok := ImportOfStream(e.Stream)
	if !ok {
		return ""
	}
	return id
}

// DecodeError names the event that could not be decoded.
type DecodeError struct {
	Recorded Recorded
	Err      error
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("event %d@%s (%s, position %s) cannot be decoded: %v",
		e.Recorded.Revision, e.Recorded.Stream, e.Recorded.Type, e.Recorded.Position, e.Err)
}

// Unwrap gives the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// Decoder decodes recorded events; it is faster than Decode over many events of
// one reading. Not for concurrent use.
type Decoder struct{ meta metaReader }

// Decode gives the event behind a record; the error is a *DecodeError.
func (d *Decoder) Decode(r Recorded) (Envelope, error) {
	meta, err := d.meta.read(r.Metadata)
	if err != nil {
		return Envelope{}, &DecodeError{r, err}
	}
	e, err := registry.read(r.Type, meta.Version, r.Data)
	if err != nil {
		return Envelope{}, &DecodeError{r, err}
	}
	return Envelope{ID: r.ID, Stream: r.Stream, Revision: r.Revision, Position: r.Position, Type: r.Type, Meta: meta, Event: e}, nil
}

// Decode gives the event behind a record; the error is a *DecodeError.
func Decode(r Recorded) (Envelope, error) {
	var d Decoder
	return d.Decode(r)
}

// Encoder encodes events of one import that share their metadata. Not for
// concurrent use.
type Encoder struct {
	importID string
	meta     Meta
	encoded  []byte // of meta, for its version
}

// NewEncoder makes an encoder; meta's version is set by each event's kind.
func NewEncoder(importID string, meta Meta) *Encoder {
	return &Encoder{importID: importID, meta: meta}
}

// Encode makes the event ready for the log.
func (enc *Encoder) Encode(e Event) (Proposed, error) {
	k := registry.byType[reflect.TypeOf(e)]
	if k == nil {
		return Proposed{}, fmt.Errorf("%T: %w", e, ErrUnknownEvent)
	}
	data, err := k.encode(e)
	if err != nil {
		return Proposed{}, fmt.Errorf("%s: %w", k.name, err)
	}
	if enc.encoded == nil || enc.meta.Version != k.version {
		enc.meta.Version = k.version
		if enc.encoded, err = json.Marshal(enc.meta); err != nil {
			return Proposed{}, fmt.Errorf("metadata: %w", err)
		}
	}
	return Proposed{ID: ID(enc.importID, e), Type: k.name, Data: data, Metadata: enc.encoded}, nil
}

// EncodeAt makes an event of a stream that is not an import's ready to be the one
// with that revision. Its id is a UUIDv5 in the stream's own name space, of the
// revision and of all that the event says: the same append again is the same one,
// and two different events never pass for each other.
func EncodeAt(stream string, revision uint64, meta Meta, e Event) (Proposed, error) {
	p, err := NewEncoder("", meta).Encode(e)
	if err != nil {
		return Proposed{}, err
	}
	space := uuid.NewSHA1(uuid.NameSpaceOID, []byte(stream))
	p.ID = uuid.NewSHA1(space, fmt.Appendf(nil, "%d %s %s", revision, p.Type, p.Data))
	return p, nil
}

// ID gives the id of an import's event: a UUIDv5 (RFC 9562) in the import's own name space, of the row or of
// the event's name: a row has one outcome and every other event happens once, so
// that a repeated append is the same append.
func ID(importID string, e Event) uuid.UUID {
	space := uuid.NewSHA1(uuid.NameSpaceOID, []byte(importID))
	if id, err := ulid.ParseStrict(importID); err == nil {
		space = uuid.UUID(id)
	}
	var buf [24]byte
	switch e := e.(type) {
	case RowAccepted:
		return uuid.NewSHA1(space, strconv.AppendInt(append(buf[:0], "row "...), int64(e.Row), 10))
	case RowRejected:
		return uuid.NewSHA1(space, strconv.AppendInt(append(buf[:0], "row "...), int64(e.Row), 10))
	}
	return uuid.NewSHA1(space, append(buf[:0], Name(e)...))
}
