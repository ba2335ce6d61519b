package proof

// Codes of what is wrong with a proof.
const (
	NotAnExport        = "not-an-export"        // the first line is not that of a proof
	VersionUnsupported = "version-unsupported"  // a form of the file that this program does not know
	HeaderDiffers      = "header-differs"       // the first line says something else than the events
	EventChanged       = "event-changed"        // an event is not as it was recorded
	EventMissing       = "event-missing"        // an event was dropped
	EventInserted      = "event-inserted"       // something was put between the events
	EventMoved         = "event-moved"          // events were reordered
	EventNotChained    = "event-not-chained"    // an event was recorded without a chain
	EventUnreadable    = "event-unreadable"     // of a later version of the program
	RowsUnaccounted    = "rows-unaccounted"     // a row without exactly one outcome, or an event that cannot be there
	Truncated          = "export-truncated"     // the file ends too early
	LineMalformed      = "line-malformed"       // a line that a proof does not have
	LineTooLong        = "line-too-long"        // longer than any event can be
	CountsDiffer       = "counts-differ"        // the line behind the events says something else than they do
	SignatureInvalid   = "signature-invalid"    // not what the key has signed
	KeyUnknown         = "key-unknown"          // signed, by another key than those that were given
	SourceDiffers      = "source-differs"       // the file at hand is not the one that was imported
	SourceMissing      = "source-not-in-export" // the export knows of no file
)

// Fault is the first thing that is wrong with a proof.
type Fault struct {
	Code     string  `json:"code"`
	Line     int     `json:"line,omitempty"`     // of the proof, from 1
	Revision *uint64 `json:"revision,omitempty"` // the place in the stream where it stops being what was recorded
	Type     string  `json:"type,omitempty"`     // of the event that stands there; empty: none can be read
	Message  string  `json:"message"`
}

func at(revision uint64) *uint64 { return &revision }
