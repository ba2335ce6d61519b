package ingest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"importledger/aggregate"
	"importledger/events"
	"importledger/projections"
)

// ErrorColumns are what errors.csv adds to the columns of the file.
var ErrorColumns = []string{"error_row", "error_column", "error_code", "error_message"}

// errorSeparator stands between the errors of one row.
const errorSeparator = " | "

// ErrorsCSV writes the rejected rows with their original columns and separator and
// what is wrong with them: to be mended and imported again.
func (s *Service) ErrorsCSV(ctx context.Context, id string, w io.Writer) error {
	started, err := s.started(ctx, id)
	if err != nil {
		return err
	}
	next, stop := iter.Pull2(s.deps.RowsInError(ctx, id))
	defer stop()
	out := s.deps.NewCSV(w, cmp.Or(started.File.Separator, ",")) // none: a file that broke a rule
	if err := out.Write(s.harmless(slices.Concat(started.File.Header, ErrorColumns))); err != nil {
		return fmt.Errorf("write the errors: %w", err)
	}
	rejected, err, more := next()
	if more && err == nil {
		err = s.eachRow(ctx, id, started.File, func(rec *aggregate.Record) error {
			if rec.Row != rejected.Row {
				return nil
			}
			if err := out.Write(s.harmless(errorCells(started.File, rec, rejected))); err != nil {
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

func (s *Service) harmless(cells []string) []string {
	for i, cell := range cells {
		cells[i] = s.deps.Harmless(cell)
	}
	return cells
}

// errorCells pads a row to the header's width; the cells of a row that is too long
// are joined in the last column, which is where a missing quote usually is.
func errorCells(file events.File, rec *aggregate.Record, rejected projections.RejectedRow) []string {
	width := len(file.Header)
	cells := make([]string, width, width+len(ErrorColumns))
	copy(cells, rec.Fields)
	if len(rec.Fields) > width {
		cells[width-1] = strings.Join(rec.Fields[width-1:], file.Separator)
	}
	var columns, codes, messages []string
	for _, e := range rejected.Errors {
		columns = append(columns, e.Column)
		codes = append(codes, e.Code)
		messages = append(messages, e.Message)
	}
	return append(cells, strconv.Itoa(rejected.Row), strings.Join(columns, errorSeparator),
		strings.Join(codes, errorSeparator), strings.Join(messages, errorSeparator))
}
