package aggregate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"importledger/commands"
	"importledger/events"
)

// Rules are an import's mapping made ready to judge rows. Immutable and safe for
// concurrent use.
type Rules struct {
	columns   []rule
	key       string // the key identifier
	clear     bool   // blank cells clear attributes
	phones    phones
	identity  Identity
	eventName string // empty: rows are contacts
	startedAt int64  // milliseconds: when an event happened that does not say so
	file      string // SHA-256: stands for that time in the event's id
	fixed     int    // bytes of JSON that attributes need beside their cells
	byName    []int  // columns that are properties, in the order of their names
}

// rule is what one column of the file means for a row.
type rule struct {
	header    string
	kind      kind   // of attribute, else of property
	attribute []byte // the JSON member's name and colon; empty: none
	property  []byte // likewise
	key       bool
	time      bool
}

// NewRules prepares the rules of an import that was started at startedAt (Unix
// epoch, milliseconds). It fails for a mapping that cannot be followed.
func NewRules(started events.ImportStarted, mapped events.ColumnsMapped, startedAt int64, identity Identity) (*Rules, error) {
	imp := Import{Started: started, Mapped: &mapped}
	r := &Rules{
		key: started.KeyIdentifier, clear: imp.BlankCells() == events.ClearBlank,
		phones: newPhones(imp.DefaultCountry()), identity: identity, startedAt: startedAt, file: started.File.SHA256, fixed: len("{}"),
	}
	if started.ImportMode == events.ContactsEvents {
		if r.eventName = imp.EventName(); r.eventName == "" {
			return nil, errors.New("rules: the events have no name")
		}
	}
	for _, c := range mapped.Columns {
		if err := r.add(c); err != nil {
			return nil, fmt.Errorf("rules: column %q: %w", c.Header, err)
		}
	}
	if !slices.ContainsFunc(r.columns, func(c rule) bool { return c.key }) {
		return nil, fmt.Errorf("rules: no column is the key identifier %q", r.key)
	}
	slices.SortFunc(r.byName, func(a, b int) int {
		return strings.Compare(string(r.columns[a].property), string(r.columns[b].property))
	})
	return r, nil
}

func (r *Rules) add(c events.Column) error {
	column := rule{header: c.Header}
	if c.Skip {
		r.columns = append(r.columns, column)
		return nil
	}
	if c.Attribute != "" {
		if a, reserved := events.ReservedAttribute(c.Attribute); reserved && a.ReadOnly {
			return fmt.Errorf("attribute %q is read-only", c.Attribute)
		}
		var known bool
		if column.kind, known = kindOf(c.Attribute, c.Type); !known {
			return fmt.Errorf("attribute %q is of no known type", c.Attribute)
		}
		column.attribute = memberName(c.Attribute)
		column.key = c.Attribute == r.key && slices.Contains(events.KeyIdentifiers, r.key)
		r.fixed += len(column.attribute) + len(`"",`)
	}
	if r.eventName != "" {
		column.time = c.Timestamp
		if c.Attribute == "" && c.Type != "" {
			var known bool
			if column.kind, known = kindOf("", c.Type); !known {
				return fmt.Errorf("property %q is of no known type", c.Property)
			}
		}
		if c.Property != "" {
			column.property = memberName(c.Property)
			r.byName = append(r.byName, len(r.columns))
		}
	}
	for _, other := range r.columns {
		if column.attribute != nil && string(other.attribute) == string(column.attribute) ||
			column.property != nil && string(other.property) == string(column.property) ||
			column.time && other.time {
			return fmt.Errorf("it means the same as column %q", other.header)
		}
	}
	r.columns = append(r.columns, column)
	return nil
}

func memberName(name string) []byte { return append(events.AppendString(nil, name), ':') }

// Row judges a row: commands.RowAccepted, or commands.RowRejected with everything
// that is wrong with it. Attributes are one flat JSON object in the file's order;
// those of blank cells are absent, or null where blank cells clear.
func (r *Rules) Row(rec Record) commands.Command {
	if rec.Problem != nil {
		problem := *rec.Problem
		problem.Value = shortened(problem.Value)
		return rejected(rec, problem)
	}
	if len(rec.Fields) != len(r.columns) {
		return rejected(rec, RowWidth(len(rec.Fields), len(r.columns)))
	}
	row := reading{rules: r, attributes: r.buffer(rec.Fields)}
	if r.eventName != "" {
		row.event = newHappening(r)
	}
	for i, cell := range rec.Fields {
		row.cell(i, cell)
	}
	if len(row.errors) > 0 {
		return rejected(rec, row.errors...)
	}
	if row.size() > maxOutcome {
		return rejected(rec, events.RowError{Code: commands.RowTooLong, Message: "The row says more than the log can keep of one: about 1 MB. Shorten its texts."})
	}
	nxID := r.identity.NxID(r.key, canonical(r.key, row.identifier))
	return commands.RowAccepted{Row: rec.Row, Line: rec.Line,
		Contact: events.Contact{NxID: nxID, Attributes: append(row.attributes, '}')},
		Event:   row.event.of(nxID),
	}
}

// buffer has room for the attributes of most rows, so that it need not grow.
func (r *Rules) buffer(cells []string) []byte {
	size := r.fixed
	for i, cell := range cells {
		if r.columns[i].attribute != nil {
			size += len(cell)
		}
	}
	return append(make([]byte, 0, size), '{')
}

func rejected(rec Record, errors ...events.RowError) commands.Command {
	return commands.RowRejected{Row: rec.Row, Line: rec.Line, Errors: errors}
}

// RowWidth is what is wrong with a row that has another number of fields than the header.
func RowWidth(got, want int) events.RowError {
	noun := "fields"
	if got == 1 {
		noun = "field"
	}
	return events.RowError{Code: "row-width",
		Message: fmt.Sprintf("The row has %d %s, the header has %d. Look for a missing or extra separator, or for a missing quote.", got, noun, want)}
}
