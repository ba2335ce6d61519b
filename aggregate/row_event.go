package aggregate

import (
	"strconv"

	"importledger/events"

	"github.com/google/uuid"
)

// happening is the event that a row in mode events is.
type happening struct {
	rules      *Rules
	at         int64 // Unix epoch, milliseconds
	properties []byte
	members    [][2]int // by column: where in properties its name and value are
}

func newHappening(r *Rules) *happening {
	return &happening{rules: r, at: r.startedAt, properties: []byte{'{'}, members: make([][2]int, len(r.columns))}
}

// happened reads the time; ok is false for what is none.
func (h *happening) happened(cell string) (ok bool) {
	h.at, ok = parseTime(cell)
	return ok
}

func (h *happening) add(column int, name, value []byte) {
	h.properties = member(h.properties)
	from := len(h.properties)
	h.properties = append(append(h.properties, name...), value...)
	h.members[column] = [2]int{from, len(h.properties)}
}

// of is the event of this contact; nil for a row that is none.
func (h *happening) of(nxID uuid.UUID) *events.ContactEvent {
	if h == nil {
		return nil
	}
	return &events.ContactEvent{ID: h.id(nxID), Name: h.rules.eventName, At: h.at, Properties: append(h.properties, '}')}
}

// id is a UUIDv5 in the contact's name space, of the event's name, time and
// properties. The latter are sorted: the order of a file's columns does not make
// another event.
func (h *happening) id(nxID uuid.UUID) uuid.UUID {
	text := events.AppendString(make([]byte, 0, 64+len(h.properties)), h.rules.eventName)
	text = append(text, ',')
	text = strconv.AppendInt(text, h.at, 10)
	for _, column := range h.rules.byName {
		if m := h.members[column]; m[1] > 0 {
			text = append(append(text, ','), h.properties[m[0]:m[1]]...)
		}
	}
	return uuid.NewSHA1(nxID, text)
}
