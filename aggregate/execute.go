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
	next, proposed := s, []events.Proposed(nil)
	encoder := events.NewEncoder(events.ImportStream(s.ID), meta)
	for _, c := range all {
		facts, err := Decide(next, c)
		if err != nil {
			return s, err
		}
		for _, fact := range facts {
			p, recorded, err := encoder.Encode(next.Next(), fact)
			if err != nil {
				return s, err
			}
			next, proposed = Evolve(next, recorded), append(proposed, p)
		}
	}
	if len(proposed) == 0 {
		return s, nil
	}
	position, err := log.Append(ctx, events.ImportStream(s.ID), s.Events, proposed)
	if err != nil {
		return s, fmt.Errorf("append to import %s: %w", s.ID, err)
	}
	next.Position = position
	return next, nil
}

// Tried gives the state that facts would lead to, without their being recorded: it
// has no chain and no position.
func Tried(s Import, facts []events.Event, meta events.Meta) Import {
	for _, e := range facts {
		s = Evolve(s, events.Envelope{Stream: events.ImportStream(s.ID), Revision: s.Events, Meta: meta, Event: e})
	}
	return s
}
