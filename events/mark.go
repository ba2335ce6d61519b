package events

import "github.com/google/uuid"

// Mark is an event by which a log is known again. Whoever keeps something that he has
// made of a log keeps with it the mark of the last event that is in it: where that event
// does not stand in its place any more, the log is another one or an older one, and to go
// on reading behind the position would leave events out.
type Mark struct {
	Stream   string    `json:"stream"`
	Revision uint64    `json:"revision"`
	ID       uuid.UUID `json:"id"`
	Position Position  `json:"position"`
}

// Mark gives the event's own.
func (e Envelope) Mark() Mark {
	return Mark{Stream: e.Stream, Revision: e.Revision, ID: e.ID, Position: e.Position}
}

// Mark gives the event's own.
func (r Recorded) Mark() Mark {
	return Mark{Stream: r.Stream, Revision: r.Revision, ID: r.ID, Position: r.Position}
}
