package api

import (
	"context"
	"net/http"
	"net/url"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

type createAttributeRequest struct {
	Body struct {
		Name string `json:"name" doc:"Case-sensitive, 1 to 100 characters."`
		Type string `json:"type,omitempty" enum:"string,number,boolean" default:"string"`
	} `nameHint:"CreateAttributeRequest"`
}

type createdAttribute struct {
	Location string `header:"Location"`
	Position string `header:"X-Ledger-Position"`
	Body     AttributeObject
}

func (a *API) addAttributeWrites() {
	register(a, operation{route: "POST /people/attributes", id: "create-attribute", tag: "Attributes", status: http.StatusCreated,
		summary: "Create an attribute that contacts can have", about: "Creating one that exists with this type is the same answer; its type never changes.",
		errors: []int{http.StatusConflict}}, a.createAttribute)
}

func (a *API) createAttribute(ctx context.Context, in *createAttributeRequest) (*createdAttribute, error) {
	c := commands.CreateAttribute{Name: in.Body.Name, Type: events.String}
	if in.Body.Type != "" {
		c.Type = events.AttributeType(in.Body.Type)
	}
	created, err := aggregate.ExecuteAttribute(ctx, a.streams, a.meta(ctx), c)
	if err != nil {
		return nil, err
	}
	return &createdAttribute{Location: "/people/attributes/" + url.PathEscape(created.Name), Position: created.Position.String(),
		Body: AttributeObject{Name: created.Name, Type: string(created.Type)}}, nil
}
