package aggregate

import (
	"context"
	"errors"
	"fmt"

	"importledger/commands"
	"importledger/events"
)

// Cancel is Execute for a Cancel. It decides by the import's last event alone, which
// tells the state and where the next append goes: a worker appends thousands of rows
// in the time that reading them takes, so whoever read them all would be overtaken
// until the import has ended by itself.
func Cancel(ctx context.Context, log Streams, importID string, meta events.Meta, c commands.Cancel) (Import, error) {
	for {
		s, err := tip(ctx, log, importID)
		if err != nil {
			return Import{}, err
		}
		_, err = decideAndAppend(ctx, log, s, meta, []commands.Command{c})
		switch {
		case err == nil:
			return Load(ctx, log, importID)
		case !errors.Is(err, ErrOvertaken):
			return Import{}, err
		}
	}
}

// tip is an import as far as its last event tells. It knows no rows.
func tip(ctx context.Context, log Streams, importID string) (Import, error) {
	s := Import{ID: importID}
	var decoder events.Decoder
	for recorded, err := range log.ReadBack(ctx, events.ImportStream(importID), LastRevision) {
		if errors.Is(err, ErrStreamNotFound) {
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("read the end of import %s: %w", importID, err)
		}
		e, err := decoder.Decode(recorded)
		if err != nil {
			return s, err
		}
		s.State = events.Importing // where rows come; every other event says its own
		return Evolve(s, e), nil
	}
	return s, nil
}
