package web

import (
	"strings"
	"unicode/utf8"

	"importledger/projections"
)

// detailsForm is where the contacts go, and what the import is called.
type detailsForm struct {
	Segment     segmentChoice
	Name        string
	Description string
	Wrong       map[string]string
}

// segmentChoice is where the contacts go.
type segmentChoice struct {
	Choice   string // existing or new; empty: no segment
	ID       string
	Name     string
	Segments []projections.Segment
	Wrong    map[string]string
}

// segmentChoice shows what a draft says of it, and what is wrong with that.
func (v *visit) segmentChoice(d draft, wrong *fault) (segmentChoice, error) {
	segments, err := projections.ListSegments(v.ctx(), v.DB, "manual")
	form := segmentChoice{Choice: d.SegmentChoice, ID: d.SegmentID, Name: d.SegmentName, Segments: segments, Wrong: map[string]string{}}
	if wrong != nil {
		form.Wrong[wrong.Code] = wrong.Message
	}
	return form, err
}

func (v *visit) detailsPage() error {
	return wizard((*visit).preparing, "details", (*visit).showDetails, (*visit).takeDetails)(v)
}

func (v *visit) showDetails(p preparing, status int, wrong *fault) error {
	segment, err := v.segmentChoice(p.draft, wrong)
	if err != nil {
		return err
	}
	form := detailsForm{Segment: segment, Name: p.draft.Name, Description: p.draft.Description, Wrong: segment.Wrong}
	if form.Name == "" {
		form.Name = p.Started.Name
	}
	return v.wizardPage(status, p, "details", p.Started.File, nil, form)
}

const (
	maxSegmentName = 255 // characters
	maxImportName  = 255
	maxDescription = 300
)

func (v *visit) takeDetails(p *preparing) (*fault, error) {
	form, d := v.r.PostForm, &p.draft
	d.Name, d.Description = strings.TrimSpace(form.Get("name")), strings.TrimSpace(form.Get("description"))
	wrong := v.takeSegment(d)
	switch {
	case wrong != nil:
		return wrong, nil
	case utf8.RuneCountInString(d.Name) > maxImportName:
		return &fault{Code: "name", Message: "An import's name has at most 255 characters. Shorten it."}, nil
	case utf8.RuneCountInString(d.Description) > maxDescription:
		return &fault{Code: "description", Message: "A description has at most 300 characters. Shorten it."}, nil
	}
	return nil, nil
}

// takeSegment reads the part of a form that says where the contacts go.
func (v *visit) takeSegment(d *draft) *fault {
	form := v.r.PostForm
	d.SegmentChoice, d.SegmentID, d.SegmentName = form.Get("segment"), form.Get("segment-id"), strings.TrimSpace(form.Get("segment-name"))
	switch {
	case d.SegmentChoice == "existing" && d.SegmentID == "":
		return &fault{Code: "segment-id", Message: "Choose the segment, or no segment."}
	case d.SegmentChoice == "new" && d.SegmentName == "":
		return &fault{Code: "segment-name", Message: "Give the new segment a name, or choose no segment."}
	case utf8.RuneCountInString(d.SegmentName) > maxSegmentName:
		return &fault{Code: "segment-name", Message: "A segment's name has at most 255 characters. Shorten it."}
	}
	return nil
}
