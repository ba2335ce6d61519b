package aggregate

import "importledger/events"

// ColumnTypes finds the type that all cells of a column agree on, so that none has
// to be changed or refused: what properties become whose type nobody has said.
type ColumnTypes struct {
	columns []columnType
}

type columnType struct{ any, notNumber, notTruth bool }

// NewColumnTypes is for files with so many columns.
func NewColumnTypes(columns int) *ColumnTypes {
	return &ColumnTypes{columns: make([]columnType, columns)}
}

// Add looks at a row. One that cannot be read, or is not as wide as the header, says
// nothing.
func (t *ColumnTypes) Add(rec *Record) {
	if rec.Problem != nil || len(rec.Fields) != len(t.columns) {
		return
	}
	for i, cell := range rec.Fields {
		c := &t.columns[i]
		if c.notNumber && c.notTruth || isBlank(cell) {
			continue
		}
		c.any = true
		c.notNumber = c.notNumber || !isPlainNumber(cell)
		c.notTruth = c.notTruth || !isTruthWord(cell)
	}
}

// Of is the type of a column, from 0: number where every cell is a plain number,
// boolean where every one is true or false, else string.
func (t *ColumnTypes) Of(column int) events.AttributeType {
	switch c := t.columns[column]; {
	case c.any && !c.notNumber:
		return events.Number
	case c.any && !c.notTruth:
		return events.Boolean
	}
	return events.String
}

// isTruthWord is narrower than what a boolean takes: yes and no may be any answer's.
func isTruthWord(cell string) bool {
	_, ok := parseBoolean(cell)
	return ok && len(cell) > len("yes")
}
