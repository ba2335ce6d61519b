package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"importledger/aggregate"
	"importledger/events"
)

// readCells looks the settings' cells up in their files: each file once, those of the
// latest rows first. What is not there, or takes too long, is left out.
func (q *question) readCells(ctx context.Context, settings []*aggregate.Setting) error {
	byImport := map[string][]*aggregate.Setting{}
	for _, s := range settings {
		if s.Column != nil {
			byImport[s.Import.ID] = append(byImport[s.Import.ID], s)
		}
	}
	var order []string
	for id := range byImport {
		order = append(order, id)
	}
	latest := func(id string) int64 {
		return slices.MaxFunc(byImport[id], func(a, b *aggregate.Setting) int { return cmp.Compare(a.Number, b.Number) }).Number
	}
	slices.SortFunc(order, func(a, b string) int { return cmp.Compare(latest(b), latest(a)) })
	limited, cancel := context.WithTimeout(ctx, lookInto)
	defer cancel()
	for _, id := range order[:min(len(order), filesLookedInto)] {
		of := byImport[id]
		rows := make([]int, len(of))
		for i, s := range of {
			rows[i] = s.Row
		}
		err := q.service.fields(limited, of[0].Import.Import, rows, func(rec *aggregate.Record) {
			for _, s := range of {
				if s.Row == rec.Row {
					s.Raw = cellOf(of[0].Import.File(), rec, s.Column.Header)
				}
			}
		})
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case limited.Err() != nil:
			return nil
		case err != nil && !q.service.deps.BlobMissing(err):
			return fmt.Errorf("cells of import %s: %w", id, err)
		}
	}
	return nil
}

// cellOf is a cell of a row under a header; nil: the row does not reach so far.
func cellOf(file events.File, rec *aggregate.Record, header string) *string {
	i := slices.Index(file.Header, header)
	if i < 0 || i >= len(rec.Fields) || rec.Problem != nil {
		return nil
	}
	cell := shortenedCell(rec.Fields[i])
	return &cell
}

// shortenedCell also frees the rest of the file from being kept for one cell.
func shortenedCell(cell string) string {
	if len(cell) <= longestRaw {
		return strings.Clone(cell)
	}
	end := longestRaw
	for !utf8.RuneStart(cell[end]) {
		end--
	}
	return cell[:end] + "…"
}

// fields visits some rows of an import's file, and reads no further than the last.
func (s *Service) fields(ctx context.Context, imp aggregate.Import, rows []int, visit func(*aggregate.Record)) (err error) {
	file := imp.File()
	if file.Separator == "" || len(rows) == 0 {
		return nil
	}
	rows = slices.Compact(slices.Sorted(slices.Values(rows)))
	blob, err := s.deps.OpenBlob(ctx, imp.ID)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, blob.Close()) }()
	reader, err := s.deps.OpenRows(blob, file)
	if err != nil {
		return err
	}
	rec, at := new(aggregate.Record), 0
	for _, row := range rows {
		for at < row-1 { // in steps, so that a long file can be given up
			step := min(row-1-at, 4096)
			if err := reader.Skip(step); err != nil {
				return endOfRows(err)
			}
			if at += step; ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if err := reader.Read(rec); err != nil {
			return endOfRows(err)
		}
		at = row
		visit(rec)
	}
	return nil
}

// Row tells what became of a row of an import's file.
func (s *Service) Row(ctx context.Context, importID string, row int) (o aggregate.Outcome, err error) {
	leave, err := s.ask()
	if err != nil {
		return o, err
	}
	defer leave()
	if o.Import, err = s.beginning(ctx, importID); err != nil {
		return o, err
	}
	if o.Row = row; row < 1 || row > o.Import.Rows() {
		return o, ErrRowNotFound
	}
	e, err := s.rowEvent(ctx, importID, row)
	if err != nil {
		return o, err
	}
	switch is := e.Event.(type) {
	case events.RowAccepted:
		o.Accepted, o.Line = &is, is.Line
	case events.RowRejected:
		o.Rejected, o.Line = &is, is.Line
	default: // it ended before
		return o, ErrRowNotFound
	}
	o.Revision, o.At = e.Revision, e.Meta.At
	err = s.fields(ctx, o.Import.Import, []int{row}, func(rec *aggregate.Record) {
		if rec.Problem != nil && len(rec.Fields) == 1 {
			o.Text = shortenedCell(rec.Fields[0])
			return
		}
		for _, cell := range rec.Fields {
			o.Cells = append(o.Cells, shortenedCell(cell))
		}
	})
	if err != nil && (s.deps.BlobMissing(err) || errors.Is(err, io.EOF)) {
		err = nil
	}
	return o, err
}
