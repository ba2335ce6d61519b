package proof

import (
	"errors"
	"fmt"

	"importledger/events"
)

// account counts what became of an import's rows. It is written without the
// aggregate's rules, which decided about them: a proof does not trust what it proves.
type account struct {
	events             uint64
	state              events.State // empty: nothing happened yet
	started            events.ImportStarted
	file               events.File // as it is read
	accepted, rejected int
	chain              events.Chain // of the last event
	unchainedEnd       bool         // the import was completed without its chain
}

func (a *account) ending() ending {
	return ending{Events: a.events, State: a.state, Rows: a.file.Rows, Accepted: a.accepted, Rejected: a.rejected, Chain: a.chain}
}

// count takes a fact in, whatever came before it.
func (a *account) count(e events.Event) {
	switch e := e.(type) {
	case events.ImportStarted:
		a.state, a.started, a.file = events.Preparing, e, e.File
	case events.ColumnsMapped:
		a.state = events.Importing
		if e.File != nil {
			a.file = *e.File
		}
	case events.RowAccepted:
		a.accepted++
	case events.RowRejected:
		a.rejected++
	case events.ImportCompleted:
		a.state, a.unchainedEnd = events.Imported, e.Chain.IsZero()
	case events.ImportCanceled:
		a.state = events.Canceled
	case events.ImportFailed:
		a.state = events.Failed
	}
}

// follows tells why a fact cannot come where it does; nil: it can.
func (a *account) follows(e events.Event) error {
	_, starts := e.(events.ImportStarted)
	switch {
	case a.state == "" && !starts:
		return errors.New("an import begins with ImportStarted")
	case a.state != "" && starts:
		return errors.New("the import was started before")
	case a.state.Final():
		return errors.New("the import has ended with the event before it")
	}
	switch e := e.(type) {
	case events.ImportStarted, events.ImportCanceled, events.ImportFailed:
		return nil
	case events.ColumnsMapped:
		if a.state != events.Preparing {
			return errors.New("the columns were mapped before")
		}
		return nil
	case events.RowAccepted:
		return a.rowFollows(e.Row)
	case events.RowRejected:
		return a.rowFollows(e.Row)
	case events.ImportCompleted:
		return a.completes(e)
	}
	return errors.New("it is no event of an import")
}

func (a *account) rowFollows(row int) error {
	next := a.accepted + a.rejected + 1
	switch {
	case a.state != events.Importing:
		return fmt.Errorf("row %d has an outcome before the columns were mapped", row)
	case next > a.file.Rows:
		return fmt.Errorf("the file has only %d rows", a.file.Rows)
	case row < next:
		return fmt.Errorf("row %d has a second outcome", row)
	case row > next:
		return fmt.Errorf("row %d has no outcome: row %d comes in its place", next, row)
	}
	return nil
}

func (a *account) completes(e events.ImportCompleted) error {
	switch {
	case a.state != events.Importing:
		return errors.New("an import whose columns are not mapped cannot be complete")
	case e.Accepted != a.accepted || e.Rejected != a.rejected:
		return fmt.Errorf("it says %d rows accepted and %d rejected, and the events before it %d and %d", e.Accepted, e.Rejected, a.accepted, a.rejected)
	case a.accepted+a.rejected != a.file.Rows:
		return fmt.Errorf("%d of the file's %d rows have no outcome", a.file.Rows-a.accepted-a.rejected, a.file.Rows)
	case !e.Chain.IsZero() && e.Chain != a.chain:
		return errors.New("the chain that it says it came behind is another one")
	}
	return nil
}
