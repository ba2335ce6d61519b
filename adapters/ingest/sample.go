package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// Sample looks at a file like those that will come, for a template, and keeps nothing
// of it. It calls read once; read hands the file to store and gives what was asked
// beside it.
func (s *Service) Sample(ctx context.Context, read func(store Store) (commands.Start, error)) (p aggregate.Preview, err error) {
	upload, err := s.deps.NewUpload(ctx)
	if err != nil {
		return p, fmt.Errorf("store the sample: %w", err)
	}
	defer func() { err = errors.Join(err, upload.Discard()) }()
	name := ""
	start, err := read(func(file string, r io.Reader) error {
		if name != "" {
			return ErrFileTwice
		}
		name = file
		return s.receive(upload, r)
	})
	switch {
	case err != nil:
		return p, err
	case name == "":
		return p, ErrFileMissing
	}
	if start, err = s.check(ctx, upload, name, start); err != nil {
		return p, err
	}
	return s.glimpse(ctx, aggregate.Import{Started: events.ImportStarted(start)}, start.File, received(upload))
}
