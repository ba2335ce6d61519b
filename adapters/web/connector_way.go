package web

import (
	"encoding/json"
	"errors"
	"fmt"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// The first step of both ways is the file: it is chosen, and then looked at.
const stepSample = 1

// connectorWay leads to a new connector, and templateWay to another template of one.
// What the first step makes is a sample.
var (
	connectorWay = sampleWay("New connector", "Create the connector", "Make no connector", (*visit).createConnector,
		step{stepSample, "Sample file", "file"}, step{2, "Map the columns", "columns"}, step{3, "Name and access", "access"})
	templateWay = sampleWay("New template", "Use it from now on", "Leave the template as it is", (*visit).changeTemplate,
		step{stepSample, "Sample file", "file"}, step{2, "Map the columns", "columns"})
)

func sampleWay(heading, finish, giveUp string, end func(*visit, preparing) (*fault, error), steps ...step) *way {
	return &way{Section: "connectors", From: "Connectors", Heading: heading, Steps: steps, Finish: finish, GiveUp: giveUp, Discard: "discard",
		base: "/connectors/drafts/", segments: true, preview: previewSample, save: saveSample, again: otherSample, finish: end}
}

func otherSample(p preparing) string {
	if p.draft.connector != "" {
		return "/connectors/" + p.draft.connector + "/template?instead=" + p.ID
	}
	return "/connectors/new?instead=" + p.ID
}

func previewSample(v *visit, p preparing) (aggregate.Preview, error) {
	return v.Samples.PreviewSample(v.ctx(), Sample{ID: p.ID, Started: p.Started}, p.draft.Reading)
}

func saveSample(v *visit, p preparing) error {
	choices, err := json.Marshal(p.draft)
	if err != nil {
		return fmt.Errorf("choices for a sample: %w", err)
	}
	return v.Samples.SaveSample(v.ctx(), v.user.ID, p.ID, choices)
}

// sampling finds the sample that a step is about. One that a connector was made from
// is gone, and leads to it.
func (v *visit) sampling() (preparing, error) {
	id, err := v.importID()
	if err != nil {
		return preparing{}, errNoPage
	}
	s, err := v.Samples.Sample(v.ctx(), v.user.ID, id)
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && refusal.Kind == commands.NotFound {
		if _, found := v.Connectors.Find(v.ctx(), id); found == nil {
			return preparing{}, gone{"/connectors/" + id}
		}
	}
	if err != nil {
		return preparing{}, err
	}
	return preparingOf(s)
}

// preparingOf takes a sample for an import that is preparing, so that the same steps
// serve both.
func preparingOf(s Sample) (preparing, error) {
	p := preparing{Import: aggregate.Import{ID: s.ID}, draft: draft{Step: stepSample, connector: s.ConnectorID}, way: connectorWay}
	if s.ConnectorID != "" {
		p.way = templateWay
	}
	facts, err := aggregate.Decide(p.Import, commands.Start(s.Started))
	if err != nil {
		return p, err
	}
	p.Import = aggregate.Tried(p.Import, facts, events.Meta{})
	if err := json.Unmarshal(s.Choices, &p.draft); err != nil {
		return p, fmt.Errorf("choices for sample %s: %w", s.ID, err)
	}
	return p, nil
}

func (v *visit) samplePage() error {
	return wizard((*visit).sampling, "file", (*visit).showFile, (*visit).takeFile)(v)
}

func (v *visit) templateColumnsPage() error {
	return wizard((*visit).sampling, "columns", (*visit).showColumns, (*visit).takeColumns)(v)
}

// discardSample gives up what is on its way, with the file.
func (v *visit) discardSample() error {
	p, err := v.sampling()
	if now, ok := errors.AsType[gone](err); ok {
		return v.seeOther(now.to)
	}
	if err != nil {
		return err
	}
	if err := v.Samples.RemoveSample(v.ctx(), v.user.ID, p.ID); err != nil {
		return err
	}
	if p.draft.connector != "" {
		return v.seeOther("/connectors/" + p.draft.connector + "?done=template-left")
	}
	return v.seeOther("/connectors?done=connector-left")
}

// template is what the choices amount to, for files like the one that is given.
func (d draft) template(started events.ImportStarted, file events.File) aggregate.Template {
	header := file.OwnColumns()
	m := d.command(header)
	return aggregate.Template{Header: header, Separator: file.Separator, Mapping: m.Mapping, ImportMode: started.ImportMode, EventName: m.EventName,
		Segment: m.Segment, Encoding: d.Reading.Encoding, DefaultCountry: m.DefaultCountry, BlankCells: m.BlankCells}
}

// adopt takes a template's choices over, for another file.
func (d *draft) adopt(t aggregate.Template) {
	d.Reading.Encoding = t.Encoding
	d.Mapping, d.EventName, d.DefaultCountry, d.BlankCells = t.Mapping, t.EventName, t.DefaultCountry, t.BlankCells
	if t.Segment == nil {
		return
	}
	d.SegmentChoice, d.SegmentID = "existing", t.Segment.ID
	if t.Segment.Create { // with the first file, which has not come yet
		d.SegmentChoice, d.SegmentName = "new", t.Segment.Name
	}
}

// changeTemplate ends the way to another template.
func (v *visit) changeTemplate(p preparing) (*fault, error) {
	preview, err := p.way.preview(v, p)
	if err != nil {
		return nil, err
	}
	t := p.draft.template(p.Started, preview.File)
	err = v.Connectors.Change(v.ctx(), v.by(), p.draft.connector, ConnectorChange{Template: &t})
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && refusal.Kind != commands.Unavailable && refusal.Kind != commands.NotFound {
		return refused(refusal), nil
	}
	if err != nil {
		return nil, err
	}
	v.untidy("a sample is left over", v.Samples.RemoveSample(v.ctx(), v.user.ID, p.ID))
	return nil, v.seeOther("/connectors/" + p.draft.connector + "?done=template-changed")
}
