package events

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/google/uuid"
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

// Next is the place of the event behind this one.
func (e Envelope) Next() Place { return Place{Revision: e.Revision + 1, Chain: e.Meta.Chain} }

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

// Encoder encodes events of one stream that share their metadata. Not for
// concurrent use.
type Encoder struct {
	stream  string
	space   uuid.UUID // of the ids
	meta    Meta
	members []byte // of meta, for its version, behind the chain
	links   *links
}

// NewEncoder makes an encoder; meta's version and chain are set by each event.
func NewEncoder(stream string, meta Meta) *Encoder {
	return &Encoder{stream: stream, space: nameSpace(stream), meta: meta, links: newLinks(stream)}
}

// Encode makes an event ready to be the one at a place of the stream, and gives it
// as it will be read from there, but for its position. Its id is a UUIDv5 (RFC 9562)
// in the stream's own name space, of its chain: the same append again is the same
// one, and events that differ in anything never pass for each other.
func (enc *Encoder) Encode(at Place, e Event) (Proposed, Envelope, error) {
	k := registry.byType[reflect.TypeOf(e)]
	if k == nil {
		return Proposed{}, Envelope{}, fmt.Errorf("%T: %w", e, ErrUnknownEvent)
	}
	data, err := k.encode(e)
	if err != nil {
		return Proposed{}, Envelope{}, fmt.Errorf("%s: %w", k.name, err)
	}
	if enc.members == nil || enc.meta.Version != k.version {
		enc.meta.Version = k.version
		encoded, err := json.Marshal(enc.meta)
		if err != nil {
			return Proposed{}, Envelope{}, fmt.Errorf("metadata: %w", err)
		}
		enc.members = encoded[len("{"):]
	}
	meta := enc.meta
	meta.Chain = enc.links.next(at, k.name, data, enc.members)
	id := idOf(enc.space, meta.Chain)
	return Proposed{ID: id, Type: k.name, Data: data, Metadata: withChain(meta.Chain, enc.members)},
		Envelope{ID: id, Stream: enc.stream, Revision: at.Revision, Type: k.name, Meta: meta, Event: e}, nil
}

// nameSpace is that of the ids of a stream's events.
func nameSpace(stream string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(stream)) }

func idOf(space uuid.UUID, c Chain) uuid.UUID { return uuid.NewSHA1(space, c[:]) }
