package web

import (
	"net/http"

	"importledger/events"
	"importledger/projections"
)

// attributesView is all that contacts can have.
type attributesView struct {
	Custom   []projections.CustomAttribute
	Reserved []events.Attribute
	Key      string
}

func (v *visit) attributesPage() error {
	custom, err := projections.CustomAttributes(v.ctx(), v.DB)
	if err != nil {
		return err
	}
	key, err := v.Account.KeyIdentifier(v.ctx())
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "attributes", view{Title: "Attributes", Section: "attributes",
		Body: attributesView{Custom: custom, Reserved: events.Reserved, Key: key}})
}
