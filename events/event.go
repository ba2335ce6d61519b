package events

// Event is a fact of the ledger: here those of an import, in people.go those of
// segments, attributes and the account. The set is closed: every event is a struct of
// this package and has its line in the registry.
type Event interface{ isEvent() }

// ImportStarted: a file was received, checked as a whole and stored. The first
// event of every import.
type ImportStarted struct {
	Name           string     `json:"name"`
	Description    string     `json:"description,omitempty"`
	Type           ImportType `json:"type"`
	File           File       `json:"file"`
	ImportMode     Mode       `json:"importMode"`
	EventName      string     `json:"eventName,omitempty"` // mode events; may also come with the mapping
	KeyIdentifier  string     `json:"keyIdentifier"`       // email, phone or externalId: says which contact a row is about
	DefaultCountry string     `json:"defaultCountry,omitempty"`
	BlankCells     BlankCells `json:"blankCells,omitempty"` // empty: keep
	Corrects       string     `json:"corrects,omitempty"`   // id of the import whose rejected rows this file has, mended
}

// ColumnsMapped: it was decided what each column of the file means, and where
// somebody knew better than the reader, how the file is to be read. Rows follow.
type ColumnsMapped struct {
	Columns        []Column   `json:"columns"` // one for each column of the file, in the file's order
	Segment        *Segment   `json:"segment,omitempty"`
	EventName      string     `json:"eventName,omitempty"`
	File           *File      `json:"file,omitempty"`           // the same bytes, read otherwise; nil: as it was started
	BlankCells     BlankCells `json:"blankCells,omitempty"`     // empty: as it was started
	DefaultCountry string     `json:"defaultCountry,omitempty"` // empty: as it was started
	Name           string     `json:"name,omitempty"`           // of the import, chosen last; empty: as it was started
	Description    string     `json:"description,omitempty"`    // likewise
}

// RowAccepted: a row became (part of) a contact.
type RowAccepted struct {
	Row     int           `json:"row"`  // from 1, the first row below the header
	Line    int           `json:"line"` // of the file, where the row begins
	Contact Contact       `json:"contact"`
	Event   *ContactEvent `json:"event,omitempty"`
}

// RowRejected: a row broke the rules, for all the reasons given.
type RowRejected struct {
	Row    int        `json:"row"`
	Line   int        `json:"line"`
	Errors []RowError `json:"errors"`
}

// ImportCanceled: somebody ended the import early. Rows already accepted stay.
type ImportCanceled struct {
	Reason string `json:"reason,omitempty"`
}

// ImportCompleted: every row of the file has its outcome.
type ImportCompleted struct {
	Accepted int   `json:"accepted"`
	Rejected int   `json:"rejected"`
	Chain    Chain `json:"chain,omitzero"` // of the event before: the head of all that led here
}

// ImportFailed: the import cannot go on. Code is kebab-case and stable.
type ImportFailed struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (ImportStarted) isEvent()   {}
func (ColumnsMapped) isEvent()   {}
func (RowAccepted) isEvent()     {}
func (RowRejected) isEvent()     {}
func (ImportCanceled) isEvent()  {}
func (ImportCompleted) isEvent() {}
func (ImportFailed) isEvent()    {}
