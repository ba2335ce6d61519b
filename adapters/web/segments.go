package web

import (
	"errors"
	"net/http"

	"github.com/google/uuid"

	"importledger/projections"
)

func (v *visit) segmentsPage() error {
	if err := v.reached(projections.SegmentMembers); err != nil {
		return err
	}
	all, err := projections.ListSegments(v.ctx(), v.DB, "")
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "segments", view{Title: "Segments", Section: "segments", Body: all})
}

// segmentView is a segment with a page of its contacts.
type segmentView struct {
	projections.Segment
	Who      string
	Contacts []contactRow
	Pages    pages
	Typed    string // who was to be put in, and was refused
	Fault    *fault
}

func (v *visit) segmentPage() error {
	if err := v.reached(projections.SegmentMembers); err != nil {
		return err
	}
	return v.showSegment(http.StatusOK, "", nil)
}

// showSegment shows a segment, with what was refused where there is something.
func (v *visit) showSegment(status int, typed string, f *fault) error {
	s, err := projections.SegmentByID(v.ctx(), v.DB, v.r.PathValue("id"))
	if errors.Is(err, projections.ErrNotFound) && v.r.URL.Query().Get("after") != "" {
		return errBehind
	}
	if err != nil {
		return err
	}
	number := pageNumber(v.r.URL.Query())
	ids, err := projections.SegmentMemberIDs(v.ctx(), v.DB, s.ID, number, contactsOnPage, projections.NewestFirst)
	if err != nil {
		return err
	}
	found, err := projections.ContactsByID(v.ctx(), v.DB, ids)
	if err != nil {
		return err
	}
	page := segmentView{Segment: s, Contacts: contactRows(inOrder(found, ids)), Pages: paginate("/segments/"+s.ID, nil, number, contactsOnPage, s.Members), Typed: typed, Fault: f}
	if page.Who, err = v.nameOf(s.ModifiedBy); err != nil {
		return err
	}
	return v.render(status, "segment", view{Title: s.Name, Section: "segments", Body: page})
}

// inOrder sorts contacts as their ids are; the two read models may differ by a moment.
func inOrder(found []projections.Contact, ids []uuid.UUID) []projections.Contact {
	byID := make(map[uuid.UUID]projections.Contact, len(found))
	for _, c := range found {
		byID[c.NxID] = c
	}
	sorted := make([]projections.Contact, 0, len(found))
	for _, id := range ids {
		if c, ok := byID[id]; ok {
			sorted = append(sorted, c)
		}
	}
	return sorted
}
