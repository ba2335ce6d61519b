package web

import (
	"errors"
	"log/slog"
	"net/http"

	"importledger/commands"
	"importledger/events"
)

// connectorView is one connector, with its password in the one answer that has it.
type connectorView struct {
	Connector
	Password string
	Made     bool // just now
	Commands []commandLine
	Segment  string // that its contacts go into
	Files    []ConnectorFile
	Received int // files in all
	Activity []activityLine
	Happened int // entries in all
	Fault    *fault
}

// Events tells whether a row of a file is an event.
func (c connectorView) Events() bool { return c.Template.ImportMode == events.ContactsEvents }

const (
	shownFiles     = 10
	shownActivity  = 10
	filesOnPage    = 50
	activityOnPage = 100
)

func (v *visit) connectorPage() error {
	c, err := v.Connectors.Find(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.showConnector(http.StatusOK, connectorView{Connector: c})
}

func (v *visit) showConnector(status int, page connectorView) error {
	if err := v.fillConnector(&page); err != nil {
		return err
	}
	return v.render(status, "connector", view{Title: page.Name, Section: "connectors", Live: "/connectors/" + page.ID + "/live", Body: page})
}

// fillConnector reads what comes and goes.
func (v *visit) fillConnector(page *connectorView) (err error) {
	page.Commands = commandLines(page.Connector)
	if page.Template.Segment != nil {
		page.Segment = page.Template.Segment.Name
	}
	if page.Files, page.Received, err = v.Connectors.Files(v.ctx(), page.ID, 0, shownFiles); err != nil {
		return err
	}
	found, total, err := v.Connectors.Activity(v.ctx(), page.ID, 0, shownActivity)
	page.Activity, page.Happened = activityLines(found), total
	return err
}

func (v *visit) connectorLive() error {
	id := v.r.PathValue("id")
	return v.watch("", func() ([]byte, bool, error) {
		c, err := v.Connectors.Find(v.ctx(), id)
		if err != nil {
			return nil, false, err
		}
		page := connectorView{Connector: c}
		if err := v.fillConnector(&page); err != nil {
			return nil, false, err
		}
		part, err := v.execute("connector", "live", view{User: v.user, Body: page})
		return part, false, err
	})
}

// connectorListView is a page of files or activity of a connector.
type connectorListView struct {
	Connector
	Files    []ConnectorFile
	Activity []activityLine
	Pages    pages
}

func (v *visit) connectorFilesPage() error {
	c, err := v.Connectors.Find(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	number := pageNumber(v.r.URL.Query())
	found, total, err := v.Connectors.Files(v.ctx(), c.ID, (number-1)*filesOnPage, filesOnPage)
	if err != nil {
		return err
	}
	page := connectorListView{Connector: c, Files: found, Pages: paginate("/connectors/"+c.ID+"/files", nil, number, filesOnPage, total)}
	return v.render(http.StatusOK, "connector-files", view{Title: "Files · " + c.Name, Section: "connectors", Body: page})
}

func (v *visit) connectorActivityPage() error {
	c, err := v.Connectors.Find(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	number := pageNumber(v.r.URL.Query())
	found, total, err := v.Connectors.Activity(v.ctx(), c.ID, (number-1)*activityOnPage, activityOnPage)
	if err != nil {
		return err
	}
	page := connectorListView{Connector: c, Activity: activityLines(found), Pages: paginate("/connectors/"+c.ID+"/activity", nil, number, activityOnPage, total)}
	return v.render(http.StatusOK, "connector-activity", view{Title: "Activity · " + c.Name, Section: "connectors", Body: page})
}

// renewPassword makes another password. The answer is the page that shows it: there
// is no other.
func (v *visit) renewPassword() error {
	id := v.r.PathValue("id")
	password, err := v.Connectors.SetPassword(v.ctx(), v.by(), id)
	if err != nil {
		return err
	}
	c, err := v.Connectors.Find(v.ctx(), id)
	if err != nil {
		return err
	}
	return v.showConnector(http.StatusOK, connectorView{Connector: c, Password: password})
}

func (v *visit) enableConnector() error  { return v.switchConnector(true) }
func (v *visit) disableConnector() error { return v.switchConnector(false) }

func (v *visit) switchConnector(on bool) error {
	id, done := v.r.PathValue("id"), "connector-disabled"
	if on {
		done = "connector-enabled"
	}
	if err := v.Connectors.Change(v.ctx(), v.by(), id, ConnectorChange{Enabled: &on}); err != nil {
		return err
	}
	return v.seeOther("/connectors/" + id + "?done=" + done)
}

func (v *visit) removeConnector() error {
	if err := v.Connectors.Remove(v.ctx(), v.by(), v.r.PathValue("id")); err != nil {
		return err
	}
	return v.seeOther("/connectors?done=connector-removed")
}

// changeConnectorView is the form that changes who signs in.
type changeConnectorView struct {
	Connector
	Form  accessForm
	Fault *fault
}

func (v *visit) changeConnectorPage() error {
	c, err := v.Connectors.Find(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.showConnectorChange(http.StatusOK, c, accessOf(c), nil)
}

func (v *visit) showConnectorChange(status int, c Connector, a access, wrong *fault) error {
	return v.render(status, "connector-change", view{Title: "Change · " + c.Name, Section: "connectors",
		Body: changeConnectorView{Connector: c, Form: accessForm{access: a, Wrong: wrongFields(wrong)}, Fault: generalFault(wrong)}})
}

func (v *visit) changeConnector() error {
	c, err := v.Connectors.Find(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := v.parseForm(); err != nil {
		return err
	}
	a := v.accessForm()
	a.Protocol, a.Password = c.Protocol, c.HasPassword
	wrong := a.check()
	if wrong == nil {
		keys := a.publicKeys()
		err = v.Connectors.Change(v.ctx(), v.by(), c.ID, ConnectorChange{Name: &a.Name, Username: &a.Username, PublicKeys: &keys})
		refusal, ok := errors.AsType[*commands.Refusal](err)
		if ok && refusal.Kind != commands.Unavailable && refusal.Kind != commands.NotFound {
			wrong, err = refused(refusal), nil
		}
	}
	if err != nil {
		return err
	}
	if wrong != nil {
		return v.showConnectorChange(http.StatusUnprocessableEntity, c, a, wrong)
	}
	return v.seeOther("/connectors/" + c.ID + "?done=connector-changed")
}

// untidy is told of what is left over of something that is done: the page that says
// so is worth more, and the rest is swept later.
func (v *visit) untidy(what string, err error) {
	if err != nil {
		v.Logger.LogAttrs(v.ctx(), slog.LevelWarn, what, slog.String("request", v.id), slog.String("error", withoutValues(err)))
	}
}
