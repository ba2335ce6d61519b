package api

import (
	"context"
	"net/http"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

type AttributeObject struct {
	Name     string `json:"name"`
	Type     string `json:"type" enum:"string,number,boolean,timestamp"`
	Reserved bool   `json:"reserved"`
}

type attributeDetail struct {
	AttributeObject
	SegmentIDs []string `json:"segmentIds" doc:"Segments whose conditions use it."`
}

type attributeQuery struct {
	AfterQuery
	Name string `path:"name" maxLength:"400" doc:"Case-sensitive."`
}

var errNoAttribute = &commands.Refusal{Kind: commands.NotFound, Code: "attribute-not-found", Message: "There is no attribute with this name."}

func (a *API) addAttributes() {
	register(a, operation{route: "GET /people/attributes", id: "list-attributes", tag: "Attributes",
		summary: "List the attributes that contacts can have"}, a.listAttributes)
	register(a, operation{route: "GET /people/attributes/{name}", id: "get-attribute", tag: "Attributes",
		summary: "Get an attribute", tagged: true, errors: []int{http.StatusNotFound}}, a.getAttribute)
}

// attributes are the reserved ones in their usual order, then the account's by name.
func (a *API) attributes(ctx context.Context) ([]AttributeObject, error) {
	var all []AttributeObject
	for _, r := range events.Reserved {
		all = append(all, AttributeObject{Name: r.Name, Type: string(r.Type), Reserved: true})
	}
	custom, err := projections.CustomAttributes(ctx, a.db)
	for _, c := range custom {
		all = append(all, AttributeObject{Name: c.Name, Type: string(c.Type)})
	}
	return all, err
}

func (a *API) listAttributes(ctx context.Context, in *AfterQuery) (*struct{ Body []AttributeObject }, error) {
	if err := a.reached(ctx, in.After, projections.ContactState); err != nil {
		return nil, err
	}
	all, err := a.attributes(ctx)
	return &struct{ Body []AttributeObject }{all}, err
}

func (a *API) getAttribute(ctx context.Context, in *attributeQuery) (*struct{ Body attributeDetail }, error) {
	if err := a.reached(ctx, in.After, projections.ContactState); err != nil {
		return nil, err
	}
	all, err := a.attributes(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		if one.Name == in.Name {
			return &struct{ Body attributeDetail }{attributeDetail{one, []string{}}}, nil
		}
	}
	// Whoever was just answered 201 finds it, though the read model may be behind.
	one, err := aggregate.LoadAttribute(ctx, a.streams, in.Name)
	if err == nil && !one.Exists() {
		err = errNoAttribute
	}
	return &struct{ Body attributeDetail }{attributeDetail{AttributeObject{Name: one.Name, Type: string(one.Type)}, []string{}}}, err
}
