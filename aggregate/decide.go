package aggregate

import (
	"fmt"
	"reflect"

	"importledger/commands"
	"importledger/events"
)

// Refusals that a state causes. Compare with errors.Is; texts may be more exact.
var (
	ErrNotFound         = &commands.Refusal{Kind: commands.NotFound, Code: "import-not-found", Message: "There is no import with this id."}
	ErrAlreadyStarted   = &commands.Refusal{Kind: commands.Conflict, Code: "import-exists", Message: "An import with this id was started with another file."}
	ErrAlreadyMapped    = &commands.Refusal{Kind: commands.Conflict, Code: "already-mapped", Message: "The columns of this import are mapped already. Start a new import to map them otherwise."}
	ErrNotImporting     = &commands.Refusal{Kind: commands.Conflict, Code: "not-importing", Message: "This import is not importing rows."}
	ErrEnded            = &commands.Refusal{Kind: commands.Conflict, Code: "import-ended", Message: "This import has ended and cannot be changed."}
	ErrFileUnreadable   = &commands.Refusal{Kind: commands.Conflict, Code: "file-unreadable", Message: "The file of this import broke a rule and has no rows to map."}
	ErrRevisionNotFound = &commands.Refusal{Kind: commands.NotFound, Code: "revision-not-found", Message: "This import has no event with that revision yet."}
	ErrRowsMissing      = &commands.Refusal{Kind: commands.Conflict, Code: "rows-missing", Message: "An import is complete when every row was accepted or rejected."}
)

// RowOutOfOrder refuses a row that was decided before, a gap, and a row that the
// file does not have: rows are decided strictly in order, each once.
type RowOutOfOrder struct {
	Got  int
	Want int // 0: the file has no more rows
}

func (e *RowOutOfOrder) Error() string {
	if e.Want == 0 {
		return fmt.Sprintf("row %d is beyond the end of the file", e.Got)
	}
	return fmt.Sprintf("row %d is out of order: row %d comes next", e.Got, e.Want)
}

// Decide answers a command with the facts it causes: none when the command asks
// for what is so already. Errors are *commands.Refusal, *RowOutOfOrder, or what
// the command's own Check says.
func Decide(s Import, c commands.Command) ([]events.Event, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if start, ok := c.(commands.Start); ok {
		return decideStart(s, start)
	}
	if !s.Exists() {
		return nil, ErrNotFound
	}
	switch c := c.(type) {
	case commands.MapColumns:
		return decideMapping(s, c)
	case commands.RowAccepted:
		if err := nextRow(s, c.Row); err != nil {
			return nil, err
		}
		return []events.Event{events.RowAccepted(c)}, nil
	case commands.RowRejected:
		if err := nextRow(s, c.Row); err != nil {
			return nil, err
		}
		return []events.Event{events.RowRejected(c)}, nil
	case commands.Cancel:
		return end(s, events.Canceled, events.ImportCanceled(c))
	case commands.Fail:
		return end(s, events.Failed, events.ImportFailed(c))
	case commands.Complete:
		return decideComplete(s)
	}
	return nil, fmt.Errorf("command %T is not known", c)
}

func decideStart(s Import, c commands.Start) ([]events.Event, error) {
	started := events.ImportStarted(c)
	if started.Name == "" {
		started.Name = started.File.Name
	}
	if started.BlankCells == "" {
		started.BlankCells = events.KeepBlank
	}
	if err := checkCountry(c.DefaultCountry); err != nil {
		return nil, err
	}
	if !s.Exists() {
		return []events.Event{started}, nil
	}
	if reflect.DeepEqual(s.Started, started) {
		return nil, nil
	}
	return nil, ErrAlreadyStarted
}

func checkCountry(country string) error {
	if country == "" || newPhones(country).code != 0 {
		return nil
	}
	const message = "The default country is not a country with phone numbers. Use its ISO 3166-1 code of two letters, such as BE."
	return &commands.Refusal{Kind: commands.Unacceptable, Code: commands.InvalidRequest, Message: message,
		Details: []commands.Detail{{Field: "defaultCountry", Code: "unknown", Message: message}}}
}

func decideMapping(s Import, c commands.MapColumns) ([]events.Event, error) {
	mapped, err := resolve(s, c)
	switch {
	case s.State == events.Importing && err == nil && sameMapping(*s.Mapped, mapped):
		return nil, nil
	case s.State == events.Importing:
		return nil, ErrAlreadyMapped
	case s.State.Final():
		return nil, ErrEnded
	case s.Rows() == 0:
		return nil, ErrFileUnreadable
	case err != nil:
		return nil, err
	}
	return []events.Event{mapped}, nil
}

// sameMapping compares what a mapping asks for: whether an attribute or segment
// was new with it is not part of the question, since after the first time it is not.
func sameMapping(a, b events.ColumnsMapped) bool {
	if len(a.Columns) != len(b.Columns) || a.EventName != b.EventName || (a.Segment == nil) != (b.Segment == nil) {
		return false
	}
	if a.Segment != nil && a.Segment.ID != b.Segment.ID && a.Segment.Name != b.Segment.Name {
		return false
	}
	if !reflect.DeepEqual(a.File, b.File) || a.BlankCells != b.BlankCells || a.DefaultCountry != b.DefaultCountry || a.Name != b.Name || a.Description != b.Description {
		return false
	}
	for i, c := range a.Columns {
		d := b.Columns[i]
		c.Create, d.Create = false, false
		if c != d {
			return false
		}
	}
	return true
}

func nextRow(s Import, row int) error {
	switch {
	case s.State != events.Importing:
		return ErrNotImporting
	case s.RowsMissing() == 0:
		return &RowOutOfOrder{Got: row}
	case row != s.NextRow():
		return &RowOutOfOrder{Got: row, Want: s.NextRow()}
	}
	return nil
}

// end moves an import that has not ended into a final state; asking again for the
// end it has is no error.
func end(s Import, to events.State, e events.Event) ([]events.Event, error) {
	switch {
	case s.State == to:
		return nil, nil
	case s.State.Final():
		return nil, ErrEnded
	}
	return []events.Event{e}, nil
}

func decideComplete(s Import) ([]events.Event, error) {
	switch {
	case s.State == events.Imported:
		return nil, nil
	case s.State != events.Importing:
		return nil, ErrNotImporting
	case s.RowsMissing() != 0:
		return nil, ErrRowsMissing
	}
	return []events.Event{events.ImportCompleted{Accepted: s.Accepted, Rejected: s.Rejected, Chain: s.Chain}}, nil
}
