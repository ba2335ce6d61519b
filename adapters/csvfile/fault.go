package csvfile

import (
	"fmt"

	"importledger/commands"
)

// fault is what is wrong with a record as a record.
type fault int

const (
	sound          fault = iota
	fieldTooLong         // the record is well formed and ends where it ends
	recordTooLong        // the faults from here on are passed by going to the next line
	bareQuote            // a quote inside a field that does not begin with one
	textAfterQuote       // something between a closing quote and the next separator
	unclosedQuote        // no closing quote before the file's end, or within a record's limit
)

// describeFault gives the code and the message for the record's fault. ofField:
// the field that has it is the one to mend.
func (s *scanner) describeFault() (code, message string, ofField bool) {
	code, ofField = commands.RowMalformed, true
	switch s.fault {
	case sound: // and nobody asks
	case fieldTooLong:
		return commands.RowTooLong, fmt.Sprintf("A field is longer than %s bytes. Shorten it.", grouped(int64(s.maxField))), true
	case recordTooLong:
		return commands.RowTooLong, fmt.Sprintf("More than %s bytes long. Shorten it, or check that the line ends where it should.", grouped(int64(s.maxRecord))), false
	case bareQuote:
		message = "A quote stands inside a field that is not quoted. Put the whole field in quotes and write the quote twice."
	case textAfterQuote:
		message = "A field goes on after its closing quote. Write a quote that belongs to the text twice."
	case unclosedQuote:
		return code, "A quote is opened and never closed. Close it at the end of the field.", true
	}
	if s.lines > 0 {
		// Most often the quotes went wrong in the first line already.
		message = fmt.Sprintf("The quotes that begin here do not end well: see line %d. %s", s.line+s.lines, message)
		ofField = false
	}
	return code, message, ofField
}
