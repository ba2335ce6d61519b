package aggregate

import (
	"fmt"

	"importledger/commands"
	"importledger/events"

	"github.com/google/uuid"
)

// Refusals of what is asked of segments.
var (
	ErrSegmentNotFound  = &commands.Refusal{Kind: commands.NotFound, Code: "segment-not-found", Message: "There is no segment with this id."}
	ErrSegmentNameTaken = &commands.Refusal{Kind: commands.Conflict, Code: "segment-name-taken", Message: "Another segment has this name. Choose another name, or rename that one first.",
		Details: []commands.Detail{{Field: "name", Code: "segment-name-taken", Message: "Another segment has this name."}}}
	ErrSegmentExists = &commands.Refusal{Kind: commands.Conflict, Code: "segment-exists", Message: "There is a segment with this id, or there was one."}
)

// SegmentState is where a segment stands.
type SegmentState string

// The states of a segment. The zero state is that of one that was never created.
const (
	SegmentReady   SegmentState = "ready"
	SegmentRemoved SegmentState = "removed"
)

// Segment is the state of one manual segment. Who is in it is no part of it: no
// decision needs to know, and imports put contacts in without asking.
type Segment struct {
	ID          string
	State       SegmentState
	Name        string
	Description string
	ImportID    string // the import that it was created for; empty: somebody by hand
	CreatedAt   int64  // Unix epoch, milliseconds
	ModifiedAt  int64  // of name or description
	ModifiedBy  string
	Events      uint64          // recorded so far
	Position    events.Position // of the last event in the log
}

// Exists tells whether contacts can be in the segment.
func (s Segment) Exists() bool { return s.State == SegmentReady }

// EvolveSegment gives the state after a recorded fact. It cannot fail.
func EvolveSegment(s Segment, e events.Envelope) Segment {
	switch fact := e.Event.(type) {
	case events.SegmentCreated:
		s.State, s.Name, s.Description, s.ImportID = SegmentReady, fact.Name, fact.Description, fact.ImportID
		s.CreatedAt, s.ModifiedAt, s.ModifiedBy = e.Meta.At, e.Meta.At, e.Meta.Actor
	case events.SegmentRenamed:
		s.Name, s.Description = fact.Name, fact.Description
		s.ModifiedAt, s.ModifiedBy = e.Meta.At, e.Meta.Actor
	case events.SegmentRemoved:
		s.State = SegmentRemoved
	}
	s.Events, s.Position = e.Revision+1, e.Position
	return s
}

// DecideSegment answers a command with the facts it causes: none when the command
// asks for what is so already. That no other segment has a name is ExecuteSegment's
// to see to.
func DecideSegment(s Segment, c commands.Command) ([]events.Event, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if create, ok := c.(commands.CreateSegment); ok {
		return decideCreate(s, create)
	}
	if s.State == "" {
		return nil, ErrSegmentNotFound
	}
	if _, ok := c.(commands.RemoveSegment); ok {
		if s.State == SegmentRemoved {
			return nil, nil
		}
		return []events.Event{events.SegmentRemoved{}}, nil
	}
	if s.State == SegmentRemoved {
		return nil, ErrSegmentNotFound
	}
	switch c := c.(type) {
	case commands.ChangeSegment:
		return decideChange(s, c), nil
	case commands.AddContacts:
		return inChunks(c.Contacts, func(ids []uuid.UUID) events.Event { return events.SegmentContactsAdded{Contacts: ids} }), nil
	case commands.RemoveContacts:
		return inChunks(c.Contacts, func(ids []uuid.UUID) events.Event { return events.SegmentContactsRemoved{Contacts: ids} }), nil
	}
	return nil, fmt.Errorf("command %T is not one for a segment", c)
}

func decideCreate(s Segment, c commands.CreateSegment) ([]events.Event, error) {
	created := events.SegmentCreated(c)
	switch {
	case s.State == "":
		return []events.Event{created}, nil
	case s.Exists() && created == (events.SegmentCreated{Name: s.Name, Description: s.Description, ImportID: s.ImportID}):
		return nil, nil
	}
	return nil, ErrSegmentExists
}

func decideChange(s Segment, c commands.ChangeSegment) []events.Event {
	renamed := events.SegmentRenamed{Name: s.Name, Description: s.Description}
	if c.Name != nil {
		renamed.Name = *c.Name
	}
	if c.Description != nil {
		renamed.Description = *c.Description
	}
	if renamed == (events.SegmentRenamed{Name: s.Name, Description: s.Description}) {
		return nil
	}
	return []events.Event{renamed}
}

// contactsInEvent bounds an event: 5,000 ids are 200 kB, and all that one command
// brings fits one append.
const contactsInEvent = 5000

// inChunks makes events of contacts, each of them once. An event is recorded even
// if it changes nothing: who is in the segment depends on imports too, which the
// segment's stream does not know.
func inChunks(contacts []uuid.UUID, fact func([]uuid.UUID) events.Event) (facts []events.Event) {
	seen := make(map[uuid.UUID]bool, len(contacts))
	once := make([]uuid.UUID, 0, len(contacts))
	for _, id := range contacts {
		if !seen[id] {
			seen[id] = true
			once = append(once, id)
		}
	}
	for len(once) > 0 {
		n := min(len(once), contactsInEvent)
		facts = append(facts, fact(once[:n:n]))
		once = once[n:]
	}
	return facts
}
