package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"importledger/aggregate"
	"importledger/events"
	"importledger/projections"
)

// settingObject is how a value was set. All of it can be looked up: the value in the
// event at the revision, the text in the row of the file.
type settingObject struct {
	_          struct{}        `nullable:"true"`
	Value      json.RawMessage `json:"value" doc:"Null: the attribute was cleared."`
	ImportID   string          `json:"importId"`
	ImportName string          `json:"importName"`
	FileName   string          `json:"fileName"`
	Row        int             `json:"row" doc:"From 1, the first row below the header."`
	Line       int             `json:"line" doc:"Of the file, where the row begins."`
	Revision   uint64          `json:"revision" doc:"Of the row's event in the import's history."`
	At         int64           `json:"at" doc:"When the row was decided, Unix epoch, milliseconds."`
	Column     *string         `json:"column" doc:"Header of the cell's column; null: no column is mapped to the attribute."`
	Raw        *string         `json:"raw" doc:"The cell as it stands in the file, shortened; null: the file was not read."`
	Mapping    *mappedAs       `json:"mapping" doc:"What the column was mapped to."`
	MappedBy   *string         `json:"mappedBy" doc:"Who decided that: id of the user, API client or connector."`
	MappedAt   int64           `json:"mappedAt" doc:"When, Unix epoch, milliseconds."`
	StartedBy  *string         `json:"startedBy" doc:"Who brought the file."`
}

// mappedAs is a mapping item where there is one.
type mappedAs struct {
	_         struct{}   `nullable:"true"`
	Header    string     `json:"header"`
	Skip      bool       `json:"skip"`
	Attribute string     `json:"attribute,omitempty"`
	Create    *newColumn `json:"create,omitempty" doc:"The attribute was new with the import."`
	Property  string     `json:"property,omitempty"`
	Type      string     `json:"type,omitempty" enum:"string,number,boolean"`
	Timestamp bool       `json:"timestamp,omitempty"`
}

func mappedTo(c events.Column) *mappedAs {
	m := mappingOf([]events.Column{c})[0]
	return &mappedAs{Header: m.Header, Skip: m.Skip, Attribute: m.Attribute, Create: m.Create, Property: m.Property, Type: m.Type, Timestamp: m.Timestamp}
}

type originObject struct {
	Attribute string         `json:"attribute"`
	Set       settingObject  `json:"set" doc:"The row that set the value last, whether or not it was another one before."`
	Before    *settingObject `json:"before" doc:"The row that had set it before that; null: none, or the contact has too many rows."`
}

type provenanceObject struct {
	NxID       string         `json:"nxId"`
	Attributes []originObject `json:"attributes" doc:"Those that the contact has, and what was cleared."`
	Complete   bool           `json:"complete" doc:"False: the contact has more rows than were looked at, and an attribute can be missing here. Ask for it by name."`
}

type attributeHistory struct {
	NxID      string          `json:"nxId"`
	Attribute string          `json:"attribute"`
	Items     []settingObject `json:"items" doc:"The latest first."`
	Next      *string         `json:"next" doc:"The link to earlier ones; null: there are none. A page can be empty and have one."`
}

type attributeHistoryQuery struct {
	ContactQuery
	Attribute string `path:"attribute" maxLength:"100" doc:"Name of the attribute."`
	Before    int64  `query:"before" default:"0" minimum:"0" maximum:"9007199254740991" doc:"From an answer's next link."`
	Limit     int    `query:"limit" default:"20" minimum:"1" maximum:"100" doc:"Items in an answer."`
}

type contactImportsQuery struct {
	ContactQuery
	PageQuery
}

type contactImportObject struct {
	ImportID   string  `json:"importId"`
	ImportName *string `json:"importName"`
	FileName   *string `json:"fileName"`
	CreatedAt  *int64  `json:"createdAt" doc:"Unix epoch, milliseconds."`
	RowCount   int     `json:"rowCount" doc:"How many of its rows are about the contact."`
	Rows       []int   `json:"rows" doc:"The first 20 of them."`
}

type contactImportsPage struct {
	Pagination pagination            `json:"pagination"`
	Imports    []contactImportObject `json:"imports" doc:"The one with the latest row first."`
}

func (a *API) addProvenance() {
	const tag = "Contacts"
	missing := []int{http.StatusNotFound}
	register(a, operation{route: "GET /people/contacts/{identifier}/provenance", id: "get-contact-provenance", tag: tag, errors: missing,
		summary: "Get why a contact's values are what they are",
		about:   "For each attribute the row that set it last: import, row, column, the text in the file, who mapped the column and when, and the row that had set it before. Values are read from the log, texts from the files."}, a.provenance)
	register(a, operation{route: "GET /people/contacts/{identifier}/provenance/{attribute}", id: "get-contact-attribute-history", tag: tag, errors: missing,
		summary: "List all rows that set an attribute of a contact, the latest first"}, a.attributeHistory)
	register(a, operation{route: "GET /people/contacts/{identifier}/imports", id: "list-contact-imports", tag: tag, errors: missing,
		summary: "List all imports with rows about a contact"}, a.contactImports)
	register(a, operation{route: "GET /people/imports/{id}/rows/{row}", id: "get-import-row", tag: "Imports", errors: missing,
		summary: "Get what became of a row: its outcome, its contact, and each cell with the value that it set"}, a.importRow)
}

// contactTraced finds a contact whose rows are all known as far as its values are.
func (a *API) contactTraced(ctx context.Context, in *ContactQuery) (projections.Contact, error) {
	if err := a.reached(ctx, in.After, projections.ContactState); err != nil {
		return projections.Contact{}, err
	}
	c, err := a.contact(ctx, in.Identifier)
	if err != nil {
		return c, err
	}
	all, err := a.projections.Status(ctx)
	if err != nil {
		return c, err
	}
	for _, s := range all {
		if s.Name == projections.ContactState {
			return c, a.waitFor(ctx, s.Position, projections.ContactRows)
		}
	}
	return c, nil
}

func (a *API) provenance(ctx context.Context, in *ContactQuery) (*struct{ Body provenanceObject }, error) {
	c, err := a.contactTraced(ctx, in)
	if err != nil {
		return nil, err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(c.Attributes, &values); err != nil {
		return nil, err
	}
	origins, whole, err := a.imports.Origins(ctx, c.NxID, slices.Collect(maps.Keys(values)))
	if err != nil {
		return nil, err
	}
	out := provenanceObject{NxID: c.NxID.String(), Attributes: []originObject{}, Complete: whole}
	for _, o := range origins {
		origin := originObject{Attribute: o.Attribute, Set: settingOf(o.Set)}
		if o.Before != nil {
			before := settingOf(*o.Before)
			origin.Before = &before
		}
		out.Attributes = append(out.Attributes, origin)
	}
	return &struct{ Body provenanceObject }{out}, nil
}

func settingOf(s aggregate.Setting) settingObject {
	o := settingObject{Value: s.Value, ImportID: s.Import.ID, ImportName: s.Import.Name(), FileName: s.Import.Started.File.Name, Row: s.Row, Line: s.Line,
		Revision: s.Revision, At: s.At, Raw: s.Raw, MappedBy: orNull(s.Import.MappedByActor), MappedAt: s.Import.MappedAt, StartedBy: orNull(s.Import.CreatedBy)}
	if s.Column != nil {
		o.Column, o.Mapping = &s.Column.Header, mappedTo(*s.Column)
	}
	return o
}

func (a *API) attributeHistory(ctx context.Context, in *attributeHistoryQuery) (*struct{ Body attributeHistory }, error) {
	c, err := a.contactTraced(ctx, &in.ContactQuery)
	if err != nil {
		return nil, err
	}
	all, next, err := a.imports.SettingsOf(ctx, c.NxID, in.Attribute, in.Before, in.Limit)
	if err != nil {
		return nil, err
	}
	out := attributeHistory{NxID: c.NxID.String(), Attribute: in.Attribute, Items: []settingObject{}}
	for _, s := range all {
		out.Items = append(out.Items, settingOf(s))
	}
	if next > 0 {
		link := "/people/contacts/" + out.NxID + "/provenance/" + url.PathEscape(in.Attribute) + "?before=" + strconv.FormatInt(next, 10) + "&limit=" + strconv.Itoa(in.Limit)
		out.Next = &link
	}
	return &struct{ Body attributeHistory }{out}, nil
}

func (a *API) contactImports(ctx context.Context, in *contactImportsQuery) (*struct{ Body contactImportsPage }, error) {
	c, err := a.contactTraced(ctx, &in.ContactQuery)
	if err != nil {
		return nil, err
	}
	found, total, err := projections.ImportsOfContact(ctx, a.db, c.NxID, in.Page, in.PageSize)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(found))
	for i, f := range found {
		ids[i] = f.ImportID
	}
	known, err := projections.ImportsByID(ctx, a.db, ids)
	if err != nil {
		return nil, err
	}
	out := contactImportsPage{Imports: []contactImportObject{}, Pagination: paginate(in.PageQuery, total, len(found), "/people/contacts/"+c.NxID.String()+"/imports", url.Values{})}
	for _, f := range found {
		o := contactImportObject{ImportID: f.ImportID, RowCount: f.Rows, Rows: f.First}
		if i := slices.IndexFunc(known, func(i projections.Import) bool { return i.ID == f.ImportID }); i >= 0 {
			o.ImportName, o.FileName, o.CreatedAt = orNull(known[i].Name), orNull(known[i].File.Name), &known[i].CreatedAt
		}
		out.Imports = append(out.Imports, o)
	}
	return &struct{ Body contactImportsPage }{out}, nil
}
