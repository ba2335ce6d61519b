package aggregate

import (
	"bytes"
	"strconv"

	"importledger/events"

	"github.com/google/uuid"
)

// happening is the event that a row in mode events is.
type happening struct {
	rules      *Rules
	at         int64 // Unix epoch, milliseconds
	timed      bool  // the row says when
	properties []byte
	members    []propertyPlace // by column
}

// propertyPlace is where in the properties a name and its value are.
type propertyPlace struct{ name, value, end int }

func newHappening(r *Rules) *happening {
	return &happening{rules: r, at: r.startedAt, properties: []byte{'{'}, members: make([]propertyPlace, len(r.columns))}
}

// happened reads the time; ok is false for what is none.
func (h *happening) happened(cell string) (ok bool) {
	h.at, ok = parseTime(cell)
	h.timed = ok
	return ok
}

func (h *happening) add(column int, name, value []byte) {
	h.properties = member(h.properties)
	place := propertyPlace{name: len(h.properties)}
	h.properties = append(h.properties, name...)
	place.value = len(h.properties)
	h.properties = append(h.properties, value...)
	place.end = len(h.properties)
	h.members[column] = place
}

// of is the event of this contact; nil for a row that is none.
func (h *happening) of(nxID uuid.UUID) *events.ContactEvent {
	if h == nil {
		return nil
	}
	return &events.ContactEvent{ID: h.id(nxID), Name: h.rules.eventName, At: h.at, Properties: append(h.properties, '}')}
}

// id is a UUIDv5 in the contact's name space, of the event's name, time and
// properties. The latter are sorted, since the order of a file's columns does not
// make another event, and a text that reads as a number or truth value counts as
// one, since a file in which the column has other texts too does not either. A row
// that has no time of its own has the file's hash in its place: the same file again
// is the same events, another file is not.
func (h *happening) id(nxID uuid.UUID) uuid.UUID {
	text := events.AppendString(make([]byte, 0, 96+len(h.properties)), h.rules.eventName)
	text = append(text, ',')
	if h.timed {
		text = strconv.AppendInt(text, h.at, 10)
	} else {
		text = append(text, h.rules.file...)
	}
	for _, column := range h.rules.byName {
		if m := h.members[column]; m.end > 0 {
			text = append(append(text, ','), h.properties[m.name:m.value]...)
			text = append(text, untyped(h.properties[m.value:m.end])...)
		}
	}
	return uuid.NewSHA1(nxID, text)
}

// untyped is a JSON value as it is whether or not its column was all numbers, or
// all truth values.
func untyped(value []byte) []byte {
	if value[0] != '"' {
		return value
	}
	text := string(value[1 : len(value)-1])
	switch {
	case isPlainNumber(text):
		return value[1 : len(value)-1]
	case isTruthWord(text):
		return bytes.ToLower(value[1 : len(value)-1])
	}
	return value
}
