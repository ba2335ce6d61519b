package web

import (
	"errors"
	"net/http"
	"time"

	"importledger/aggregate"
	"importledger/events"
	"importledger/projections"
)

// importView is one import as it stands.
type importView struct {
	projections.Import
	Who     string         // the name of who started it
	From    *connectorLink // that it came from; nil: somebody started it
	Groups  []errorGroup
	Sorting bool // the error report has not come as far as the import
	Plot    *plot
	Created []string // attributes that were new with it
	Skipped int      // columns
}

// Done is how many rows have their outcome.
func (i importView) Done() int { return i.RowsImported + i.RowsInError }

// Left is how many have none yet.
func (i importView) Left() int { return i.RowsToImport - i.Done() }

func (v *visit) importPage() error {
	id, err := v.importID()
	if err != nil {
		return err
	}
	if err := v.reached(projections.ImportsList, projections.ErrorReport); err != nil {
		return err
	}
	i, err := v.oneImport(id, longestWait)
	if err != nil {
		return err
	}
	if i.State == events.Preparing && v.user.May(importsWrite) {
		return v.goOn(id)
	}
	page := view{Title: i.File.Name, Section: "imports", Body: i}
	if !i.State.Final() || i.Sorting {
		page.Live = "/imports/" + id + "/live"
	}
	return v.render(http.StatusOK, "import", page)
}

// goOn leads to the step of the wizard where somebody left off.
func (v *visit) goOn(id string) error {
	d, err := v.loadDraft(id)
	if err != nil {
		return err
	}
	return v.seeOther(preparing{Import: aggregate.Import{ID: id}, way: importWay}.address(d.Step))
}

func (v *visit) importLive() error {
	id, err := v.importID()
	if err != nil {
		return err
	}
	var sorted []errorGroup // as they were last
	return v.watch(id, func() ([]byte, bool, error) {
		i, err := v.oneImport(id, lookPause)
		if err != nil {
			return nil, false, err
		}
		if i.Sorting && !i.State.Final() && sorted != nil {
			i.Groups, i.Sorting = sorted, false // so far; they do not come and go
		}
		sorted = i.Groups
		part, err := v.execute("import", "live", view{User: v.user, Body: i})
		return part, i.State.Final() && !i.Sorting, err
	})
}

// group sums an import's errors up, once the error report has come as far as the
// import that the page shows: before, it would tell less than the page's figures.
func (v *visit) group(i *importView, patience time.Duration) error {
	if i.RowsInError == 0 {
		return nil
	}
	there, err := v.hasReached(i.Position, patience, projections.ErrorReport)
	if _, stopped := errors.AsType[*projections.Stopped](err); stopped {
		err = nil
	}
	if i.Sorting = !there; err != nil || !there {
		return err
	}
	found, err := projections.GroupErrors(v.ctx(), v.DB, i.ID)
	for _, g := range found {
		group := errorGroup{Code: g.Code, Column: g.Column, Count: g.Count, Message: g.Message, Rows: g.Rows, Values: g.Values, Advice: advice(g.Code)}
		if v.user.May(auditRead) {
			group.Address = "/imports/" + i.ID + "/rows/"
		}
		i.Groups = append(i.Groups, group)
	}
	return err
}

// oneImport reads all that the page shows, and waits for a while where the error
// report is behind.
func (v *visit) oneImport(id string, patience time.Duration) (importView, error) {
	row, err := v.currentImport(id)
	if err != nil {
		return importView{}, err
	}
	i := importView{Import: row}
	if err := v.group(&i, patience); err != nil {
		return i, err
	}
	if i.Plot, err = v.plotOf(row); err != nil {
		return i, err
	}
	for _, c := range row.Mapping {
		if c.Create {
			i.Created = append(i.Created, c.Attribute)
		}
		if c.Skip {
			i.Skipped++
		}
	}
	names, err := v.fromConnectors(row)
	if err != nil {
		return i, err
	}
	if i.From = connectorOf(names, row); i.From != nil {
		return i, nil
	}
	i.Who, err = v.nameOf(row.UserID)
	return i, err
}

// currentImport reads an import from the read model, or from the log as long as the
// read model has not heard of it: whoever just made an import finds it.
func (v *visit) currentImport(id string) (projections.Import, error) {
	row, err := projections.ImportByID(v.ctx(), v.DB, id)
	if !errors.Is(err, projections.ErrNotFound) {
		return row, err
	}
	s, err := aggregate.Load(v.ctx(), v.Streams, id)
	if err != nil {
		return projections.Import{}, err
	}
	if !s.Exists() {
		return projections.Import{}, aggregate.ErrNotFound
	}
	return rowOf(s), nil
}

// rowOf is a state as the read model will have it.
func rowOf(s aggregate.Import) projections.Import {
	file := s.File()
	row := projections.Import{
		ID: s.ID, Name: s.Name(), Description: s.Description(), Type: s.Started.Type, State: s.State, File: file,
		Position: s.Position, ImportMode: s.Started.ImportMode, EventName: s.EventName(), KeyIdentifier: s.Started.KeyIdentifier, RowsToImport: file.Rows,
		RowsImported: s.Accepted, RowsInError: s.Rejected, UserID: s.CreatedBy, CreatedAt: s.CreatedAt, ModifiedAt: s.ModifiedAt, Revision: s.Events - 1,
	}
	if s.Mapped != nil {
		row.Mapping = s.Mapped.Columns
		if s.Mapped.Segment != nil {
			row.SegmentID, row.SegmentName = s.Mapped.Segment.ID, s.Mapped.Segment.Name
		}
	}
	if s.Failure != nil {
		row.FailedReason, row.FailedMessage = s.Failure.Code, s.Failure.Message
	}
	return row
}

// nameOf is the name of who did something, or the id where nobody knows it.
func (v *visit) nameOf(id string) (string, error) {
	names, err := v.People.Names(v.ctx(), []string{id})
	if name, known := names[id]; known {
		return name, err
	}
	return id, err
}
