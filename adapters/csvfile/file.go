package csvfile

import (
	"io"

	"importledger/events"
)

// File is what is recorded of a file, but for its name, size and hash.
func (f Facts) File() events.File {
	return events.File{Separator: f.Separator, Encoding: f.Encoding, EncodingGuessed: f.EncodingGuessed, Header: f.Header, Rows: f.Rows,
		Correction: f.Correction, MaxField: f.MaxField, MaxRecord: f.MaxRecord}
}

// Reopen reads a file as it is recorded, under the limits that it was found with:
// other settings do not change what becomes of rows.
func Reopen(r io.Reader, file events.File) (*Reader, error) {
	return NewReader(r, Options{Separator: file.Separator[0], Encoding: file.Encoding, Limits: Limits{
		MaxBytes: file.Size, MaxRows: file.Rows, MaxColumns: len(file.OwnColumns()), MaxField: file.MaxField, MaxRecord: file.MaxRecord}})
}
