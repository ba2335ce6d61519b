package aggregate

import (
	"cmp"
	"encoding/json"
	"slices"

	"importledger/events"
)

// Begun is an import as its first two events have it, and who decided the second.
type Begun struct {
	Import
	MappedByActor string // user, API client or connector
	MappedAt      int64  // Unix epoch, milliseconds
}

// Setting is how a value of a contact was set, or cleared: by which cell of which row.
// The value is the one that the log has, the text the one that the file has.
type Setting struct {
	Number   int64           // of the row, among all that were ever accepted
	Value    json.RawMessage // null: it was cleared
	Import   Begun
	Row      int
	Line     int
	Revision uint64         // of the row's event in the import's stream
	At       int64          // when the row was decided, Unix epoch, milliseconds
	Column   *events.Column // what the cell's column was mapped to; nil: no column
	Raw      *string        // the cell as it stands in the file, shortened; nil: the file was not read
}

// Of is the setting of one attribute by the same row.
func (s Setting) Of(attribute string, value json.RawMessage) Setting {
	s.Value, s.Column = value, nil
	if s.Import.Mapped == nil {
		return s
	}
	for i := range s.Import.Mapped.Columns {
		if c := &s.Import.Mapped.Columns[i]; !c.Skip && c.Attribute == attribute {
			s.Column = c
		}
	}
	return s
}

// Origin is where a contact's value of an attribute comes from.
type Origin struct {
	Attribute string
	Set       Setting
	Before    *Setting // how it was set before; nil: never, or nobody looked further
}

// Origins collects where values come from, out of a contact's rows from the latest back.
type Origins struct{ found map[string]*Origin }

// Add takes in the next row.
func (o *Origins) Add(row Setting, values map[string]json.RawMessage) {
	if o.found == nil {
		o.found = map[string]*Origin{}
	}
	for attribute, value := range values {
		setting := row.Of(attribute, value)
		switch known := o.found[attribute]; {
		case known == nil:
			o.found[attribute] = &Origin{Attribute: attribute, Set: setting}
		case known.Before == nil:
			known.Before = &setting
		}
	}
}

// Know tells whether all is known of these attributes.
func (o *Origins) Know(attributes []string) bool {
	return !slices.ContainsFunc(attributes, func(name string) bool {
		known := o.found[name]
		return known == nil || known.Before == nil
	})
}

// Settings are all that were found.
func (o *Origins) Settings() (all []*Setting) {
	for _, origin := range o.found {
		all = append(all, &origin.Set)
		if origin.Before != nil {
			all = append(all, origin.Before)
		}
	}
	return all
}

// All gives the origins, of the attributes that everybody has first.
func (o *Origins) All() []Origin {
	all := make([]Origin, 0, len(o.found))
	for _, origin := range o.found {
		all = append(all, *origin)
	}
	place := func(name string) int {
		if i := slices.IndexFunc(events.Reserved, func(r events.Attribute) bool { return r.Name == name }); i >= 0 {
			return i
		}
		return len(events.Reserved)
	}
	slices.SortFunc(all, func(a, b Origin) int {
		return cmp.Or(cmp.Compare(place(a.Attribute), place(b.Attribute)), cmp.Compare(a.Attribute, b.Attribute))
	})
	return all
}

// Outcome is what became of a row of an import's file.
type Outcome struct {
	Import   Begun
	Row      int
	Line     int
	Revision uint64 // of the row's event
	At       int64  // Unix epoch, milliseconds
	Accepted *events.RowAccepted
	Rejected *events.RowRejected
	Cells    []string // as they stand in the file, shortened; nil: it was not read, or the row cannot be
	Text     string   // of a row that cannot be read: its first line
}

// Values are what an accepted row set, by attribute and by the event's property.
func (o Outcome) Values() (attributes, properties map[string]json.RawMessage, err error) {
	if o.Accepted == nil {
		return nil, nil, nil
	}
	if raw := o.Accepted.Contact.Attributes; len(raw) > 0 {
		err = json.Unmarshal(raw, &attributes)
	}
	if e := o.Accepted.Event; err == nil && e != nil && len(e.Properties) > 0 {
		err = json.Unmarshal(e.Properties, &properties)
	}
	return attributes, properties, err
}

// ColumnOf is what the column under a header was mapped to.
func (b Begun) ColumnOf(header string) (c events.Column, mapped bool) {
	if b.Mapped == nil {
		return c, false
	}
	i := slices.IndexFunc(b.Mapped.Columns, func(c events.Column) bool { return c.Header == header })
	if i < 0 {
		return c, false
	}
	return b.Mapped.Columns[i], true
}
