package api

import (
	"context"
	"net/http"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

type mappingBody struct {
	Mapping   []mappingItem `json:"mapping" maxItems:"1000" doc:"A header that no item names is skipped."`
	Segment   *segmentRef   `json:"segment,omitempty"`
	EventName *string       `json:"eventName,omitempty" nullable:"true" maxLength:"255"`
	Separator string        `json:"separator,omitempty" doc:"Reads the file otherwise than it was found, from now on."`
	Encoding  string        `json:"encoding,omitempty" doc:"Likewise: utf-8, utf-16le, utf-16be or windows-1252."`
	RowSettings
}

// RowSettings are what decides about rows beside the mapping.
type RowSettings struct {
	DefaultCountry string `json:"defaultCountry,omitempty" minLength:"2" maxLength:"2" doc:"ISO 3166-1 alpha-2, for national phone numbers."`
	BlankCells     string `json:"blankCells,omitempty" enum:"keep,clear" doc:"What a blank cell does to the contact's attribute. As it was started when absent, where keep is the default."`
}

func (b mappingBody) command() (commands.MapColumns, error) {
	segment, err := segmentWish(b.Segment)
	m := commands.MapColumns{Mapping: wishes(b.Mapping), Segment: segment, Reading: commands.Reading{Separator: b.Separator, Encoding: b.Encoding},
		BlankCells: events.BlankCells(b.BlankCells), DefaultCountry: b.DefaultCountry}
	if b.EventName != nil {
		m.EventName = *b.EventName
	}
	return m, err
}

type reviewRequest struct {
	ImportPath
	Body mappingBody
}

type mapRequest struct {
	ImportPath
	IfMatchHeader
	Body mappingBody
}

type cancelRequest struct {
	ImportPath
	Body *struct {
		Reason *string `json:"reason,omitempty" nullable:"true" maxLength:"300"`
	} `nameHint:"CancelRequest"`
}

// writtenImport answers a write, from the aggregate.
type writtenImport struct {
	Position string `header:"X-Ledger-Position" doc:"Where in the log the write is: send it as ?after= to read what you wrote."`
	ETag     string `header:"ETag"`
	Body     importObject
}

func written(s aggregate.Import) *writtenImport {
	return &writtenImport{Position: s.Position.String(), ETag: importTag(s), Body: importOf(s)}
}

func (a *API) addImportWrites() {
	const tag = "Imports"
	conflicts := []int{http.StatusNotFound, http.StatusConflict}
	register(a, operation{route: "PUT /people/imports/{id}/mapping", id: "map-columns", tag: tag,
		summary: "Map the columns and start importing", errors: append(conflicts, http.StatusPreconditionFailed)}, a.mapColumns)
	register(a, operation{route: "POST /people/imports/{id}/review", id: "review-import", tag: tag,
		summary: "Run the whole file through a mapping without importing anything", errors: conflicts}, a.review)
	register(a, operation{route: "POST /people/imports/{id}/cancel", id: "cancel-import", tag: tag,
		summary: "Cancel an import", about: "Rows already accepted stay. Canceling again is the same answer.", errors: conflicts}, a.cancel)
}

func (a *API) mapColumns(ctx context.Context, in *mapRequest) (*writtenImport, error) {
	m, err := in.Body.command()
	if err != nil {
		return nil, err
	}
	// Mapping is refused in every state but the first, so that between this look and
	// the write nothing can change that the write does not notice.
	if err := in.meant(func() (string, error) {
		s, err := aggregate.Load(ctx, a.streams, in.ID)
		if err == nil && !s.Exists() {
			err = aggregate.ErrNotFound
		}
		return importTag(s), err
	}); err != nil {
		return nil, err
	}
	s, err := a.imports.Map(ctx, in.ID, m, a.meta(ctx))
	if err != nil {
		return nil, err
	}
	return written(s), nil
}

func (a *API) cancel(ctx context.Context, in *cancelRequest) (*writtenImport, error) {
	reason := ""
	if in.Body != nil && in.Body.Reason != nil {
		reason = *in.Body.Reason
	}
	s, err := a.imports.Cancel(ctx, in.ID, reason, a.meta(ctx))
	if err != nil {
		return nil, err
	}
	return written(s), nil
}
