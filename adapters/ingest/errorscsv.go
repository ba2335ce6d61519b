package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

// errorSeparator stands between the errors of one row.
const errorSeparator = " | "

// ErrorsCSV writes the rejected rows with their original columns and separator and
// what is wrong with them: to be mended and imported again.
func (s *Service) ErrorsCSV(ctx context.Context, id string, w io.Writer) error {
	imp, err := s.begun(ctx, id)
	if err != nil {
		return err
	}
	file, open := imp.File(), s.stored(id)
	marked, err := s.marked(ctx, file, open)
	if err != nil {
		return err
	}
	next, stop := iter.Pull2(s.deps.RowsInError(ctx, id))
	defer stop()
	out := s.deps.NewCSV(w, cmp.Or(file.Separator, ","), marked) // none: a file that broke a rule
	if err := out.Write(s.harmless(slices.Concat(file.OwnColumns(), events.ErrorColumns))); err != nil {
		return fmt.Errorf("write the errors: %w", err)
	}
	rejected, err, more := next()
	if more && err == nil {
		err = s.eachRow(ctx, file, open, func(rec *aggregate.Record) error {
			if rec.Row != rejected.Row {
				return nil
			}
			if err := out.Write(s.harmless(errorCells(file, rec, rejected))); err != nil {
				return fmt.Errorf("write the errors: %w", err)
			}
			if rejected, err, more = next(); !more {
				return io.EOF
			}
			return err
		})
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

// ReviewErrorsCSV writes the rows that an import with a mapping would reject, in the
// form of ErrorsCSV, and appends nothing. It writes nothing before it knows that the
// mapping can be tried.
func (s *Service) ReviewErrorsCSV(ctx context.Context, id string, m commands.MapColumns, w io.Writer) error {
	leave, err := s.seat(ctx)
	if err != nil {
		return err
	}
	defer leave()
	imp, rules, err := s.try(ctx, id, m)
	if err != nil {
		return err
	}
	file, open := imp.File(), s.stored(id)
	marked, err := s.marked(ctx, file, open)
	if err != nil {
		return err
	}
	out := s.deps.NewCSV(w, file.Separator, marked)
	if err := out.Write(s.harmless(slices.Concat(file.OwnColumns(), events.ErrorColumns))); err != nil {
		return fmt.Errorf("write the errors: %w", err)
	}
	err = s.eachRow(ctx, file, open, func(rec *aggregate.Record) error {
		rejected, is := rules.Row(*rec).(commands.RowRejected)
		if !is {
			return nil
		}
		cells := errorCells(file, rec, projections.RejectedRow{Row: rejected.Row, Line: rejected.Line, Errors: rejected.Errors})
		if err := out.Write(s.harmless(cells)); err != nil {
			return fmt.Errorf("write the errors: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// marked tells whether a file's errors begin with a byte order mark: where the file
// did, and where it was in another encoding. The spreadsheet that it came from would
// not know UTF-8 without.
func (s *Service) marked(ctx context.Context, file events.File, open opener) (marked bool, err error) {
	if file.Encoding != "utf-8" {
		return file.Encoding != "", nil
	}
	blob, err := open(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, blob.Close()) }()
	head := make([]byte, len(byteOrderMark))
	n, err := io.ReadFull(blob, head)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil
	}
	return string(head[:n]) == byteOrderMark, err
}

const byteOrderMark = "\ufeff"

func (s *Service) harmless(cells []string) []string {
	for i, cell := range cells {
		cells[i] = s.deps.Harmless(cell)
	}
	return cells
}

// errorCells pads a row to the header's width; the cells of a row that is too long
// are joined in the last column, which is where a missing quote usually is.
func errorCells(file events.File, rec *aggregate.Record, rejected projections.RejectedRow) []string {
	width, fields := len(file.OwnColumns()), rec.Fields
	if file.Correction && len(fields) > len(events.ErrorColumns) {
		fields = fields[:len(fields)-len(events.ErrorColumns)] // what was wrong before
	}
	cells := make([]string, width, width+len(events.ErrorColumns))
	copy(cells, fields)
	if len(fields) > width {
		cells[width-1] = strings.Join(fields[width-1:], file.Separator)
	}
	var columns, messages []string
	for _, e := range rejected.Errors {
		columns = append(columns, e.Column)
		messages = append(messages, e.Message)
	}
	return append(cells, strconv.Itoa(rejected.Row), strings.Join(columns, errorSeparator),
		joinedCodes(rejected.Errors), strings.Join(messages, errorSeparator))
}
