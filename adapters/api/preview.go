package api

import (
	"context"
	"net/http"

	"importledger/aggregate"
)

type previewObject struct {
	Header          []string        `json:"header"`
	Columns         []columnGlimpse `json:"columns"`
	Separator       string          `json:"separator"`
	Encoding        string          `json:"encoding"`
	EncodingGuessed bool            `json:"encodingGuessed" doc:"The encoding was assumed; say another one when the samples look wrong."`
	Rows            int             `json:"rows" doc:"Below the header."`
	KeyIdentifier   string          `json:"keyIdentifier" doc:"The attribute that has to be mapped: it says which contact a row is about."`
	Mapping         []mappingItem   `json:"mapping" doc:"Suggested: each item with its reason (exact, similar, synonym, content, new). It can be sent back as it is."`
}

type columnGlimpse struct {
	Header  string   `json:"header"`
	Samples []string `json:"samples" doc:"The first values that are not blank, at most 5."`
}

type reviewObject struct {
	Rows       int            `json:"rows"`
	Acceptable int            `json:"acceptable"`
	InError    int            `json:"inError"`
	Repeated   int            `json:"repeated" doc:"Acceptable rows about a contact that an earlier row is about too."`
	Errors     []reviewError  `json:"errors" doc:"Most frequent first."`
	Samples    []reviewSample `json:"samples" doc:"The first acceptable rows and what they would make."`
}

type reviewError struct {
	Code    string  `json:"code"`
	Column  *string `json:"column" doc:"Null: the row as a whole."`
	Count   int     `json:"count"`
	Message string  `json:"message"`
	Rows    []int   `json:"rows" doc:"The first 20."`
}

type reviewSample struct {
	Row     int           `json:"row"`
	Contact contactObject `json:"contact"`
	Event   *contactEvent `json:"event" doc:"In mode events, else null."`
}

func (a *API) addPreview() {
	register(a, operation{route: "GET /people/imports/{id}/preview", id: "preview-import", tag: "Imports",
		summary: "Look at a file: its columns with samples, and a suggested mapping", errors: []int{http.StatusNotFound}}, a.preview)
}

func (a *API) preview(ctx context.Context, in *ImportPath) (*struct{ Body previewObject }, error) {
	p, err := a.imports.Preview(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body previewObject }{previewOf(p)}, nil
}

func previewOf(p aggregate.Preview) previewObject {
	o := previewObject{Header: orEmpty(p.File.Header), Separator: p.File.Separator, Encoding: p.File.Encoding, EncodingGuessed: p.Guessed,
		Rows: p.File.Rows, KeyIdentifier: p.KeyIdentifier, Columns: []columnGlimpse{}, Mapping: []mappingItem{}}
	for _, c := range p.Columns {
		o.Columns = append(o.Columns, columnGlimpse{Header: c.Header, Samples: orEmpty(c.Samples)})
		o.Mapping = append(o.Mapping, suggested(c))
	}
	return o
}

func suggested(c aggregate.ColumnGlimpse) mappingItem {
	s := c.Suggestion
	item := mappingItem{Header: c.Header, Skip: s.Skip, Attribute: s.Attribute, Timestamp: s.Timestamp, Reason: s.Reason}
	if s.Create != "" {
		item.Create = &newColumn{Type: string(s.Create)}
	}
	if s.Property {
		item.Property = c.Header
	}
	return item
}

func (a *API) review(ctx context.Context, in *mapRequest) (*struct{ Body reviewObject }, error) {
	m, err := in.Body.command()
	if err != nil {
		return nil, err
	}
	r, err := a.imports.Review(ctx, in.ID, m)
	if err != nil {
		return nil, err
	}
	return &struct{ Body reviewObject }{reviewOf(r)}, nil
}

func reviewOf(r aggregate.Review) reviewObject {
	o := reviewObject{Rows: r.Rows, Acceptable: r.Acceptable, InError: r.InError, Repeated: r.Repeated,
		Errors: []reviewError{}, Samples: []reviewSample{}}
	for _, e := range r.Errors {
		o.Errors = append(o.Errors, reviewError{Code: e.Code, Column: orNull(e.Column), Count: e.Count, Message: e.Message, Rows: orEmpty(e.Rows)})
	}
	for _, s := range r.Samples {
		sample := reviewSample{Row: s.Row, Contact: contactObject{id: s.Contact.NxID, attributes: s.Contact.Attributes}}
		if s.Event != nil {
			e := eventOf(s.Event.ID, s.Event.Name, s.Event.At, s.Event.Properties, "")
			sample.Event = &e
		}
		o.Samples = append(o.Samples, sample)
	}
	return o
}

// orEmpty makes an empty list of none, so that clients never meet null for a list.
func orEmpty[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
