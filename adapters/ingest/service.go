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

// Service does what clients ask of imports. Safe for concurrent use.
type Service struct {
	deps    Deps
	wake    func(importID string)
	reviews chan struct{} // seats: each review keeps what it has seen of a whole file

	questions chan struct{} // seats
}

// reviewsAtOnce keeps the memory of reviews within bounds; more than one of them for
// each core would only be slower.
const reviewsAtOnce = 2

// NewService makes the service; wake is called with every import that has rows to
// be worked off from now on.
func NewService(deps Deps, wake func(importID string)) *Service {
	return &Service{deps: deps, wake: wake, reviews: make(chan struct{}, reviewsAtOnce), questions: make(chan struct{}, questionsAtOnce)}
}

// Map decides what the columns mean; the rows follow by themselves.
func (s *Service) Map(ctx context.Context, id string, m commands.MapColumns, meta events.Meta) (aggregate.Import, error) {
	imp, err := s.Load(ctx, id)
	if err != nil {
		return imp, err
	}
	if err := s.sameKeyIdentifier(ctx, imp); err != nil {
		return imp, err
	}
	if m, err = s.prepare(ctx, imp, m, s.stored(id)); err != nil {
		return imp, err
	}
	meta = s.stamp(meta)
	todo, err := s.establish(ctx, meta, imp, m)
	if err != nil {
		return imp, err
	}
	imp, err = aggregate.Execute(ctx, s.deps.Log, id, meta, todo...)
	if err == nil && imp.State == events.Importing {
		s.wake(id)
	}
	return imp, err
}

// sameKeyIdentifier refuses to go on with an import from before the account's key
// identifier was changed. The worker makes sure of it when the rows begin.
func (s *Service) sameKeyIdentifier(ctx context.Context, imp aggregate.Import) error {
	if imp.State != events.Preparing {
		return nil
	}
	key, err := s.deps.Account(ctx)
	if err != nil {
		return fmt.Errorf("key identifier of the account: %w", err)
	}
	if key != imp.Started.KeyIdentifier {
		return aggregate.ErrKeyIdentifierChanged
	}
	return nil
}

// Cancel ends an import early. Rows already accepted stay.
func (s *Service) Cancel(ctx context.Context, id, reason string, meta events.Meta) (aggregate.Import, error) {
	return aggregate.Cancel(ctx, s.deps.Log, id, s.stamp(meta), commands.Cancel{Reason: reason})
}

// Load gives an import as it stands in the log.
func (s *Service) Load(ctx context.Context, id string) (aggregate.Import, error) {
	imp, err := aggregate.Load(ctx, s.deps.Log, id)
	if err == nil && !imp.Exists() {
		err = aggregate.ErrNotFound
	}
	return imp, err
}

// At gives an import as it stood right after the event with that revision.
func (s *Service) At(ctx context.Context, id string, revision uint64) (aggregate.Import, error) {
	return aggregate.LoadAt(ctx, s.deps.Log, id, revision)
}

// errNothingKept is for imports whose file was refused while it came in.
var errNothingKept = &commands.Refusal{Kind: commands.NotFound, Code: SourceMissing, Message: "Nothing of this file was kept: it was refused while it came in."}

// Source opens the file of an import as it was received.
func (s *Service) Source(ctx context.Context, id string) (io.ReadSeekCloser, string, error) {
	imp, err := s.begun(ctx, id)
	if err != nil {
		return nil, "", err
	}
	file, err := s.deps.OpenBlob(ctx, id)
	switch {
	case err != nil && imp.Started.File.SHA256 == "" && s.deps.BlobMissing(err):
		return nil, "", errNothingKept
	case err != nil:
		return nil, "", fmt.Errorf("file of import %s: %w", id, err)
	}
	return file, imp.Started.File.Name, nil
}

// stored opens the file of an import.
func (s *Service) stored(id string) opener {
	return func(ctx context.Context) (io.ReadSeekCloser, error) {
		file, err := s.deps.OpenBlob(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("file of import %s: %w", id, err)
		}
		return file, nil
	}
}

// begun reads only an import's first two events: what its file is and means.
func (s *Service) begun(ctx context.Context, id string) (aggregate.Import, error) {
	imp, err := aggregate.LoadAt(ctx, s.deps.Log, id, 1)
	if errors.Is(err, aggregate.ErrRevisionNotFound) {
		err = nil // there is one
	}
	return imp, err
}

// stamp says when a command was given.
func (s *Service) stamp(meta events.Meta) events.Meta {
	meta.At = s.deps.Now().UnixMilli()
	return meta
}
