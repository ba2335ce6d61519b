package web

import (
	"strings"
	"unicode/utf8"

	"importledger/projections"
)

// detailsForm is where the contacts go, and what the import is called.
type detailsForm struct {
	Choice      string // existing or new; empty: no segment
	SegmentID   string
	SegmentName string
	Segments    []projections.Segment
	Name        string
	Description string
	Wrong       map[string]string
}

func (v *visit) detailsPage() error {
	return wizard((*visit).preparing, "details", (*visit).showDetails, (*visit).takeDetails)(v)
}

func (v *visit) showDetails(p preparing, status int, wrong *fault) error {
	segments, err := projections.ListSegments(v.ctx(), v.DB, "manual")
	if err != nil {
		return err
	}
	d := p.draft
	form := detailsForm{Choice: d.SegmentChoice, SegmentID: d.SegmentID, SegmentName: d.SegmentName, Segments: segments,
		Name: d.Name, Description: d.Description, Wrong: map[string]string{}}
	if form.Name == "" {
		form.Name = p.Started.Name
	}
	if wrong != nil {
		form.Wrong[wrong.Code] = wrong.Message
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
	d.SegmentChoice, d.SegmentID = form.Get("segment"), form.Get("segment-id")
	d.SegmentName, d.Name, d.Description = strings.TrimSpace(form.Get("segment-name")), strings.TrimSpace(form.Get("name")), strings.TrimSpace(form.Get("description"))
	switch {
	case d.SegmentChoice == "existing" && d.SegmentID == "":
		return &fault{Code: "segment-id", Message: "Choose the segment, or no segment."}, nil
	case d.SegmentChoice == "new" && d.SegmentName == "":
		return &fault{Code: "segment-name", Message: "Give the new segment a name, or choose no segment."}, nil
	case utf8.RuneCountInString(d.SegmentName) > maxSegmentName:
		return &fault{Code: "segment-name", Message: "A segment's name has at most 255 characters. Shorten it."}, nil
	case utf8.RuneCountInString(d.Name) > maxImportName:
		return &fault{Code: "name", Message: "An import's name has at most 255 characters. Shorten it."}, nil
	case utf8.RuneCountInString(d.Description) > maxDescription:
		return &fault{Code: "description", Message: "A description has at most 300 characters. Shorten it."}, nil
	}
	return nil, nil
}
