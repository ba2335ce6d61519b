package web

import (
	"net/http"
	"strconv"

	"importledger/events"
	"importledger/projections"
)

// atView is an import as it stood right after one of its events.
type atView struct {
	projections.Import
	Last uint64 // revision of the last event
}

// Done is how many rows had their outcome.
func (a atView) Done() int { return a.RowsImported + a.RowsInError }

// Mapped tells whether the columns had their meaning.
func (a atView) Mapped() []events.Column { return a.Mapping }

// atOf is the import as it stands now, which nobody needs to fold.
func atOf(i projections.Import, s shape) atView {
	if i.Revision > s.events-1 {
		s.events = i.Revision + 1
	}
	return atView{Import: i, Last: s.events - 1}
}

// atPage folds the import from the log up to a revision: not from a table.
func (v *visit) atPage() error {
	id, err := v.importID()
	if err != nil {
		return err
	}
	revision, err := strconv.ParseUint(v.r.URL.Query().Get("revision"), 10, 64)
	if err != nil {
		return errNoPage
	}
	s, err := v.Imports.At(v.ctx(), id, revision)
	if err != nil {
		return err
	}
	whole, err := v.shapeOf(id)
	if err != nil {
		return err
	}
	at := atView{Import: rowOf(s), Last: whole.events - 1}
	return v.render(http.StatusOK, "at", view{Title: "As it stood at revision " + strconv.FormatUint(revision, 10), Section: "imports", Body: at})
}
