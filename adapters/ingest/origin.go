package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

const (
	// rowsAtATime is how many rows of a contact are looked up at once.
	rowsAtATime = 50
	// rowsLookedAt is how many are read from the log to answer one question.
	rowsLookedAt = 400
	// filesLookedInto is how many files are opened for it.
	filesLookedInto = 12
	// lookInto is how long reading those may take; what was not read by then is left out.
	lookInto = 3 * time.Second
	// questionsAtOnce bounds what they take of log and files.
	questionsAtOnce = 4
	// longestRaw is how much of a cell is told.
	longestRaw = 2000
)

// ErrQuestionsBusy refuses a question while there are many.
var ErrQuestionsBusy = &commands.Refusal{Kind: commands.TooMany, Code: "too-many-questions", Message: "Many ask where values come from at the moment. Try again shortly."}

// Origins tells where a contact's values come from. attributes are those that the
// contact has; what was cleared may be in the answer too. Not whole means that the
// contact has more rows than were looked at.
func (s *Service) Origins(ctx context.Context, contact uuid.UUID, attributes []string) (origins []aggregate.Origin, whole bool, err error) {
	leave, err := s.ask()
	if err != nil {
		return nil, false, err
	}
	defer leave()
	q := &question{service: s, begun: map[string]*aggregate.Begun{}}
	var found aggregate.Origins
	whole, err = q.eachRow(ctx, contact, 0, func(row aggregate.Setting, values map[string]json.RawMessage) (enough bool) {
		found.Add(row, values)
		return found.Know(attributes)
	})
	if err == nil {
		err = q.readCells(ctx, found.Settings())
	}
	return found.All(), whole, err
}

// SettingsOf gives every setting of one attribute of a contact, the latest first, from
// before a row's number on (0: from the latest of all), and the number to go on from (0:
// there is no more).
func (s *Service) SettingsOf(ctx context.Context, contact uuid.UUID, attribute string, before int64, limit int) (all []aggregate.Setting, next int64, err error) {
	leave, err := s.ask()
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	q := &question{service: s, begun: map[string]*aggregate.Begun{}}
	last := int64(0)
	whole, err := q.eachRow(ctx, contact, before, func(row aggregate.Setting, values map[string]json.RawMessage) (enough bool) {
		last = row.Number
		if value, sets := values[attribute]; sets {
			all = append(all, row.Of(attribute, value))
		}
		return len(all) == limit
	})
	if err != nil {
		return nil, 0, err
	}
	if len(all) == limit || !whole {
		next = last
	}
	settings := make([]*aggregate.Setting, len(all))
	for i := range all {
		settings[i] = &all[i]
	}
	return all, next, q.readCells(ctx, settings)
}

// ask takes a seat for a question.
func (s *Service) ask() (leave func(), err error) {
	select {
	case s.questions <- struct{}{}:
		return func() { <-s.questions }, nil
	default:
		return nil, ErrQuestionsBusy
	}
}

// question is one look into log and files.
type question struct {
	service *Service
	begun   map[string]*aggregate.Begun
}

// eachRow visits the rows about a contact, the latest first, as the log has them, until
// visit has seen enough; whole tells that none is left, or was wanted.
func (q *question) eachRow(ctx context.Context, contact uuid.UUID, before int64, visit func(row aggregate.Setting, values map[string]json.RawMessage) (enough bool)) (whole bool, err error) {
	for looked := 0; looked < rowsLookedAt; {
		rows, err := q.service.deps.RowsOfContact(ctx, contact, before, rowsAtATime)
		if err != nil {
			return false, fmt.Errorf("rows of a contact: %w", err)
		}
		for _, row := range rows {
			looked, before = looked+1, row.Number
			at, values, err := q.accepted(ctx, row)
			if err != nil {
				return false, err
			}
			if visit(at, values) {
				return true, nil
			}
		}
		if len(rows) < rowsAtATime {
			return true, nil
		}
	}
	return false, nil
}

// accepted reads a row from the log.
func (q *question) accepted(ctx context.Context, row projections.ContactRow) (at aggregate.Setting, values map[string]json.RawMessage, err error) {
	begun, err := q.beginning(ctx, row.ImportID)
	if err != nil {
		return at, nil, err
	}
	e, err := q.service.rowEvent(ctx, row.ImportID, row.Row)
	if err != nil {
		return at, nil, err
	}
	is, ok := e.Event.(events.RowAccepted)
	if !ok {
		return at, nil, fmt.Errorf("row %d of import %s: the log has %s where a contact's row should be", row.Row, row.ImportID, e.Type)
	}
	if len(is.Contact.Attributes) > 0 {
		err = json.Unmarshal(is.Contact.Attributes, &values)
	}
	return aggregate.Setting{Number: row.Number, Import: *begun, Row: is.Row, Line: is.Line, Revision: e.Revision, At: e.Meta.At}, values, err
}

func (q *question) beginning(ctx context.Context, importID string) (*aggregate.Begun, error) {
	if known := q.begun[importID]; known != nil {
		return known, nil
	}
	begun, err := q.service.beginning(ctx, importID)
	if err == nil {
		q.begun[importID] = &begun
	}
	return &begun, err
}

// beginning reads an import's first two events.
func (s *Service) beginning(ctx context.Context, importID string) (aggregate.Begun, error) {
	b := aggregate.Begun{Import: aggregate.Import{ID: importID}}
	var decoder events.Decoder
	for recorded, err := range s.deps.Log.Read(ctx, events.ImportStream(importID), 0) {
		if err != nil {
			return b, fmt.Errorf("beginning of import %s: %w", importID, err)
		}
		e, err := decoder.Decode(recorded)
		if err != nil {
			return b, err
		}
		_, begins := e.Event.(events.ImportStarted)
		_, maps := e.Event.(events.ColumnsMapped)
		if !begins && !maps {
			break
		}
		b.Import = aggregate.Evolve(b.Import, e)
		if maps {
			b.MappedByActor, b.MappedAt = e.Meta.Actor, e.Meta.At
			break
		}
	}
	return b, nil
}

// rowEvent reads what was decided about a row. Rows are decided in order, behind the
// start and the mapping: a row's number says where its event is.
func (s *Service) rowEvent(ctx context.Context, importID string, row int) (events.Envelope, error) {
	for recorded, err := range s.deps.Log.Read(ctx, events.ImportStream(importID), uint64(row)+1) {
		if err != nil {
			return events.Envelope{}, fmt.Errorf("row %d of import %s: %w", row, importID, err)
		}
		e, err := events.Decode(recorded)
		if err != nil {
			return e, err
		}
		if got, isRow := rowOf(e.Event); isRow && got != row {
			return e, fmt.Errorf("row %d of import %s: its event is that of row %d", row, importID, got)
		}
		return e, nil
	}
	return events.Envelope{}, ErrRowNotFound
}

func rowOf(e events.Event) (row int, isRow bool) {
	switch e := e.(type) {
	case events.RowAccepted:
		return e.Row, true
	case events.RowRejected:
		return e.Row, true
	}
	return 0, false
}

// ErrRowNotFound is for a row that the file does not have, or that nobody decided.
var ErrRowNotFound = &commands.Refusal{Kind: commands.NotFound, Code: "row-not-found", Message: "This import has no outcome for such a row: the file has fewer, or it was not decided."}
