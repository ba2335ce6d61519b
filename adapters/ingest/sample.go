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
	err = s.receiveSample(ctx, read, func(start commands.Start, upload Upload) error {
		p, err = s.glimpse(ctx, aggregate.Import{Started: events.ImportStarted(start)}, start.File, received(upload))
		return err
	})
	return p, err
}

// KeepSample does not look at it yet, but keeps it: under the key that announce gives
// for a file that is good.
func (s *Service) KeepSample(ctx context.Context, read func(store Store) (commands.Start, error), announce func(events.ImportStarted) (key string, err error)) error {
	return s.receiveSample(ctx, read, func(start commands.Start, upload Upload) error {
		key, err := announce(events.ImportStarted(start))
		if err != nil {
			return err
		}
		if err := upload.Commit(key); err != nil {
			return fmt.Errorf("store the sample: %w", err)
		}
		return nil
	})
}

// PreviewSample looks at a sample that was kept, read as asked; what is not said stays
// as it was found.
func (s *Service) PreviewSample(ctx context.Context, key string, started events.ImportStarted, as commands.Reading) (aggregate.Preview, error) {
	file, open := started.File, s.stored(key)
	if as != (commands.Reading{}) {
		var err error
		if file, err = s.reread(ctx, file, as, open); err != nil {
			return aggregate.Preview{}, err
		}
	}
	return s.glimpse(ctx, aggregate.Import{Started: started}, file, open)
}

// receiveSample receives a sample and checks it as a whole.
func (s *Service) receiveSample(ctx context.Context, read func(store Store) (commands.Start, error), use func(commands.Start, Upload) error) (err error) {
	upload, err := s.deps.NewUpload(ctx)
	if err != nil {
		return fmt.Errorf("store the sample: %w", err)
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
		return err
	case name == "":
		return ErrFileMissing
	}
	if start, err = s.check(ctx, upload, name, start); err != nil {
		return err
	}
	return use(start, upload)
}
