package aggregate

import (
	"context"
	"errors"
	"fmt"

	"importledger/events"
)

// journal is a stream that is not an import's, and the state that its events fold
// to: what the load → decide → append loop has in its hands.
type journal[S any] struct {
	log    Streams
	stream string
	evolve func(S, events.Envelope) S
	state  S
	next   uint64 // revision of the event to come
}

// catchUp goes on folding from where the state is to the stream's end.
func (j *journal[S]) catchUp(ctx context.Context) error {
	for recorded, err := range j.log.Read(ctx, j.stream, j.next) {
		if errors.Is(err, ErrStreamNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", j.stream, err)
		}
		e, err := events.Decode(recorded)
		if err != nil {
			return err
		}
		j.fold(e)
	}
	return nil
}

func (j *journal[S]) fold(e events.Envelope) {
	j.state = j.evolve(j.state, e)
	j.next = e.Revision + 1
}

// append adds facts as one unit if nobody else has added any, else it fails with
// ErrOvertaken.
func (j *journal[S]) append(ctx context.Context, meta events.Meta, facts ...events.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	proposed := make([]events.Proposed, len(facts))
	for i, fact := range facts {
		var err error
		if proposed[i], err = events.EncodeAt(j.stream, j.next+uint64(i), meta, fact); err != nil {
			return err
		}
	}
	position, err := j.log.Append(ctx, j.stream, j.next, proposed)
	if err != nil {
		return fmt.Errorf("append to %s: %w", j.stream, err)
	}
	for i, fact := range facts {
		j.fold(events.Envelope{ID: proposed[i].ID, Stream: j.stream, Revision: j.next, Position: position, Type: proposed[i].Type, Meta: meta, Event: fact})
	}
	return nil
}

// execute decides on the state and appends what is decided, anew whenever somebody
// else's append comes first, until ctx ends. decide may look at other streams.
func (j *journal[S]) execute(ctx context.Context, meta events.Meta, decide func(S) ([]events.Event, error)) error {
	for {
		if err := j.catchUp(ctx); err != nil {
			return err
		}
		facts, err := decide(j.state)
		if err == nil && len(facts) > 0 {
			err = j.append(ctx, meta, facts...)
		}
		if !errors.Is(err, ErrOvertaken) {
			return err
		}
	}
}
