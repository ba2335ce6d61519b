package events

import (
	"encoding/json"

	"github.com/google/uuid"
)

// State is where an import stands.
type State string

// The states of an import. The last three are final.
const (
	Preparing State = "preparing" // file received, columns not mapped yet
	Importing State = "importing"
	Imported  State = "imported"
	Canceled  State = "canceled"
	Failed    State = "failed"
)

// Final tells whether nothing can follow.
func (s State) Final() bool { return s == Imported || s == Canceled || s == Failed }

// ImportType says which door a file came through.
type ImportType string

// The types of import.
const (
	Manual      ImportType = "manual"       // web, API, command line
	FTPTemplate ImportType = "ftp-template" // dropped by SFTP or FTPS
)

// Mode says what a row is.
type Mode string

// The modes of import.
const (
	Contacts       Mode = "contacts" // a row is a contact
	ContactsEvents Mode = "events"   // a row is an event of a contact
)

// BlankCells says what an empty cell does to the contact's attribute.
type BlankCells string

// What blank cells do.
const (
	KeepBlank  BlankCells = "keep" // the default: leave the attribute as it is
	ClearBlank BlankCells = "clear"
)

// File is what was received, and how it is read. The bytes are in the blob store
// under the import's id.
type File struct {
	Name            string   `json:"name"`
	Size            int64    `json:"size"`   // bytes
	SHA256          string   `json:"sha256"` // hex, of the bytes as received
	Separator       string   `json:"separator"`
	Encoding        string   `json:"encoding"`
	Header          []string `json:"header"`
	Rows            int      `json:"rows"`                      // below the header
	EncodingGuessed bool     `json:"encodingGuessed,omitempty"` // nothing in the file and nobody said it
	// Correction: the last columns are ErrorColumns, and cells that were made harmless
	// for spreadsheets are read as they were before.
	Correction bool `json:"correction,omitempty"`
	MaxField   int  `json:"maxField,omitempty"`  // bytes; the limits that it was read with,
	MaxRecord  int  `json:"maxRecord,omitempty"` // which decide about rows; 0: the defaults
}

// ErrorColumns are what a file of rejected rows has behind the columns of the file
// that they came from.
var ErrorColumns = []string{"error_row", "error_column", "error_code", "error_message"}

// OwnColumns are the columns of the file but for ErrorColumns.
func (f File) OwnColumns() []string {
	if f.Correction {
		return f.Header[:len(f.Header)-len(ErrorColumns)]
	}
	return f.Header
}

// Column is what one column of the file means: an attribute, an event's
// property, an event's time, an attribute and a property at once, or nothing.
type Column struct {
	Header    string        `json:"header"`
	Skip      bool          `json:"skip,omitempty"`
	Attribute string        `json:"attribute,omitempty"`
	Type      AttributeType `json:"type,omitempty"`   // of the attribute, else of the property; empty: string
	Create    bool          `json:"create,omitempty"` // the attribute is new with this import
	Property  string        `json:"property,omitempty"`
	Timestamp bool          `json:"timestamp,omitempty"`
}

// Segment is the manual segment that accepted contacts are put in.
type Segment struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Create bool   `json:"create,omitempty"` // the segment is new with this import
}

// Contact is what a row says about a contact: attributes by name, as JSON
// strings, numbers, booleans, or null where a blank cell clears one.
type Contact struct {
	NxID       uuid.UUID       `json:"nxId"`
	Attributes json.RawMessage `json:"attributes"`
}

// ContactEvent is an event of a contact. Its id is derived from contact, name,
// time and properties: the same event has the same id in every import.
type ContactEvent struct {
	ID         uuid.UUID       `json:"id"`
	Name       string          `json:"name"`
	At         int64           `json:"at"` // Unix epoch, milliseconds
	Properties json.RawMessage `json:"properties"`
}
