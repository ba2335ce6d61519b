package api

import (
	"context"
	"net/http"

	"importledger/aggregate"
	"importledger/commands"
)

type previewObject struct {
	Header          []string        `json:"header"`
	Columns         []columnGlimpse `json:"columns"`
	Separator       string          `json:"separator"`
	Encoding        string          `json:"encoding"`
	EncodingGuessed bool            `json:"encodingGuessed" doc:"The encoding was assumed; say another one when the samples look wrong."`
	Rows            int             `json:"rows" doc:"Below the header."`
	KeyIdentifier   string          `json:"keyIdentifier" doc:"The attribute that has to be mapped: it says which contact a row is about."`
	Mapping         []mappingItem   `json:"mapping" doc:"Suggested: each item with its reason (last-used, exact, similar, synonym, content, new; read-only, unfit or error-column where skipped). It can be sent back as it is."`
	LastUsed        *lastUsed       `json:"lastUsed" doc:"The import that mapping comes from; null: from the file alone."`
	ByFile          []mappingItem   `json:"mappingByFile" doc:"What the file alone suggests, whatever was used last."`
	EventName       *string         `json:"eventName" doc:"In mode events: as it was started, else as it was last used."`
	DefaultCountry  *string         `json:"defaultCountry"`
	BlankCells      string          `json:"blankCells" enum:"keep,clear"`
	Corrects        *string         `json:"corrects" doc:"The import whose rejected rows the file has, mended."`
}

type lastUsed struct {
	_         struct{} `nullable:"true"`
	ImportID  string   `json:"importId"`
	Name      string   `json:"name" doc:"Of the import."`
	CreatedAt int64    `json:"createdAt" doc:"Unix epoch, milliseconds."`
}

type previewQuery struct {
	ImportPath
	Separator string `query:"separator" doc:"Reads the file otherwise than it was found; nothing of that is kept."`
	Encoding  string `query:"encoding" doc:"Likewise: utf-8, utf-16le, utf-16be or windows-1252."`
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

func (a *API) preview(ctx context.Context, in *previewQuery) (*struct{ Body previewObject }, error) {
	p, err := a.imports.Preview(ctx, in.ID, commands.Reading{Separator: in.Separator, Encoding: in.Encoding})
	if err != nil {
		return nil, err
	}
	return &struct{ Body previewObject }{previewOf(p)}, nil
}

func previewOf(p aggregate.Preview) previewObject {
	o := previewObject{Header: orEmpty(p.File.Header), Separator: p.File.Separator, Encoding: p.File.Encoding, EncodingGuessed: p.File.EncodingGuessed,
		Rows: p.File.Rows, KeyIdentifier: p.KeyIdentifier, Columns: []columnGlimpse{}, Mapping: []mappingItem{}, ByFile: []mappingItem{},
		EventName: orNull(p.EventName), DefaultCountry: orNull(p.DefaultCountry), BlankCells: string(p.BlankCells), Corrects: orNull(p.Corrects)}
	for _, c := range p.Columns {
		o.Columns = append(o.Columns, columnGlimpse{Header: c.Header, Samples: orEmpty(c.Samples)})
		o.Mapping = append(o.Mapping, suggested(c.Suggestion))
	}
	if p.LastUsed == nil {
		o.ByFile = o.Mapping
		return o
	}
	o.LastUsed = &lastUsed{ImportID: p.LastUsed.ImportID, Name: p.LastUsed.Name, CreatedAt: p.LastUsed.At}
	if p.EventName == "" {
		o.EventName = orNull(p.LastUsed.EventName)
	}
	for _, s := range p.ByFile {
		o.ByFile = append(o.ByFile, suggested(s))
	}
	return o
}

func suggested(s aggregate.Suggestion) mappingItem {
	item := mappingItem{Header: s.Header, Skip: s.Skip, Attribute: s.Attribute, Property: s.Property, Type: string(s.Type),
		Timestamp: s.Timestamp, Reason: s.Reason}
	if s.Create != "" {
		item.Create = &newColumn{Type: string(s.Create)}
	}
	return item
}

func (a *API) review(ctx context.Context, in *reviewRequest) (*struct{ Body reviewObject }, error) {
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
