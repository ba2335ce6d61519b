package aggregate

import (
	"context"
	"errors"
	"fmt"

	"importledger/commands"
	"importledger/events"
)

// Execute loads an import, decides commands one after the other and appends all
// that they cause as one unit: a refusal of any leaves nothing behind. When
// somebody else's append comes first it reads on from there and decides anew,
// until ctx ends. The state returned includes what was appended.
func Execute(ctx context.Context, log Streams, importID string, meta events.Meta, all ...commands.Command) (Import, error) {
	s, err := Load(ctx, log, importID)
	for err == nil {
		var next Import
		next, err = decideAndAppend(ctx, log, s, meta, all)
		if err == nil {
			return next, nil
		}
		if errors.Is(err, ErrOvertaken) {
			s, err = catchUp(ctx, log, s, everything)
		}
	}
	return s, err
}

func decideAndAppend(ctx context.Context, log Streams, s Import, meta events.Meta, all []commands.Command) (Import, error) {
	if err := ctx.Err(); err != nil {
		return s, err
	}
	next, caused := s, []events.Event(nil)
	for _, c := range all {
		facts, err := Decide(next, c)
		if err != nil {
			return s, err
		}
		next = Appended(next, facts, meta, events.Position{})
		caused = append(caused, facts...)
	}
	if len(caused) == 0 {
		return s, nil
	}
	encoder := events.NewEncoder(s.ID, meta)
	proposed := make([]events.Proposed, len(caused))
	for i, e := range caused {
		var err error
		if proposed[i], err = encoder.Encode(e); err != nil {
			return s, err
		}
	}
	position, err := log.Append(ctx, events.ImportStream(s.ID), s.Events, proposed)
	if err != nil {
		return s, fmt.Errorf("append to import %s: %w", s.ID, err)
	}
	next.Position = position
	return next, nil
}

// Appended gives the state after facts that were just decided on it, once they
// are recorded, the last of them at position.
func Appended(s Import, facts []events.Event, meta events.Meta, position events.Position) Import {
	for _, e := range facts {
		s = Evolve(s, events.Envelope{Stream: events.ImportStream(s.ID), Revision: s.Events, Position: position, Meta: meta, Event: e})
	}
	return s
}
