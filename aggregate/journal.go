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
	next   events.Place // of the event to come
}

// catchUp goes on folding from where the state is to the stream's end.
func (j *journal[S]) catchUp(ctx context.Context) error {
	for recorded, err := range j.log.Read(ctx, j.stream, j.next.Revision) {
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
	j.next = e.Next()
}

// append adds facts as one unit if nobody else has added any, else it fails with
// ErrOvertaken.
func (j *journal[S]) append(ctx context.Context, meta events.Meta, facts ...events.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	encoder, next := events.NewEncoder(j.stream, meta), j.next
	proposed, recorded := make([]events.Proposed, len(facts)), make([]events.Envelope, len(facts))
	for i, fact := range facts {
		var err error
		if proposed[i], recorded[i], err = encoder.Encode(next, fact); err != nil {
			return err
		}
		next = recorded[i].Next()
	}
	position, err := j.log.Append(ctx, j.stream, j.next.Revision, proposed)
	if err != nil {
		return fmt.Errorf("append to %s: %w", j.stream, err)
	}
	for _, e := range recorded {
		e.Position = position
		j.fold(e)
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
