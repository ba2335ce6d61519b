package csvfile

import (
	"io"

	"importledger/commands"
	"importledger/events"
)

// File is what is recorded of a file, but for its name, size and hash.
func (f Facts) File() events.File {
	return events.File{Separator: f.Separator, Encoding: f.Encoding, EncodingGuessed: f.EncodingGuessed, Header: f.Header, Rows: f.Rows,
		Correction: f.Correction, MaxField: f.MaxField, MaxRecord: f.MaxRecord}
}

// Reopen reads a file as it is recorded, under the limits that it was found with:
// other settings do not change what becomes of rows. What is recorded may come from a
// stranger's proof: what no ledger records is a *commands.Refusal.
func Reopen(r io.Reader, file events.File) (*Reader, error) {
	switch {
	case len(file.Separator) != 1:
		return nil, refuse(commands.SeparatorUnsupported, "The separator that is recorded for the file is %q, which is none.", shortened(file.Separator))
	case file.Correction && len(file.Header) <= len(events.ErrorColumns):
		return nil, refuse(commands.HeaderMismatch, "The columns that are recorded for the file are too few for one with error columns.")
	case min(file.Size, int64(file.Rows), int64(file.MaxField), int64(file.MaxRecord)) < 0:
		return nil, refuse(commands.FileTooLarge, "The limits that are recorded for the file are below zero.")
	}
	return NewReader(r, Options{Separator: file.Separator[0], Encoding: file.Encoding, Limits: Limits{
		MaxBytes: file.Size, MaxRows: file.Rows, MaxColumns: len(file.OwnColumns()), MaxField: file.MaxField, MaxRecord: file.MaxRecord}})
}
