package aggregate

import (
	"context"
	"errors"
	"fmt"

	"importledger/events"
)

// Load folds an import's stream. An import that was never started is the zero
// Import with its ID set.
func Load(ctx context.Context, log Streams, importID string) (Import, error) {
	return catchUp(ctx, log, Import{ID: importID}, everything)
}

// LoadAt folds an import as it stood right after the event with that revision.
// An import without that many events fails with ErrRevisionNotFound.
func LoadAt(ctx context.Context, log Streams, importID string, revision uint64) (Import, error) {
	s, err := catchUp(ctx, log, Import{ID: importID}, revision)
	if err == nil && !s.Exists() {
		return s, ErrNotFound
	}
	if err == nil && s.Events <= revision {
		return s, ErrRevisionNotFound
	}
	return s, err
}

const everything = ^uint64(0)

// catchUp goes on folding from where a state is, up to and including the event
// with the last revision wanted.
func catchUp(ctx context.Context, log Streams, s Import, last uint64) (Import, error) {
	var decoder events.Decoder
	for recorded, err := range log.Read(ctx, events.ImportStream(s.ID), s.Events) {
		if errors.Is(err, ErrStreamNotFound) {
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("read import %s: %w", s.ID, err)
		}
		if recorded.Revision > last {
			break
		}
		e, err := decoder.Decode(recorded)
		if err != nil {
			return s, err
		}
		s = Evolve(s, e)
	}
	return s, nil
}
