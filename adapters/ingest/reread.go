package ingest

import (
	"context"
	"errors"
	"io"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// opener opens a file from its beginning.
type opener func(context.Context) (io.ReadSeekCloser, error)

// prepare adds what account and file know to a mapping that a client asked for.
func (s *Service) prepare(ctx context.Context, imp aggregate.Import, m commands.MapColumns, open opener) (commands.MapColumns, error) {
	m, err := s.complete(ctx, m)
	if err != nil {
		return m, err
	}
	file := imp.Started.File
	if m.Reading != (commands.Reading{}) {
		if file, err = s.reread(ctx, file, m.Reading, open); err != nil {
			return m, err
		}
		m.File = &file
	}
	if m.Unfit, err = s.unfit(ctx, file, m, open); err != nil {
		return m, err
	}
	m.Mapping, err = s.typed(ctx, file, m.Mapping, open)
	return m, err
}

// unfit finds the columns that hold something else than what they are mapped to. It
// mostly needs no more than the first row.
func (s *Service) unfit(ctx context.Context, file events.File, m commands.MapColumns, open opener) ([]string, error) {
	fit := aggregate.NewColumnFit(file.Header, m.Mapping, m.Attributes)
	if fit.Done() {
		return nil, nil
	}
	err := s.eachRow(ctx, file, open, func(rec *aggregate.Record) error {
		if fit.Add(rec); fit.Done() {
			return io.EOF
		}
		return nil
	})
	return fit.Unfit(), err
}

// reread checks a file again, read otherwise. What is not said stays as it was.
func (s *Service) reread(ctx context.Context, file events.File, as commands.Reading, open opener) (again events.File, err error) {
	guessed := file.EncodingGuessed && (as.Encoding == "" || as.Encoding == file.Encoding)
	if as.Separator == "" {
		as.Separator = file.Separator
	}
	if as.Encoding == "" {
		as.Encoding = file.Encoding
	}
	bytes, err := open(ctx)
	if err != nil {
		return file, err
	}
	defer func() { err = errors.Join(err, bytes.Close()) }()
	if again, err = s.inspect(bytes, as); err != nil {
		return file, err
	}
	again.Name, again.Size, again.SHA256, again.EncodingGuessed = file.Name, file.Size, file.SHA256, guessed
	return again, nil
}

// typed finds the types of properties that nobody has given one.
func (s *Service) typed(ctx context.Context, file events.File, wishes []commands.Column, open opener) ([]commands.Column, error) {
	columns := make(map[string]int, len(file.Header))
	for i, header := range file.Header {
		columns[header] = i
	}
	var types *aggregate.ColumnTypes
	completed := make([]commands.Column, len(wishes))
	for i, w := range wishes {
		column, inFile := columns[w.Header]
		if w.Property != "" && w.Attribute == "" && w.Type == "" && inFile {
			if types == nil {
				types = aggregate.NewColumnTypes(len(file.Header))
				if err := s.eachRow(ctx, file, open, func(rec *aggregate.Record) error { types.Add(rec); return nil }); err != nil {
					return nil, err
				}
			}
			w.Type = types.Of(column)
		}
		completed[i] = w
	}
	return completed, nil
}
