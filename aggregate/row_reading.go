package aggregate

import (
	"strings"
	"unicode/utf8"

	"importledger/events"
)

const (
	maxShown    = 200       // characters of a cell that an error repeats
	maxRepeated = 256 << 10 // bytes of cells that the errors of one row repeat
	// maxOutcome is how many bytes attributes and properties of a row may be: an append
	// to the log takes 1 MiB, with all that is around them.
	maxOutcome = 960 << 10
)

// reading is one row on its way through the rules.
type reading struct {
	rules      *Rules
	attributes []byte // JSON object, not closed yet
	identifier string // normal value of the key identifier
	errors     []events.RowError
	repeated   int        // bytes of cells in errors
	event      *happening // mode events, else nil
}

// size is how many bytes the row would be in the log, but for what all rows have.
func (row *reading) size() int {
	n := len(row.attributes)
	if row.event != nil {
		n += len(row.event.properties)
	}
	return n
}

// cell holds a cell to the rule of its column. A cell has one error at most.
func (row *reading) cell(i int, cell string) {
	c := &row.rules.columns[i]
	if c.attribute == nil && c.property == nil && !c.time {
		return
	}
	if isBlank(cell) {
		row.blank(c, cell)
		return
	}
	if c.time && !row.event.happened(cell) {
		row.refuse(c, timestampInvalid, cell)
		return
	}
	switch {
	case c.attribute != nil:
		row.attribute(i, cell)
	case c.property != nil:
		row.property(i, cell)
	}
}

func (row *reading) attribute(i int, cell string) {
	c := &row.rules.columns[i]
	buf := append(member(row.attributes), c.attribute...)
	from := len(buf)
	buf, normal, broken := appendValue(buf, c.kind, cell, row.rules.phones)
	if broken != nil {
		row.refuse(c, broken, cell)
		return
	}
	row.attributes = buf
	if c.key {
		row.identifier = normal
	}
	if c.property != nil {
		row.event.add(i, c.property, buf[from:])
	}
}

// property takes a column that is nothing but a property.
func (row *reading) property(i int, cell string) {
	c := &row.rules.columns[i]
	value, _, broken := appendValue(nil, c.kind, cell, row.rules.phones)
	if broken != nil {
		row.refuse(c, broken, cell)
		return
	}
	row.event.add(i, c.property, value)
}

func (row *reading) blank(c *rule, cell string) {
	switch {
	case c.key:
		row.refuse(c, identifierMissing, cell)
	case c.attribute != nil && row.rules.clear:
		row.attributes = append(append(member(row.attributes), c.attribute...), "null"...)
	}
}

func (row *reading) refuse(c *rule, broken *breach, cell string) {
	shown := shortened(cell)
	if row.repeated += len(shown); row.repeated > maxRepeated {
		shown = ""
	}
	row.errors = append(row.errors, events.RowError{Column: c.header, Code: broken.code, Message: broken.message, Value: shown})
}

// member puts the comma that the next member of an object needs.
func member(object []byte) []byte {
	if len(object) > 1 {
		return append(object, ',')
	}
	return object
}

// shortened is a cell as errors show it: valid UTF-8 without NUL, at most 200
// characters.
func shortened(cell string) string {
	if i := 4 * maxShown; len(cell) > i {
		cell = cell[:i+utf8.UTFMax] // enough for 200 characters and the sign of more
	}
	cell = strings.ReplaceAll(strings.ToValidUTF8(cell, "\ufffd"), "\x00", "\ufffd")
	if len(cell) <= maxShown || utf8.RuneCountInString(cell) <= maxShown {
		return cell
	}
	n := 0
	for i := range cell {
		if n++; n == maxShown {
			return cell[:i] + "…"
		}
	}
	return cell
}
