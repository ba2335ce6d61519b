package aggregate

import "importledger/events"

// Review is what an import with a mapping would do, row by row, without doing it.
type Review struct {
	Rows       int
	Acceptable int
	InError    int
	Repeated   int            // acceptable rows about a contact that an earlier row is about too
	Errors     []ReviewError  // most frequent first
	Samples    []ReviewSample // the first acceptable rows
}

// ReviewError counts the rows that break one rule in one column.
type ReviewError struct {
	Code    string
	Column  string // empty: the row as a whole
	Count   int
	Message string   // of the first
	Rows    []int    // the first 20
	Values  []string // the cell of each of them as it is, shortened; empty: the row as a whole
}

// ReviewSample is an acceptable row and what it would make.
type ReviewSample struct {
	Row     int
	Contact events.Contact
	Event   *events.ContactEvent
}
