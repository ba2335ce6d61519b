package aggregate

import (
	"fmt"
	"slices"

	"importledger/commands"
	"importledger/events"
)

// MappingInvalid is the code of a refused mapping; its details say what is wrong
// in which column.
const MappingInvalid = "mapping-invalid"

// resolve turns a wish into the decision that is recorded: one column for each
// header of the file, each attribute with its type.
func resolve(s Import, c commands.MapColumns) (events.ColumnsMapped, error) {
	if err := checkCountry(c.DefaultCountry); err != nil {
		return events.ColumnsMapped{}, err
	}
	header := s.Started.File.Header
	if c.File != nil {
		header = c.File.Header
	}
	m := mapping{state: s, header: header, unfit: c.Unfit, attributes: map[string]events.Attribute{}, takenBy: map[string]string{}}
	for _, a := range c.Attributes {
		m.attributes[a.Name] = a
	}
	asked := m.byHeader(c.Mapping)

	mapped := events.ColumnsMapped{Segment: c.Segment, EventName: c.EventName, File: c.File, BlankCells: c.BlankCells, DefaultCountry: c.DefaultCountry,
		Name: c.Name, Description: c.Description}
	for _, header := range header {
		column := events.Column{Header: header, Skip: true}
		if wish, ok := asked[header]; ok && !wish.Skip {
			column = m.column(wish)
		}
		mapped.Columns = append(mapped.Columns, column)
	}
	m.checkWhole(c)
	if len(m.wrong) > 0 {
		return events.ColumnsMapped{}, &commands.Refusal{Kind: commands.Unacceptable, Code: MappingInvalid, Message: m.wrong[0].Message, Details: m.wrong}
	}
	return mapped, nil
}

type mapping struct {
	state      Import
	header     []string // of the file as it is to be read
	unfit      []string // of it: columns that hold nothing of the type of their attribute
	attributes map[string]events.Attribute
	takenBy    map[string]string // attribute → header that is mapped to it
	times      []string          // headers that are the event's time
	wrong      []commands.Detail
}

func (m *mapping) refuse(header, code, message string, args ...any) {
	m.wrong = append(m.wrong, commands.Detail{Column: header, Code: code, Message: fmt.Sprintf(message, args...)})
}

func (m *mapping) eventsMode() bool { return m.state.Started.ImportMode == events.ContactsEvents }

func (m *mapping) byHeader(wishes []commands.Column) map[string]commands.Column {
	inFile := map[string]bool{}
	for _, h := range m.header {
		inFile[h] = true
	}
	asked := make(map[string]commands.Column, len(wishes))
	for _, w := range wishes {
		if _, twice := asked[w.Header]; twice {
			m.refuse(w.Header, "header-repeated", "Column %q is mapped twice.", w.Header)
		}
		if !inFile[w.Header] {
			m.refuse(w.Header, "header-unknown", "The file has no column %q.", w.Header)
		}
		asked[w.Header] = w
	}
	return asked
}

func (m *mapping) column(w commands.Column) events.Column {
	c := events.Column{Header: w.Header, Property: w.Property, Timestamp: w.Timestamp}
	if (w.Property != "" || w.Timestamp) && !m.eventsMode() {
		m.refuse(w.Header, "not-in-mode", "Column %q: properties and timestamps go with the import mode events.", w.Header)
	}
	if w.Timestamp {
		m.times = append(m.times, w.Header)
	}
	if w.Attribute == "" {
		c.Type = w.Type
		if w.Property == "" && !w.Timestamp {
			m.refuse(w.Header, "target-missing", "Say what column %q becomes, or skip it.", w.Header)
		}
		return c
	}
	if other, taken := m.takenBy[w.Attribute]; taken {
		m.refuse(w.Header, "attribute-repeated", "Columns %q and %q cannot both become attribute %q.", other, w.Header, w.Attribute)
	}
	m.takenBy[w.Attribute] = w.Header
	c.Attribute = w.Attribute
	c.Type, c.Create = m.attributeType(w)
	return c
}

func (m *mapping) attributeType(w commands.Column) (t events.AttributeType, create bool) {
	a, exists := m.attributes[w.Attribute]
	switch {
	case exists && a.ReadOnly:
		m.refuse(w.Header, "attribute-read-only", "Attribute %q is kept by the ledger and cannot be mapped.", w.Attribute)
	case exists && w.Create != nil && w.Create.Type != a.Type:
		m.refuse(w.Header, "attribute-type", "Attribute %q exists and is of type %s, not %s.", w.Attribute, a.Type, w.Create.Type)
	case exists && w.Create == nil && slices.Contains(m.unfit, w.Header):
		m.refuse(w.Header, "attribute-type", "Attribute %q holds values of type %s, and column %q has none. Choose another attribute, or skip the column.", w.Attribute, a.Type, w.Header)
	case exists:
		return a.Type, false
	case w.Create == nil:
		m.refuse(w.Header, "attribute-unknown", "There is no attribute %q. Create it with the mapping, or choose another.", w.Attribute)
	default:
		return w.Create.Type, true
	}
	return "", false
}

func (m *mapping) checkWhole(c commands.MapColumns) {
	key := m.state.Started.KeyIdentifier
	if _, ok := m.takenBy[key]; !ok {
		m.refuse("", "identifier-missing", "Map a column to %s: it says which contact a row is about.", key)
	}
	if len(m.times) > 1 {
		m.refuse(m.times[1], "timestamp-repeated", "Columns %q and %q cannot both be the event's time.", m.times[0], m.times[1])
	}
	name := c.EventName
	if name == "" {
		name = m.state.Started.EventName
	}
	if m.eventsMode() && name == "" {
		m.refuse("", "event-name-missing", "Say the name of the events that the rows are.")
	}
	if !m.eventsMode() && c.EventName != "" {
		m.refuse("", "not-in-mode", "An event name goes with the import mode events.")
	}
}
