package api

import (
	"context"
	"encoding/json"

	"importledger/aggregate"
)

type importRowPath struct {
	ImportPath
	Row int `path:"row" minimum:"1" maximum:"2147483647" doc:"From 1, the first row below the header."`
}

type importRowObject struct {
	ImportID string           `json:"importId"`
	Row      int              `json:"row"`
	Line     int              `json:"line" doc:"Of the file, where the row begins."`
	Outcome  string           `json:"outcome" enum:"accepted,rejected"`
	Revision uint64           `json:"revision" doc:"Of the row's event in the import's history."`
	At       int64            `json:"at" doc:"When it was decided, Unix epoch, milliseconds."`
	NxID     *string          `json:"nxId" doc:"The contact of an accepted row."`
	Errors   []rowErrorObject `json:"errors" doc:"Why it was rejected."`
	Event    *rowEventObject  `json:"event" doc:"In mode events: what the row is of its contact."`
	Cells    []rowCellObject  `json:"cells" nullable:"true" doc:"Null: the file is not there, or the row cannot be read."`
	Text     *string          `json:"text" doc:"The first line of a row that cannot be read."`
}

type rowEventObject struct {
	_    struct{} `nullable:"true"`
	ID   string   `json:"id"`
	Name string   `json:"name"`
	At   int64    `json:"at" doc:"When it happened, Unix epoch, milliseconds."`
}

type rowCellObject struct {
	Column  *string         `json:"column" doc:"The header; null: the row has more cells than the header."`
	Raw     string          `json:"raw" doc:"The cell as it stands in the file, shortened."`
	Mapping *mappedAs       `json:"mapping"`
	Set     bool            `json:"set" doc:"Whether it set or cleared something."`
	Value   json.RawMessage `json:"value" doc:"What it set: of the attribute, else of the event's property; null: it cleared it, or set nothing."`
}

func (a *API) importRow(ctx context.Context, in *importRowPath) (*struct{ Body importRowObject }, error) {
	o, err := a.imports.Row(ctx, in.ID, in.Row)
	if err != nil {
		return nil, err
	}
	out := importRowObject{ImportID: in.ID, Row: o.Row, Line: o.Line, Outcome: "rejected", Revision: o.Revision, At: o.At, Errors: []rowErrorObject{}, Text: orNull(o.Text)}
	if o.Rejected != nil {
		for _, e := range o.Rejected.Errors {
			out.Errors = append(out.Errors, rowErrorObject{Row: o.Row, Column: orNull(e.Column), Code: e.Code, Message: e.Message, Value: orNull(e.Value)})
		}
	}
	if o.Accepted != nil {
		id := o.Accepted.Contact.NxID.String()
		out.Outcome, out.NxID = "accepted", &id
		if e := o.Accepted.Event; e != nil {
			out.Event = &rowEventObject{ID: e.ID.String(), Name: e.Name, At: e.At}
		}
	}
	out.Cells, err = cellsOf(o)
	return &struct{ Body importRowObject }{out}, err
}

// cellsOf puts beside each cell what its column means and what it set.
func cellsOf(o aggregate.Outcome) ([]rowCellObject, error) {
	if o.Cells == nil {
		return nil, nil
	}
	attributes, properties, err := o.Values()
	if err != nil {
		return nil, err
	}
	header := o.Import.File().Header
	all := make([]rowCellObject, len(o.Cells))
	for i, raw := range o.Cells {
		all[i].Raw = raw
		if i >= len(header) {
			continue
		}
		all[i].Column = &header[i]
		c, mapped := o.Import.ColumnOf(header[i])
		if !mapped {
			continue
		}
		all[i].Mapping = mappedTo(c)
		value, set := attributes[c.Attribute]
		if c.Attribute == "" {
			value, set = properties[c.Property]
		}
		if set = set && !c.Skip; set {
			all[i].Set, all[i].Value = true, value
		}
	}
	return all, nil
}
