package api

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"importledger/projections"
)

type rowErrorsQuery struct {
	ImportPath
	PageQuery
	AfterQuery
	Lines  bool `query:"lines" doc:"Ask for each row's line as well."`
	Groups bool `query:"groups" doc:"Ask for groups as well."`
}

type rowErrorObject struct {
	Row     int     `json:"row" doc:"From 1, the first row below the header."`
	Column  *string `json:"column" doc:"Null: the row as a whole."`
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Value   *string `json:"value" doc:"The cell as it was, shortened."`
	Line    int     `json:"line,omitempty" doc:"Only where asked for: the line of the file in which the row begins; the first is 1."`
}

type rowErrorsPage struct {
	Pagination pagination       `json:"pagination"`
	Items      []rowErrorObject `json:"items"`
	Groups     *[]reviewError   `json:"groups,omitempty" doc:"Only where asked for: all errors of the import by code and column, the most frequent first."`
}

func (a *API) addImportFiles() {
	missing := []int{http.StatusNotFound}
	register(a, operation{route: "GET /people/imports/{id}/errors", id: "list-import-errors", tag: "Imports",
		summary: "List why rows were rejected", errors: missing}, a.rowErrors)
	register(a, operation{route: "GET /people/imports/{id}/errors.csv", id: "get-import-errors-csv", tag: "Imports",
		summary: "Get the rejected rows as a file to mend and import again", errors: missing, stream: []string{"text/csv"}}, a.errorsCSV)
	register(a, operation{route: "GET /people/imports/{id}/source", id: "get-import-source", tag: "Imports",
		summary: "Get the file as it was uploaded, byte for byte", errors: missing, stream: []string{"text/csv"}}, a.source)
}

func (a *API) rowErrors(ctx context.Context, in *rowErrorsQuery) (*struct{ Body rowErrorsPage }, error) {
	if err := a.reached(ctx, in.After, projections.ErrorReport, projections.ImportsList); err != nil {
		return nil, err
	}
	if _, err := a.currentImport(ctx, in.ID); err != nil {
		return nil, err
	}
	found, total, err := projections.ListErrors(ctx, a.db, in.ID, in.Page, in.PageSize)
	if err != nil {
		return nil, err
	}
	page := rowErrorsPage{Items: make([]rowErrorObject, len(found))}
	for i, e := range found {
		page.Items[i] = rowErrorObject{Row: e.Row, Column: orNull(e.Column), Code: e.Code, Message: e.Message, Value: orNull(e.Value)}
		if in.Lines {
			page.Items[i].Line = e.Line
		}
	}
	if in.Groups {
		groups, err := a.errorGroups(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		page.Groups = &groups
	}
	page.Pagination = paginate(in.PageQuery, total, len(found), in.link("/errors"), url.Values{"groups": {onlyTrue(in.Groups)}, "lines": {onlyTrue(in.Lines)}})
	return &struct{ Body rowErrorsPage }{page}, nil
}

func (a *API) errorGroups(ctx context.Context, id string) ([]reviewError, error) {
	found, err := projections.GroupErrors(ctx, a.db, id)
	if err != nil {
		return nil, err
	}
	groups := make([]reviewError, len(found))
	for i, g := range found {
		groups[i] = reviewError{Code: g.Code, Column: orNull(g.Column), Count: g.Count, Message: g.Message, Rows: orEmpty(g.Rows)}
	}
	return groups, nil
}

// onlyTrue is a flag as a link repeats it.
func onlyTrue(flag bool) string {
	if flag {
		return "true"
	}
	return ""
}

func (a *API) errorsCSV(_ context.Context, in *ImportPath) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		out := &attachment{w: w, mediaType: "text/csv; charset=utf-8", name: in.ID + "-errors.csv"}
		err := a.imports.ErrorsCSV(r.Context(), in.ID, out)
		if err == nil {
			err = out.begin() // no rows at all
		}
		if err == nil {
			return
		}
		if !out.begun {
			a.fail(w, r, a.explain(r.Context(), err))
			return
		}
		a.cut(r, err)
	}}, nil
}

// attachment is an answer that becomes a file on its first write: until then it can
// still become an error.
type attachment struct {
	w         http.ResponseWriter
	mediaType string
	name      string
	begun     bool
}

func (f *attachment) begin() error {
	if !f.begun {
		f.begun = true
		fileHeaders(f.w.Header(), f.mediaType, f.name)
		f.w.WriteHeader(http.StatusOK)
	}
	return nil
}

func (f *attachment) Write(p []byte) (int, error) {
	if err := f.begin(); err != nil {
		return 0, err
	}
	return f.w.Write(p)
}

func fileHeaders(h http.Header, mediaType, name string) {
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// cut ends an answer that has begun and cannot be finished, so that nobody takes it
// for the whole. Panicking this way is how net/http is told to.
func (a *API) cut(r *http.Request, err error) {
	if r.Context().Err() == nil {
		a.notSent(r, err)
	}
	panic(http.ErrAbortHandler)
}

func (a *API) source(ctx context.Context, in *ImportPath) (*huma.StreamResponse, error) {
	file, name, err := a.imports.Source(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		defer func() {
			if err := file.Close(); err != nil {
				a.notSent(r, err)
			}
		}()
		// Never a type that a browser would show: the bytes are a stranger's.
		fileHeaders(w.Header(), "text/csv", name)
		http.ServeContent(w, r, "", time.Time{}, io.ReadSeeker(file))
	}}, nil
}
