package web

import (
	"context"
	"encoding/json"
	"fmt"

	"importledger/commands"
	"importledger/events"
)

// Drafts keeps what people have chosen for imports that are not importing yet, so
// that neither Back nor another day nor another browser loses anything.
type Drafts interface {
	// Load gives what was saved last; ok is false where nothing was.
	Load(ctx context.Context, importID string) (draft []byte, ok bool, err error)
	Save(ctx context.Context, importID string, draft []byte) error
	Remove(ctx context.Context, importID string) error
}

// draft is what is chosen so far, wrong choices included. It decides nothing before
// the last step.
type draft struct {
	Step           int               `json:"step"` // the furthest that was reached
	Reading        commands.Reading  `json:"reading,omitzero"`
	Mapping        []commands.Column `json:"mapping,omitempty"`
	EventName      string            `json:"eventName,omitempty"`
	BlankCells     events.BlankCells `json:"blankCells,omitempty"`
	DefaultCountry string            `json:"defaultCountry,omitempty"`
	SegmentChoice  string            `json:"segmentChoice,omitempty"` // existing or new; empty: none
	SegmentID      string            `json:"segmentId,omitempty"`
	SegmentName    string            `json:"segmentName,omitempty"`
	Name           string            `json:"name,omitempty"`
	Description    string            `json:"description,omitempty"`
	Access         access            `json:"access,omitzero"` // to a connector

	connector string // that gets another template
}

// command is the draft as the intent that it becomes. What the file or the account
// does not have any more is left out.
func (d draft) command(header []string) commands.MapColumns {
	m := commands.MapColumns{Name: d.Name, Description: d.Description, Reading: d.Reading, EventName: d.EventName, BlankCells: d.BlankCells, DefaultCountry: d.DefaultCountry}
	has := make(map[string]bool, len(header))
	for _, h := range header {
		has[h] = true
	}
	for _, c := range d.Mapping {
		if has[c.Header] {
			m.Mapping = append(m.Mapping, c)
		}
	}
	switch d.SegmentChoice {
	case "existing":
		m.Segment = &events.Segment{ID: d.SegmentID}
	case "new":
		m.Segment = &events.Segment{Name: d.SegmentName}
	}
	return m
}

func (v *visit) loadDraft(importID string) (draft, error) {
	d := draft{Step: stepFile}
	saved, ok, err := v.Drafts.Load(v.ctx(), importID)
	if err != nil || !ok {
		return d, err
	}
	if err := json.Unmarshal(saved, &d); err != nil {
		return d, fmt.Errorf("draft of import %s: %w", importID, err)
	}
	return d, nil
}

func (v *visit) saveDraft(importID string, d draft) error {
	text, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("draft of import %s: %w", importID, err)
	}
	return v.Drafts.Save(v.ctx(), importID, text)
}
