package csvfile

import (
	"cmp"

	"importledger/commands"
)

// Limits bound what one file may cost. Zero values stand for the defaults.
type Limits struct {
	MaxBytes   int64 // of the file as received
	MaxRows    int   // below the header
	MaxColumns int   // of the header, events.ErrorColumns aside
	MaxField   int   // bytes of one field, without its quotes
	MaxRecord  int   // bytes of one record, without its line break
}

// DefaultLimits are the limits of a ledger that sets none of its own.
func DefaultLimits() Limits {
	return Limits{MaxBytes: 20_000_000, MaxRows: 20_000, MaxColumns: 100, MaxField: 64 << 10, MaxRecord: 1 << 20}
}

func (l Limits) orDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		MaxBytes:   cmp.Or(l.MaxBytes, d.MaxBytes),
		MaxRows:    cmp.Or(l.MaxRows, d.MaxRows),
		MaxColumns: cmp.Or(l.MaxColumns, d.MaxColumns),
		MaxField:   cmp.Or(l.MaxField, d.MaxField),
		MaxRecord:  cmp.Or(l.MaxRecord, d.MaxRecord),
	}
}

// maxHeader is how many bytes the names of the columns may have together: events
// name all of them, and the log takes 1 MiB at once.
const maxHeader = 64 << 10

// The encodings, by the names that options and facts use.
const (
	UTF8        = "utf-8"
	UTF16LE     = "utf-16le"
	UTF16BE     = "utf-16be"
	Windows1252 = "windows-1252"
)

// Options say what is known about a file beforehand.
type Options struct {
	Separator byte   // ',' or ';'; 0: sniffed
	Encoding  string // one of the encodings above; empty: by byte order mark, else guessed
	Limits    Limits

	chunk int // see window; tests make it small
}

// Facts are what reading a file has shown.
type Facts struct {
	Separator       string // "," or ";"
	Encoding        string
	EncodingGuessed bool     // Windows-1252 was assumed, nothing says so
	Header          []string // trimmed
	Correction      bool     // the last columns are events.ErrorColumns, cells are restored
	Rows            int      // below the header, so far
	Unreadable      int      // of these, the rows that are malformed or too long
	Size            int64    // bytes as received, so far
	MaxField        int      // limits that decide about rows
	MaxRecord       int
}

func (o Options) check() error {
	if o.Separator != 0 && o.Separator != ',' && o.Separator != ';' {
		return separatorUnsupported(o.Separator)
	}
	switch o.Encoding {
	case "", UTF8, UTF16LE, UTF16BE, Windows1252:
		return nil
	}
	return refuse(commands.EncodingInvalid, "The encoding %q is not known. Give one of %s, %s, %s, %s.",
		o.Encoding, UTF8, UTF16LE, UTF16BE, Windows1252)
}
