package aggregate

import (
	"importledger/commands"
	"importledger/events"
)

// enoughCells is how many cells show what a column holds. Fewer are judged row by
// row, like those of a column in which some cells are wrong.
const enoughCells = 10

// ColumnFit finds the columns that hold something else than the attribute they are
// mapped to: names where it wants numbers. Not for concurrent use.
type ColumnFit struct {
	columns []fit
	open    int // columns that nothing is known of yet
}

type fit struct {
	header string
	index  int
	kind   kind
	cells  int // that are not of the kind
	found  bool
}

// NewColumnFit looks at the columns of a header that are mapped to attributes which
// exist and hold numbers or truth values.
func NewColumnFit(header []string, mapping []commands.Column, attributes []events.Attribute) *ColumnFit {
	types := make(map[string]events.AttributeType, len(attributes))
	for _, a := range attributes {
		types[a.Name] = a.Type
	}
	mapped := make(map[string]commands.Column, len(mapping))
	for _, c := range mapping {
		mapped[c.Header] = c
	}
	f := &ColumnFit{}
	for i, h := range header {
		attribute := mapped[h].Attribute
		if k, ok := kindOf(attribute, types[attribute]); ok && (k == numberKind || k == booleanKind) {
			f.columns = append(f.columns, fit{header: h, index: i, kind: k})
		}
	}
	f.open = len(f.columns)
	return f
}

// Done tells that no further row can tell anything new.
func (f *ColumnFit) Done() bool { return f.open == 0 }

// Add looks at a row. One that cannot be read says nothing.
func (f *ColumnFit) Add(rec *Record) {
	if rec.Problem != nil {
		return
	}
	for i := range f.columns {
		c := &f.columns[i]
		if c.found || c.index >= len(rec.Fields) || isBlank(rec.Fields[c.index]) {
			continue
		}
		if _, _, broken := appendValue(nil, c.kind, rec.Fields[c.index], phones{}); broken == nil {
			c.found = true
			f.open--
			continue
		}
		c.cells++
	}
}

// Unfit are the headers of the columns of which not one cell is of the attribute's
// type.
func (f *ColumnFit) Unfit() (headers []string) {
	for _, c := range f.columns {
		if !c.found && c.cells >= enoughCells {
			headers = append(headers, c.header)
		}
	}
	return headers
}
