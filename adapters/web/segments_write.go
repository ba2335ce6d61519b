package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/oklog/ulid/v2"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/projections"
)

// segmentForm is the name and the description of a segment, new or not.
type segmentForm struct {
	ID          string // empty: a new one
	Name        string
	Description string
	Members     int
	Fault       *fault
}

func (v *visit) newSegmentPage() error { return v.showSegmentForm(http.StatusOK, segmentForm{}) }

func (v *visit) showSegmentForm(status int, form segmentForm) error {
	title := "New segment"
	if form.ID != "" {
		title = "Change the segment"
	}
	return v.render(status, "segment-form", view{Title: title, Section: "segments", Body: form})
}

func (v *visit) createSegment() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	form := segmentForm{Name: strings.TrimSpace(v.r.PostForm.Get("name")), Description: strings.TrimSpace(v.r.PostForm.Get("description"))}
	s, err := aggregate.ExecuteSegment(v.ctx(), v.Streams, ulid.Make().String(), v.meta(), commands.CreateSegment{Name: form.Name, Description: form.Description})
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && refusal.Kind != commands.Unavailable {
		form.Fault = refused(refusal)
		return v.showSegmentForm(form.Fault.Status, form)
	}
	if err != nil {
		return err
	}
	return v.seeOther("/segments/" + s.ID + "?done=segment-created&after=" + s.Position.String())
}

func (v *visit) editSegmentPage() error {
	s, err := projections.SegmentByID(v.ctx(), v.DB, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.showSegmentForm(http.StatusOK, segmentForm{ID: s.ID, Name: s.Name, Description: s.Description, Members: s.Members})
}

func (v *visit) changeSegment() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	form := segmentForm{ID: v.r.PathValue("id"), Name: strings.TrimSpace(v.r.PostForm.Get("name")), Description: strings.TrimSpace(v.r.PostForm.Get("description"))}
	s, err := v.executeSegment(form.ID, commands.ChangeSegment{Name: &form.Name, Description: &form.Description})
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && (refusal.Kind == commands.Conflict || refusal.Kind == commands.Unacceptable) {
		form.Fault = refused(refusal)
		return v.showSegmentForm(form.Fault.Status, form)
	}
	if err != nil {
		return err
	}
	return v.seeOther("/segments/" + s.ID + "?done=segment-changed&after=" + s.Position.String())
}

func (v *visit) removeSegment() error {
	s, err := v.executeSegment(v.r.PathValue("id"), commands.RemoveSegment{})
	if err != nil {
		return err
	}
	return v.seeOther("/segments?done=segment-removed&after=" + s.Position.String())
}

func (v *visit) executeSegment(id string, c commands.Command) (aggregate.Segment, error) {
	if !isULID(id) {
		return aggregate.Segment{}, aggregate.ErrSegmentNotFound
	}
	return aggregate.ExecuteSegment(v.ctx(), v.Streams, id, v.meta(), c)
}
