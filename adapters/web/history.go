package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"importledger/events"
	"importledger/projections"
)

// historyView is a page of an import's history.
type historyView struct {
	Import projections.Import
	Shape  shape
	Lines  []historyLine
	Newest bool
	Each   bool   // every event on a line of its own
	Behind bool   // because the error report, which tells where runs end, has not come so far
	Next   string // address of the next page; empty: there is none
	Start  string // address of the first page; empty: this is it
	Turned string // address of the same in the other order
	Fold   string // address of the same, folded or not
	At     atView
	Search searchView
	Names  map[string]string // of actors
}

const eachOnPage = 100

func (v *visit) historyPage() error {
	id, err := v.importID()
	if err != nil {
		return err
	}
	page, err := v.history(id)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "history", view{Title: "History of " + page.Import.File.Name, Section: "imports", Body: page})
}

func (v *visit) history(id string) (historyView, error) {
	query := v.r.URL.Query()
	page := historyView{Newest: query.Get("order") == "newest", Each: query.Get("each") != ""}
	var err error
	if page.Shape, err = v.shapeOf(id); err != nil {
		return page, err
	}
	if page.Import, err = v.currentImport(id); err != nil {
		return page, err
	}
	if err := v.foldable(&page); err != nil {
		return page, err
	}
	from, begins := page.begin(query.Get("from"))
	if !begins {
		page.Start = page.address(id, page.Newest, page.Each, "")
	}
	if err := v.fill(id, &page, from, query.Get("to")); err != nil {
		return page, err
	}
	page.Turned = page.address(id, !page.Newest, page.Each, "")
	page.Fold = page.address(id, page.Newest, !page.Each, "")
	page.At = atOf(page.Import, page.Shape)
	page.Search = searchView{ID: id}
	page.Names, err = v.actors(page.Lines)
	return page, err
}

// foldable finds out whether runs of equal rows can be folded: not before the error
// report has what the log has, since rejected rows would be taken for accepted ones.
func (v *visit) foldable(page *historyView) error {
	if page.Each || page.Shape.rows == 0 {
		return nil
	}
	there, err := v.hasReached(page.Shape.position, longestWait, projections.ErrorReport)
	if _, stopped := errors.AsType[*projections.Stopped](err); stopped {
		err = nil
	}
	page.Behind = !there
	page.Each = page.Behind
	return err
}

// begin is the revision that the page begins with; first tells that it is where the
// history does.
func (p historyView) begin(asked string) (from uint64, first bool) {
	last := p.Shape.events - 1
	n, err := strconv.ParseUint(asked, 10, 64)
	switch {
	case err != nil && p.Newest:
		return last, true
	case err != nil:
		return 0, true
	}
	n = min(n, last)
	return n, p.Newest && n == last || !p.Newest && n == 0
}

func (v *visit) fill(id string, page *historyView, from uint64, to string) error {
	if page.Each {
		return v.fillEach(id, page, from, to)
	}
	f := folder{v: v, id: id, shape: page.Shape, newest: page.Newest}
	next, more, err := f.fold(from)
	page.Lines = f.lines
	if more {
		page.Next = page.address(id, page.Newest, false, strconv.FormatUint(next, 10))
	}
	return err
}

// fillEach reads the events themselves, to a page's end or a revision.
func (v *visit) fillEach(id string, page *historyView, from uint64, to string) error {
	until, bounded := page.Shape.events-1, false
	if page.Newest {
		until = 0
	}
	if n, err := strconv.ParseUint(to, 10, 64); err == nil {
		until, bounded = n, true
	}
	read := v.Streams.Read(v.ctx(), events.ImportStream(id), from)
	if page.Newest {
		read = v.Streams.ReadBack(v.ctx(), events.ImportStream(id), from)
	}
	var decoder events.Decoder
	for r, err := range read {
		if err != nil {
			return err
		}
		if page.Newest && r.Revision < until || !page.Newest && r.Revision > until {
			break
		}
		if len(page.Lines) == eachOnPage {
			page.Next = page.address(id, page.Newest, true, strconv.FormatUint(r.Revision, 10))
			if bounded {
				page.Next += "&to=" + to
			}
			break
		}
		page.Lines = append(page.Lines, lineOf(&decoder, r))
	}
	return nil
}

func (p historyView) address(id string, newest, each bool, from string) string {
	query := url.Values{}
	if newest {
		query.Set("order", "newest")
	}
	if each {
		query.Set("each", "1")
	}
	if from != "" {
		query.Set("from", from)
	}
	path := "/imports/" + id + "/history"
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// actors finds the names of those who did what is on the page.
func (v *visit) actors(lines []historyLine) (map[string]string, error) {
	var ids []string
	for _, l := range lines {
		if l.Event != nil && l.Event.Actor != "" {
			ids = append(ids, l.Event.Actor)
		}
	}
	if ids == nil {
		return nil, nil
	}
	return v.People.Names(v.ctx(), ids)
}
