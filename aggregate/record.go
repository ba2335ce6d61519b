package aggregate

import "importledger/events"

// Record is one row of a file below its header, as the reader found it.
type Record struct {
	Row     int              // from 1 for the first row below the header
	Line    int              // line of the file where it begins; the first line is 1
	Fields  []string         // as decoded; may be more or fewer than the header
	Problem *events.RowError // set when the row could not be read: malformed, too long
}
