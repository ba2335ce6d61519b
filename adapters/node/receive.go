package node

import (
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
)

// maxAppendBytes limits one append as EventStoreDB does by default: data, metadata and two bytes per character of the
// event type, over all its events.
const maxAppendBytes = 1 << 20

const (
	systemType        = "type"
	systemContentType = "content-type"
)

// appending is an append as it comes in, message by message.
type appending struct {
	stream   string
	expected expectation
	events   []proposed
	size     int
	refusal  error
}

// receiveAppend takes in a whole append. It goes on receiving after a refusal, without keeping anything: a client that
// is still sending would otherwise see the end of the call and not its reason.
func receiveAppend(call grpc.ServerStream) (*appending, error) {
	var first streams.AppendReq
	if err := call.RecvMsg(&first); err != nil {
		return nil, err
	}
	if first.GetOptions() == nil {
		return nil, invalid("an append begins with its options")
	}
	a := &appending{}
	a.stream, a.expected, a.refusal = target(first.GetOptions())
	for {
		var message encoded
		if err := call.RecvMsg(&message); errors.Is(err, io.EOF) {
			return a, a.refusal
		} else if err != nil {
			return nil, err
		}
		if a.refusal == nil {
			a.refusal = a.take(message)
		}
		if a.refusal != nil {
			a.events = nil
		}
	}
}

func (a *appending) take(message encoded) error {
	event, err := parseProposed(message)
	if err != nil {
		return err
	}
	if a.size += sizeOf(&event); a.size > maxAppendBytes {
		return appendTooLarge()
	}
	a.events = append(a.events, event)
	return nil
}

// sizeOf counts as a real server counts for its append limit.
func sizeOf(p *proposed) int {
	units := 0
	for _, r := range p.eventType {
		units += max(1, utf16.RuneLen(r))
	}
	return len(p.data) + len(p.metadata) + 2*units
}

// Field numbers of an append's messages.
const (
	appendProposed = 2

	proposedID       = 1
	proposedSystem   = 2
	proposedMetadata = 3
	proposedData     = 4

	uuidString    = 2
	uuidMostBits  = 1
	uuidLeastBits = 2
)

var errMalformed = invalid("a message of the append cannot be read")

// parseProposed reads one event of an append. It is what an append of thousands of events spends its time on, so it
// reads the few fields by hand; the event keeps parts of the message.
func parseProposed(message []byte) (event proposed, err error) {
	var body []byte
	var contentType string
	var typed, contentTyped bool
	err = fields(message, func(field protowire.Number, value []byte, _ uint64) error {
		if field == appendProposed {
			body = value
		}
		return nil
	})
	if err != nil {
		return event, err
	}
	if body == nil {
		return event, invalid("after its options an append holds events only")
	}
	err = fields(body, func(field protowire.Number, value []byte, _ uint64) error {
		switch field {
		case proposedID:
			event.id, err = parseID(value)
			return err
		case proposedSystem:
			key, text, err := parseEntry(value)
			switch string(key) {
			case systemType:
				typed, event.eventType = true, string(text)
			case systemContentType:
				contentTyped, contentType = true, string(text)
			}
			return err
		case proposedMetadata:
			event.metadata = value
		case proposedData:
			event.data = value
		default: // a field that we have no use for
		}
		return nil
	})
	switch {
	case err != nil:
		return event, err
	case !typed:
		return event, metadataMissing(systemType)
	case !contentTyped:
		return event, metadataMissing(systemContentType)
	case event.eventType == "" || !utf8.ValidString(event.eventType):
		return event, invalid("an event needs a type, in UTF-8")
	case event.id == uuid.Nil:
		return event, invalid("an event needs an id")
	}
	event.json = contentType == contentTypeJSON
	return event, nil
}

func parseID(b []byte) (id uuid.UUID, err error) {
	err = fields(b, func(field protowire.Number, value []byte, _ uint64) (err error) {
		switch field {
		case uuidString:
			if id, err = uuid.ParseBytes(value); err != nil {
				return invalid("an event's id must be a UUID")
			}
		case uuidStructured:
			return fields(value, func(field protowire.Number, _ []byte, bits uint64) error {
				switch field {
				case uuidMostBits:
					binary.BigEndian.PutUint64(id[:8], bits)
				case uuidLeastBits:
					binary.BigEndian.PutUint64(id[8:], bits)
				default: // a field that we have no use for
				}
				return nil
			})
		default: // a field that we have no use for
		}
		return nil
	})
	return id, err
}

func parseEntry(b []byte) (key, value []byte, err error) {
	err = fields(b, func(field protowire.Number, text []byte, _ uint64) error {
		switch field {
		case mapKey:
			key = text
		case mapValue:
			value = text
		default: // a field that we have no use for
		}
		return nil
	})
	return key, value, err
}

// fields calls visit for each field of a message, with its bytes or its number.
func fields(b []byte, visit func(field protowire.Number, value []byte, number uint64) error) error {
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errMalformed
		}
		b = b[n:]
		var value []byte
		var number uint64
		switch kind {
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(b)
		default:
			n = protowire.ConsumeFieldValue(field, kind, b)
		}
		if n < 0 {
			return errMalformed
		}
		if err := visit(field, value, number); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
