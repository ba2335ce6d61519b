package aggregate

import (
	"context"

	"importledger/commands"
	"importledger/events"
)

// A segment's name is unique, and the log alone says whose it is, however many
// processes ask at once and wherever one of them dies:
//
//   - Each name has a stream of its own. Before a segment gets a name, a claim is
//     appended there that says by which event of the segment's stream: by its
//     revision.
//   - A claim can be kept by that one append only. Once another event stands at that
//     revision, it is void.
//   - A claim whose revision is still to come is kept by whoever finds it: it holds
//     the whole event.
//
// So of a name's claims only the last one counts, and its segment's stream tells
// whether that segment has the name: it got it by that event, and was neither
// renamed nor removed since. When a claim is appended, behind the last one that was
// looked at, no earlier one can give the name to anybody any more; hence two
// segments never have it at a time. Nothing has to be released or cleaned up.

// segmentName is the last claim to a name. The zero value is a name that nobody
// has claimed.
type segmentName struct {
	claim events.SegmentNameClaimed
	meta  events.Meta // of the claim, and of the event that keeps it
}

func evolveSegmentName(n segmentName, e events.Envelope) segmentName {
	if claim, ok := e.Event.(events.SegmentNameClaimed); ok {
		return segmentName{claim, e.Meta}
	}
	return n
}

// kept is the event that gives the segment its name.
func (n segmentName) kept() events.Event {
	c := n.claim
	if c.Revision == 0 {
		return events.SegmentCreated{Name: c.Name, Description: c.Description, ImportID: c.ImportID}
	}
	return events.SegmentRenamed{Name: c.Name, Description: c.Description}
}

func openSegment(log Streams, id string) *journal[Segment] {
	return &journal[Segment]{log: log, stream: events.SegmentStream(id), evolve: EvolveSegment, state: Segment{ID: id}}
}

func openSegmentName(log Streams, name string) *journal[segmentName] {
	return &journal[segmentName]{log: log, stream: events.SegmentNameStream(name), evolve: evolveSegmentName}
}

// LoadSegment folds a segment's stream. One that was never created is the zero
// Segment with its ID set.
func LoadSegment(ctx context.Context, log Streams, id string) (Segment, error) {
	segment := openSegment(log, id)
	err := segment.catchUp(ctx)
	return segment.state, err
}

// SegmentNamed gives the segment that has exactly this name; ok is false where none
// has. It may complete what another process has begun.
func SegmentNamed(ctx context.Context, log Streams, name string) (s Segment, ok bool, err error) {
	claims := openSegmentName(log, name)
	if err := claims.catchUp(ctx); err != nil || claims.next.Revision == 0 {
		return Segment{}, false, err
	}
	return claims.state.holder(ctx, log)
}

// ExecuteSegment loads a segment, decides a command and appends what it causes, as
// Execute does for imports. A name that another segment has is refused with
// ErrSegmentNameTaken.
func ExecuteSegment(ctx context.Context, log Streams, id string, meta events.Meta, c commands.Command) (Segment, error) {
	segment := openSegment(log, id)
	err := segment.execute(ctx, meta, func(s Segment) ([]events.Event, error) {
		facts, err := DecideSegment(s, c)
		if err != nil || len(facts) == 0 {
			return nil, err
		}
		return facts, claimName(ctx, log, s, meta, facts[0])
	})
	return segment.state, err
}

// claimName makes sure that a segment can get the name that its next event gives
// it, if that is another one than it has.
func claimName(ctx context.Context, log Streams, s Segment, meta events.Meta, fact events.Event) error {
	claim := events.SegmentNameClaimed{SegmentID: s.ID, Revision: s.Events}
	switch fact := fact.(type) {
	case events.SegmentCreated:
		claim.Name, claim.Description, claim.ImportID = fact.Name, fact.Description, fact.ImportID
	case events.SegmentRenamed:
		claim.Name, claim.Description = fact.Name, fact.Description
	}
	if claim.Name == "" || claim.Name == s.Name {
		return nil
	}
	claims, moved := openSegmentName(log, claim.Name), false
	err := claims.execute(ctx, meta, func(last segmentName) ([]events.Event, error) {
		if claims.next.Revision == 0 {
			return []events.Event{claim}, nil
		}
		if last.claim == claim {
			return nil, nil // from an attempt that did not come to its end
		}
		has, taken, err := last.holder(ctx, log)
		switch {
		case err != nil:
			return nil, err
		case taken && has.ID == s.ID:
			moved = true // an earlier attempt was completed just now
			return nil, nil
		case taken:
			return nil, ErrSegmentNameTaken
		}
		return []events.Event{claim}, nil
	})
	if err == nil && moved {
		err = ErrOvertaken
	}
	return err
}

// holder gives the segment of the last claim, if it has the name.
func (n segmentName) holder(ctx context.Context, log Streams) (Segment, bool, error) {
	segment := openSegment(log, n.claim.SegmentID)
	err := segment.execute(ctx, n.meta, func(s Segment) ([]events.Event, error) {
		if s.Events == n.claim.Revision {
			return []events.Event{n.kept()}, nil
		}
		return nil, nil
	})
	s := segment.state
	return s, s.Exists() && s.Name == n.claim.Name, err
}
