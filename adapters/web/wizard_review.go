package web

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

// reviewForm is what the import will do, from the whole file.
type reviewForm struct {
	Review  aggregate.Review
	Groups  []errorGroup
	Samples []reviewSample
	Mapping []commands.Column
	Segment string
	NewOne  bool // the segment is new
	Name    string
	Events  bool
	Event   string // their name
	Key     string
}

// reviewSample is a row and what it becomes.
type reviewSample struct {
	Row    int
	Values []attributeValue
}

// attributeValue is one attribute of a contact as people read it.
type attributeValue struct{ Name, Value string }

func (v *visit) reviewPage() error {
	return wizard((*visit).preparing, "review", (*visit).showReview, (*visit).takeReview)(v)
}

func (v *visit) showReview(p preparing, status int, wrong *fault) error {
	preview, err := v.Imports.Preview(v.ctx(), p.ID, p.draft.Reading)
	if err != nil {
		return err
	}
	m := p.draft.command(preview.File.Header)
	review, err := v.Imports.Review(v.ctx(), p.ID, m)
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && refusal.Code == aggregate.MappingInvalid {
		return v.seeOther(p.address(stepColumns)) // an attribute or the key has changed since
	}
	if err != nil {
		return err
	}
	form := reviewForm{Review: review, Groups: reviewGroups(review), Mapping: m.Mapping, Name: p.draft.Name, Key: preview.KeyIdentifier,
		Events: p.Started.ImportMode == events.ContactsEvents, Event: m.EventName}
	for _, s := range review.Samples {
		form.Samples = append(form.Samples, reviewSample{s.Row, attributeValues(s.Contact.Attributes)})
	}
	if form.Segment, form.NewOne, err = v.segmentWish(p.draft); err != nil {
		return err
	}
	return v.wizardPage(status, p, "review", preview.File, wrong, form)
}

func reviewGroups(r aggregate.Review) []errorGroup {
	groups := make([]errorGroup, len(r.Errors))
	for i, e := range r.Errors {
		groups[i] = errorGroup{Code: e.Code, Column: e.Column, Count: e.Count, Message: e.Message, Rows: e.Rows, Values: e.Values, Advice: advice(e.Code)}
	}
	return groups
}

// segmentWish names the segment of a draft.
func (v *visit) segmentWish(d draft) (name string, isNew bool, err error) {
	switch d.SegmentChoice {
	case "new":
		_, err := projections.SegmentByName(v.ctx(), v.DB, d.SegmentName)
		if errors.Is(err, projections.ErrNotFound) {
			return d.SegmentName, true, nil
		}
		return d.SegmentName, false, err
	case "existing":
		s, err := projections.SegmentByID(v.ctx(), v.DB, d.SegmentID)
		if errors.Is(err, projections.ErrNotFound) {
			return "", false, nil // Map says so
		}
		return s.Name, false, err
	}
	return "", false, nil
}

// reviewErrors sends the rows that would be rejected, to be mended before anything is
// imported.
func (v *visit) reviewErrors() error {
	p, err := v.preparing()
	if now, ok := errors.AsType[gone](err); ok {
		return v.seeOther(now.to + "/errors.csv") // the rows are decided by now
	}
	if err != nil {
		return err
	}
	preview, err := v.Imports.Preview(v.ctx(), p.ID, p.draft.Reading)
	if err != nil {
		return err
	}
	m := p.draft.command(preview.File.Header)
	return v.sendCSV(p.ID+"-review-errors.csv", func(w io.Writer) error { return v.Imports.ReviewErrorsCSV(v.ctx(), p.ID, m, w) })
}

// takeReview starts the import when that is the button, and else leaves it at that.
func (v *visit) takeReview(*preparing) (*fault, error) { return nil, nil }

// startImport ends the wizard: the mapping becomes a fact, and rows follow.
func (v *visit) startImport() error {
	p, err := v.preparing()
	if now, ok := errors.AsType[gone](err); ok {
		return v.seeOther(now.to) // the button was pressed twice
	}
	if err != nil {
		return err
	}
	preview, err := v.Imports.Preview(v.ctx(), p.ID, p.draft.Reading)
	if err != nil {
		return err
	}
	imp, err := v.Imports.Map(v.ctx(), p.ID, p.draft.command(preview.File.Header), v.meta())
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && refusal.Kind != commands.Unavailable {
		return v.showReview(p, http.StatusUnprocessableEntity, refused(refusal))
	}
	if err != nil {
		return err
	}
	if err := v.Drafts.Remove(v.ctx(), p.ID); err != nil {
		return err
	}
	return v.seeOther("/imports/" + p.ID + "?after=" + imp.Position.String())
}

// attributeValues reads an object of strings, numbers and booleans in its own order.
func attributeValues(object json.RawMessage) []attributeValue {
	var all []attributeValue
	decoder := newNumberDecoder(object)
	if _, err := decoder.Token(); err != nil {
		return nil
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return all
		}
		var value any
		if decoder.Decode(&value) != nil {
			return all
		}
		text, _ := name.(string)
		all = append(all, attributeValue{text, valueText(value)})
	}
	return all
}
