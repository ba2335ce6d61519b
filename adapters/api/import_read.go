package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/oklog/ulid/v2"

	"importledger/aggregate"
	"importledger/events"
	"importledger/projections"
)

// ImportPath names an import. An id that no import can have is one that does not exist.
type ImportPath struct {
	ID string `path:"id" doc:"The import's id, a ULID."`
}

// Resolve implements huma.Resolver. Ids are exact: the same ULID in small letters
// would be another stream's name.
func (p *ImportPath) Resolve(huma.Context) []error {
	if id, err := ulid.ParseStrict(p.ID); err != nil || id.String() != p.ID {
		return []error{refused(aggregate.ErrNotFound)}
	}
	return nil
}

type importsQuery struct {
	PageQuery
	AfterQuery
	State string `query:"state" enum:"preparing,importing,imported,canceled,failed"`
	Type  string `query:"type" enum:"manual,ftp-template"`
	Q     string `query:"q" maxLength:"255" doc:"Part of the file's name."`
}

type importsAnswer struct {
	Total int    `header:"X-Total-Count"`
	Link  string `header:"Link"`
	Body  []importObject
}

type importQuery struct {
	ImportPath
	AfterQuery
}

// importAnswer carries how far in the log it goes, so that a client who has seen
// an import end can wait for contacts, segments and errors to show the same.
type importAnswer struct {
	Position string `header:"X-Ledger-Position" doc:"Of the last event that is part of this answer: send it as ?after= to read what goes with it."`
	ETag     string `header:"ETag"`
	Body     importObject
}

func answered(s aggregate.Import) *importAnswer {
	return &importAnswer{Position: s.Position.String(), ETag: importTag(s), Body: importOf(s)}
}

type importAtQuery struct {
	ImportPath
	Revision uint64 `path:"revision" doc:"Of an event in the import's history, from 0."`
}

func (a *API) addImportReads() {
	register(a, operation{route: "GET /people/imports", id: "list-imports", tag: "Imports",
		summary: "List imports, newest first"}, a.listImports)
	register(a, operation{route: "GET /people/imports/{id}", id: "get-import", tag: "Imports",
		summary: "Get an import", tagged: true, errors: []int{http.StatusNotFound}}, a.getImport)
	register(a, operation{route: "GET /people/imports/{id}/reading", id: "get-import-reading", tag: "Imports",
		summary: "Get how an import's file is read, and which imports mend each other's rows", tagged: true, errors: []int{http.StatusNotFound}}, a.getReading)
	register(a, operation{route: "GET /people/imports/{id}/at/{revision}", id: "get-import-at", tag: "Imports",
		summary: "Get an import as it stood at a revision, folded from the log", tagged: true, errors: []int{http.StatusNotFound}}, a.getImportAt)
}

func (a *API) listImports(ctx context.Context, in *importsQuery) (*importsAnswer, error) {
	if err := a.reached(ctx, in.After, projections.ImportsList); err != nil {
		return nil, err
	}
	keys, total, err := projections.ListImportKeys(ctx, a.db, projections.ImportFilter{
		State: events.State(in.State), Type: events.ImportType(in.Type), Q: in.Q, Page: in.Page, PageSize: in.PageSize})
	if err != nil {
		return nil, err
	}
	out := &importsAnswer{Total: total}
	if out.Body, err = a.recent.imports(ctx, a.db, keys); err != nil {
		return nil, err
	}
	out.Link = paginate(in.PageQuery, total, len(out.Body), "/people/imports",
		url.Values{"state": {in.State}, "type": {in.Type}, "q": {in.Q}}).linkHeader()
	return out, nil
}

func (a *API) getImport(ctx context.Context, in *importQuery) (*importAnswer, error) {
	if err := a.reached(ctx, in.After, projections.ImportsList); err != nil {
		return nil, err
	}
	s, err := a.currentImport(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return answered(s), nil
}

// currentImport reads an import from the read model, or from the log as long as the
// read model has not heard of it: whoever was just answered 201 finds the import.
// The log is ahead, so the read model gets a moment to come as far: whoever asks
// again must not find the import at an earlier point.
func (a *API) currentImport(ctx context.Context, id string) (aggregate.Import, error) {
	row, err := projections.ImportByID(ctx, a.db, id)
	if !errors.Is(err, projections.ErrNotFound) {
		return folded(row), err
	}
	s, err := aggregate.Load(ctx, a.streams, id)
	if err == nil && !s.Exists() {
		return s, aggregate.ErrNotFound
	}
	if err == nil {
		limited, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := a.projections.WaitFor(limited, s.Position, projections.ImportsList); err != nil && ctx.Err() != nil {
			return s, ctx.Err()
		} // else it has stopped or is far behind, and the log has said all
	}
	return s, err
}

func (a *API) getImportAt(ctx context.Context, in *importAtQuery) (*importAnswer, error) {
	s, err := a.imports.At(ctx, in.ID, in.Revision)
	if err != nil {
		return nil, err
	}
	return answered(s), nil
}

func (p ImportPath) link(below string) string { return "/people/imports/" + p.ID + below }

func number(n uint64) string { return strconv.FormatUint(n, 10) }
