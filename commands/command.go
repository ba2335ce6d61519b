package commands

import "importledger/events"

// Command is an intent. The set is closed. Ids and times that a command needs
// arrive inside it or in the metadata beside it.
type Command interface {
	// Check refuses a command that is wrong whatever the state.
	Check() error
}

// Start begins an import with a file that was received and checked as a whole.
type Start struct {
	Name           string // of the import; the file's own when empty
	Description    string // at most 300 characters
	Type           events.ImportType
	File           events.File
	ImportMode     events.Mode
	EventName      string // mode events
	KeyIdentifier  string
	DefaultCountry string // ISO 3166-1 alpha-2, for national phone numbers
	BlankCells     events.BlankCells
	Corrects       string // id of the import whose rejected rows the file has, mended
}

// Reading says how the bytes of a file are to be read; empty parts are found out,
// or stay as they were found.
type Reading struct {
	Separator string // "," or ";"
	Encoding  string
}

// Column says what one column of the file, named by its header, should become:
// skip, an attribute, in mode events also a property or the event's time.
type Column struct {
	Header    string        `json:"header"`
	Skip      bool          `json:"skip"`
	Attribute string        `json:"attribute,omitempty"`
	Create    *NewAttribute `json:"create,omitempty"`
	Property  string        `json:"property,omitempty"`
	Timestamp bool          `json:"timestamp,omitempty"`
	// Type of a property that is no attribute too; empty: what all its cells agree on.
	Type events.AttributeType `json:"type,omitempty"`
}

// NewAttribute asks for the attribute to become part of the account.
type NewAttribute struct {
	Type events.AttributeType `json:"type"` // string, number or boolean
}

// MapColumns decides what the columns mean; rows follow. A header that no item
// names is skipped.
type MapColumns struct {
	Mapping    []Column
	Segment    *events.Segment    // nil: none
	EventName  string             // mode events; empty: as it was started
	Attributes []events.Attribute // the account's, reserved ones included
	Unfit      []string           // headers of columns that hold nothing of the type of their attribute

	Reading        Reading           // what the client wants read otherwise
	File           *events.File      // the file as Reading has it; nil: as it was started
	BlankCells     events.BlankCells // empty: as it was started
	DefaultCountry string            // empty: as it was started
	Name           string            // of the import; empty: as it was started
	Description    string            // likewise; at most 300 characters
}

// RowAccepted reports that a row obeys the rules, and what it says.
type RowAccepted struct {
	Row     int
	Line    int
	Contact events.Contact
	Event   *events.ContactEvent
}

// RowRejected reports that a row breaks the rules, and all of them that it breaks.
type RowRejected struct {
	Row    int
	Line   int
	Errors []events.RowError
}

// Cancel ends the import early; rows already accepted stay.
type Cancel struct {
	Reason string // at most 300 characters
}

// Complete ends an import whose every row has its outcome.
type Complete struct{}

// Fail ends an import that cannot go on.
type Fail struct {
	Code    string // kebab-case
	Message string
}
