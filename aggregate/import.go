package aggregate

import (
	"importledger/events"

	"github.com/google/uuid"
)

// Import is the state of one import: what decisions need and clients are told,
// no more. Its size does not grow with the number of rows. The zero value is an
// import that has not been started.
type Import struct {
	ID       string
	State    events.State // empty: not started
	Started  events.ImportStarted
	Mapped   *events.ColumnsMapped // nil until mapped
	Accepted int
	Rejected int
	Failure  *events.ImportFailed // in state failed

	CreatedBy     string // actor of ImportStarted
	CorrelationID string // of the request that started it
	TraceParent   string // of the request that decided last what is to be done
	CreatedAt     int64  // Unix epoch, milliseconds
	ModifiedAt    int64

	MappedBy uuid.UUID       // id of the event that rows follow from
	Events   uint64          // recorded so far: the expected revision of the next append
	Chain    events.Chain    // of the last event
	Position events.Position // of the last event in the log
}

// Exists tells whether the import was ever started.
func (s Import) Exists() bool { return s.State != "" }

// Next is the place in the stream that the next event comes to.
func (s Import) Next() events.Place { return events.Place{Revision: s.Events, Chain: s.Chain} }

// NextRow is the only row that can be decided now. Rows count from 1.
func (s Import) NextRow() int { return s.Accepted + s.Rejected + 1 }

// File is the file as it is read: as it was started, unless the mapping says otherwise.
func (s Import) File() events.File {
	if s.Mapped != nil && s.Mapped.File != nil {
		return *s.Mapped.File
	}
	return s.Started.File
}

// BlankCells is what a blank cell does to the contact's attribute.
func (s Import) BlankCells() events.BlankCells {
	if s.Mapped != nil && s.Mapped.BlankCells != "" {
		return s.Mapped.BlankCells
	}
	return s.Started.BlankCells
}

// Name is what people call the import.
func (s Import) Name() string {
	if s.Mapped != nil && s.Mapped.Name != "" {
		return s.Mapped.Name
	}
	return s.Started.Name
}

// Description says what the import is for.
func (s Import) Description() string {
	if s.Mapped != nil && s.Mapped.Description != "" {
		return s.Mapped.Description
	}
	return s.Started.Description
}

// DefaultCountry is the country of national phone numbers, or empty.
func (s Import) DefaultCountry() string {
	if s.Mapped != nil && s.Mapped.DefaultCountry != "" {
		return s.Mapped.DefaultCountry
	}
	return s.Started.DefaultCountry
}

// Rows is how many rows the file has.
func (s Import) Rows() int { return s.File().Rows }

// RowsMissing is how many rows have no outcome yet.
func (s Import) RowsMissing() int { return s.Rows() - s.Accepted - s.Rejected }

// EventName is the name that the rows' events get, in mode events.
func (s Import) EventName() string {
	if s.Mapped != nil && s.Mapped.EventName != "" {
		return s.Mapped.EventName
	}
	return s.Started.EventName
}
