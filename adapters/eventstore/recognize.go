package eventstore

import (
	"context"
	"errors"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// What Recognize reports of a log that is not the one which was read before. Whoever
// went on behind his position there would leave events out.
var (
	// ErrLogBehind: the log ends before what was read of it.
	ErrLogBehind = &commands.Refusal{Kind: commands.Conflict, Code: "log-behind",
		Message: "the event log ends before what this database has of it: it is older than the database, as after a restore"}
	// ErrLogOther: other events stand where others were read.
	ErrLogOther = &commands.Refusal{Kind: commands.Conflict, Code: "log-other",
		Message: "the event log is not the one that this database was made from: it holds other events"}
	// ErrLogMoved: the same events stand at other positions.
	ErrLogMoved = &commands.Refusal{Kind: commands.Conflict, Code: "log-moved",
		Message: "the event log is a copy of the one that this database was made from: the same events stand at other positions"}
)

// Recognize tells whether an event that was read before still stands where it stood:
// nil, one of the errors above, or why the log cannot be asked.
func (l *Log) Recognize(ctx context.Context, m events.Mark) error {
	page, err := l.page(ctx, m.Stream, esdb.Forwards, esdb.Revision(m.Revision), 1)
	switch {
	case errors.Is(err, aggregate.ErrStreamNotFound):
		return ErrLogBehind
	case err != nil:
		return err
	case len(page) == 0:
		return ErrLogBehind
	case page[0].ID != m.ID:
		return ErrLogOther
	case page[0].Position != m.Position:
		return ErrLogMoved
	}
	return nil
}

// IsAnotherLog tells errors of Recognize that no waiting mends.
func IsAnotherLog(err error) bool {
	return errors.Is(err, ErrLogBehind) || errors.Is(err, ErrLogOther) || errors.Is(err, ErrLogMoved)
}
