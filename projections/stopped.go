package projections

import (
	"errors"
	"fmt"
	"strings"

	"importledger/events"

	"github.com/jackc/pgx/v5/pgconn"
)

// Stopped is the error of a read model that cannot apply an event, and does not
// go on before it is rebuilt, retried or a process with a mended program starts.
// It holds no values of contacts. Event, Stream, Revision and Position are empty
// when it is not an event that is at fault.
type Stopped struct {
	Model    string `json:"model"`
	Event    string `json:"event,omitempty"` // its name
	Stream   string `json:"stream,omitempty"`
	Revision uint64 `json:"revision,omitempty"`
	Position string `json:"position,omitempty"`
	Cause    string `json:"cause"`
}

// StoppedAt is why a read model, or else its rebuild, does not go on; nil: nothing stops
// them.
func (s Status) StoppedAt() (why *Stopped, rebuild bool) {
	if s.LastError == nil && s.Rebuild != nil && s.Rebuild.Failed != nil {
		return s.Rebuild.Failed, true
	}
	return s.LastError, false
}

func (s *Stopped) Error() string {
	if s.Event == "" {
		return fmt.Sprintf("read model %s has stopped: %s", s.Model, s.Cause)
	}
	return fmt.Sprintf("read model %s has stopped at event %d@%s (%s, position %s): %s",
		s.Model, s.Revision, s.Stream, s.Event, s.Position, s.Cause)
}

func stoppedAt(model string, e events.Envelope, err error) *Stopped {
	return &Stopped{Model: model, Event: e.Type, Stream: e.Stream, Revision: e.Revision, Position: e.Position.String(), Cause: cause(err)}
}

func stoppedByBroken(model string, b broken) *Stopped {
	why := b.why
	var undecodable *events.DecodeError
	if errors.As(why, &undecodable) {
		why = undecodable.Err // the rest of its text says what Stopped says
	}
	return stoppedAt(model, events.Envelope{Type: b.at.Type, Stream: b.at.Stream, Revision: b.at.Revision, Position: b.at.Position}, why)
}

// cause says an error without what Postgres adds as detail: that may quote values.
func cause(err error) string {
	var answered *pgconn.PgError
	if errors.As(err, &answered) {
		return fmt.Sprintf("%s (SQLSTATE %s)", answered.Message, answered.Code)
	}
	return err.Error()
}

// postgresIsBusy tells failures that say something about the server's moment and
// nothing about the statement: rolled back to resolve a conflict, out of
// resources, being operated on, failing over.
func postgresIsBusy(err error) bool {
	var answered *pgconn.PgError
	if !errors.As(err, &answered) {
		return false
	}
	for _, class := range []string{"40", "53", "55", "57", "58"} {
		if strings.HasPrefix(answered.Code, class) {
			return true
		}
	}
	return answered.Code == "25006" // read only: this server is a standby now
}
