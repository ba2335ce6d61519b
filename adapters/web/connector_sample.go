package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"importledger/commands"
	"importledger/events"
)

// newConnectorPage is where the sample is chosen. One that was chosen before gives its
// place to it, and what was chosen for that one stays.
func (v *visit) newConnectorPage() error {
	return v.showSampleUpload(http.StatusOK, uploadView{Instead: v.r.URL.Query().Get("instead")}, nil)
}

func (v *visit) newTemplatePage() error {
	c, err := v.Connectors.Find(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.showSampleUpload(http.StatusOK, uploadView{Instead: v.r.URL.Query().Get("instead"), Events: c.Template.ImportMode == events.ContactsEvents}, &c)
}

func (v *visit) showSampleUpload(status int, form uploadView, c *Connector) error {
	form.Way, form.Action, form.Out = connectorWay, "/connectors/new", "/connectors"
	form.Title = "New connector"
	form.Lead = "Choose a file like those that will come. Its columns become the template that they are imported by; nothing of it is imported."
	if c != nil {
		form.Way, form.Action, form.Out = templateWay, "/connectors/"+c.ID+"/template", "/connectors/"+c.ID
		form.Title = "New template"
		form.Lead = "Choose a file like those that will come from now on. What its columns become is taken over from the template of today where they are the same."
		form.Connector = c
	}
	form.Limits, form.Step = v.Limits, stepSample
	form.Drop, form.Promise = "Drop the sample file", "Nothing of this file is imported. It is kept for the next steps only, a week at most."
	return v.render(status, "upload", view{Title: form.Title, Section: "connectors", Body: form})
}

func (v *visit) newConnector() error { return v.takeSample(nil) }

func (v *visit) newTemplate() error {
	c, err := v.Connectors.Find(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.takeSample(&c)
}

// takeSample receives a sample, for a new connector or for one that there is. A script
// that shows progress gets the next step's address, a form goes there.
func (v *visit) takeSample(c *Connector) error {
	if mediaType, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type")); err != nil || mediaType != "multipart/form-data" {
		return errForm
	}
	parts, err := v.r.MultipartReader()
	if err != nil {
		return errForm
	}
	form := uploadForm{start: commands.Start{ImportMode: events.Contacts}}
	choices, connectorID := draft{Step: stepSample}, ""
	if c != nil {
		choices.adopt(c.Template)
		connectorID = c.ID
	}
	first, err := json.Marshal(choices)
	if err != nil {
		return fmt.Errorf("choices for a sample: %w", err)
	}
	s, err := v.Samples.KeepSample(v.ctx(), v.user.ID, connectorID, first, func(store func(string, io.Reader) error) (commands.Start, error) {
		err := form.read(parts, store)
		return form.start, err
	})
	if err != nil {
		return v.sampleRefused(&form, c, err)
	}
	if err := v.replaceSample(s, form.instead); err != nil {
		return err
	}
	to := "/connectors/drafts/" + s.ID + "/file"
	if v.wantsPage() {
		return v.seeOther(to)
	}
	return v.sendJSON(http.StatusCreated, map[string]string{"location": to})
}

func (v *visit) sampleRefused(form *uploadForm, c *Connector, err error) error {
	v.drainBody()
	refusal, ok := errors.AsType[*commands.Refusal](err)
	if !ok || refusal.Kind == commands.Unavailable || !v.wantsPage() {
		return err
	}
	f := refused(refusal)
	f.Title = "This file was not taken"
	return v.showSampleUpload(f.Status, uploadView{Events: form.start.ImportMode == events.ContactsEvents, Instead: form.instead, Fault: f}, c)
}

// replaceSample gives a sample the choices of the one before it, which goes. Where
// that has gone already there is nothing to take over.
func (v *visit) replaceSample(s Sample, instead string) error {
	if instead == "" || instead == s.ID {
		return nil
	}
	before, err := v.Samples.Sample(v.ctx(), v.user.ID, instead)
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && refusal.Kind == commands.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if before.ConnectorID != s.ConnectorID {
		return nil
	}
	p, err := preparingOf(before)
	if err != nil {
		return err
	}
	p.ID, p.draft.Step, p.draft.Reading = s.ID, stepSample, commands.Reading{}
	if err := saveSample(v, p); err != nil {
		return err
	}
	v.untidy("a sample is left over", v.Samples.RemoveSample(v.ctx(), v.user.ID, instead))
	return nil
}
