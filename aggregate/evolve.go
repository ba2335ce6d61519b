package aggregate

import "importledger/events"

// Evolve gives the state after a recorded fact. It cannot fail: the fact already
// happened.
func Evolve(s Import, e events.Envelope) Import {
	s = apply(s, e.Event)
	if _, ok := e.Event.(events.ColumnsMapped); ok {
		s.MappedBy = e.ID
	}
	if s.Events == 0 {
		s.ID, s.CreatedBy, s.CreatedAt, s.CorrelationID = e.ImportID(), e.Meta.Actor, e.Meta.At, e.Meta.CorrelationID
	}
	switch e.Event.(type) {
	case events.ImportStarted, events.ColumnsMapped:
		s.TraceParent = e.Meta.TraceParent
	}
	s.ModifiedAt = e.Meta.At
	s.Events, s.Chain = e.Revision+1, e.Meta.Chain
	s.Position = e.Position
	return s
}

// apply is the part of Evolve that a fact's own content decides.
func apply(s Import, e events.Event) Import {
	switch e := e.(type) {
	case events.ImportStarted:
		s.State, s.Started = events.Preparing, e
	case events.ColumnsMapped:
		s.State, s.Mapped = events.Importing, &e
	case events.RowAccepted:
		s.Accepted++
	case events.RowRejected:
		s.Rejected++
	case events.ImportCanceled:
		s.State = events.Canceled
	case events.ImportCompleted:
		s.State = events.Imported
	case events.ImportFailed:
		s.State, s.Failure = events.Failed, &e
	}
	return s
}
