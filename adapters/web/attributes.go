package web

import (
	"errors"
	"net/http"
	"strings"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

// attributesView is all that contacts can have.
type attributesView struct {
	Custom   []projections.CustomAttribute
	Reserved []events.Attribute
	Key      string
	Name     string // of a new one that was refused
	Type     events.AttributeType
	Fault    *fault
}

func (v *visit) attributesPage() error {
	if err := v.reached(projections.ContactState); err != nil {
		return err
	}
	return v.showAttributes(http.StatusOK, attributesView{Type: events.String})
}

func (v *visit) createAttribute() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	c := commands.CreateAttribute{Name: strings.TrimSpace(v.r.PostForm.Get("name")), Type: events.AttributeType(v.r.PostForm.Get("type"))}
	made, err := aggregate.ExecuteAttribute(v.ctx(), v.Streams, v.meta(), c)
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok && refusal.Kind != commands.Unavailable {
		f := refused(refusal)
		return v.showAttributes(f.Status, attributesView{Name: c.Name, Type: c.Type, Fault: f})
	}
	if err != nil {
		return err
	}
	return v.seeOther("/attributes?done=attribute-created&after=" + made.Position.String())
}

func (v *visit) showAttributes(status int, page attributesView) error {
	custom, err := projections.CustomAttributes(v.ctx(), v.DB)
	if err != nil {
		return err
	}
	key, err := v.Account.KeyIdentifier(v.ctx())
	if err != nil {
		return err
	}
	page.Custom, page.Reserved, page.Key = custom, events.Reserved, key
	return v.render(status, "attributes", view{Title: "Attributes", Section: "attributes", Body: page})
}
