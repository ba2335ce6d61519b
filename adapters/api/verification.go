package api

import (
	"context"
	"slices"

	"importledger/projections"
)

type verifyQuery struct {
	Differing int `query:"differing" default:"0" minimum:"0" maximum:"100" doc:"How many differing rows of each projection are named."`
}

type verificationObject struct {
	Projections []verifiedObject `json:"projections"`
	Imports     struct {
		Checked         int `json:"checked"`
		RowsUnaccounted int `json:"rowsUnaccounted" doc:"Rows without exactly one outcome."`
	} `json:"imports" nameHint:"VerifiedImports"`
}

type verifiedObject struct {
	Name        string             `json:"name"`
	Rows        int                `json:"rows" doc:"Compared."`
	Differences int                `json:"differences" doc:"Rows that are missing, too many or otherwise than the log says."`
	Differing   []differenceObject `json:"differing,omitempty" doc:"The first of them, where they are asked for."`
}

type differenceObject struct {
	Table   string                  `json:"table"`
	Key     map[string]string       `json:"key" doc:"Of the row, by column."`
	Kind    string                  `json:"kind" enum:"missing,extra,changed" doc:"missing: the log says that there is such a row. extra: it does not. changed: the row has other values."`
	Columns []differingColumnObject `json:"columns"`
}

type differingColumnObject struct {
	Name  string  `json:"name"`
	Table *string `json:"table" doc:"The value as JSON, shortened, in the table; null: not for you to see, or there is no such row."`
	Log   *string `json:"log" doc:"Likewise, as the log says."`
}

func (a *API) verify(ctx context.Context, in *verifyQuery) (*struct{ Body verificationObject }, error) {
	v, err := a.projections.Verify(ctx, nil)
	if err != nil {
		return nil, err
	}
	values := a.maySeeValues(ctx)
	out := &struct{ Body verificationObject }{verificationObject{Projections: []verifiedObject{}}}
	for _, p := range v.Projections {
		is := verifiedObject{Name: p.Name, Rows: p.Rows, Differences: p.Differences}
		for _, d := range p.Differing[:min(in.Differing, len(p.Differing))] {
			is.Differing = append(is.Differing, differenceOf(d, values))
		}
		out.Body.Projections = append(out.Body.Projections, is)
	}
	out.Body.Imports.Checked, out.Body.Imports.RowsUnaccounted = v.Imports.Checked, v.Imports.RowsUnaccounted
	return out, nil
}

// maySeeValues tells that the caller could read contacts and source files anyway.
func (a *API) maySeeValues(ctx context.Context) bool {
	scopes := requestOf(ctx).caller.scopes
	return slices.Contains(scopes, ContactsRead) && slices.Contains(scopes, AuditRead)
}

// differenceOf leaves values away, unless they may be seen. Keys of rows are ids.
func differenceOf(d projections.Difference, values bool) differenceObject {
	o := differenceObject{Table: d.Table, Key: d.Key, Kind: string(d.Kind), Columns: []differingColumnObject{}}
	for _, c := range d.Columns {
		column := differingColumnObject{Name: c.Name}
		if values {
			column.Table, column.Log = orNull(c.Table), orNull(c.Log)
		}
		o.Columns = append(o.Columns, column)
	}
	return o
}
