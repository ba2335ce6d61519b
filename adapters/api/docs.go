package api

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsPage string

//go:embed docs.css
var docsCSS []byte

// docsView is the OpenAPI document as the page shows it.
type docsView struct {
	Title, Version, Description string
	Groups                      []docsGroup
	Schemas                     []docsSchema
	Codes                       []errorCode
	Error                       string // an error, as an example
}

type docsGroup struct {
	Name       string
	Operations []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description, Scope string
	Parameters                                    []*huma.Param
	Body                                          []docsContent
	Responses                                     []docsResponse
}

type docsResponse struct {
	Status, Description string
	Good                bool
	Content             []docsContent
}

type docsContent struct{ MediaType, Type, Schema, Example string }

type docsSchema struct {
	Name, Description string
	Properties        []docsProperty
	Kinds             []string // of a schema that is one of several
}

type docsProperty struct {
	Name, Type, Schema, Description string
	Required                        bool
}

// addDocs serves the document and a page of it. Both are made once, here: every
// route is registered by now.
func (a *API) addDocs() error {
	for _, route := range []string{"GET /openapi.json", "GET /docs", "GET /docs.css"} {
		a.admit(route)
	}
	addExamples(a.huma.OpenAPI())
	document, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		return fmt.Errorf("write the OpenAPI document: %w", err)
	}
	page, err := template.New("docs").Funcs(template.FuncMap{"typeOf": typeOf, "values": enumValues}).Parse(docsPage)
	if err != nil {
		return fmt.Errorf("read the docs page: %w", err)
	}
	var html bytes.Buffer
	if err := page.Execute(&html, docsOf(a.huma.OpenAPI())); err != nil {
		return fmt.Errorf("make the docs page: %w", err)
	}
	a.mux.Handle("GET /openapi.json", a.static("application/json", document))
	a.mux.Handle("GET /docs", a.static("text/html; charset=utf-8", html.Bytes()))
	a.mux.Handle("GET /docs.css", a.static("text/css; charset=utf-8", docsCSS))
	return nil
}

func (a *API) static(mediaType string, content []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'")
		w.Header().Set("Cache-Control", "no-cache")
		if _, err := w.Write(content); err != nil && r.Context().Err() == nil {
			a.notSent(r, err)
		}
	})
}

func docsOf(doc *huma.OpenAPI) docsView {
	view := docsView{Title: doc.Info.Title, Version: doc.Info.Version, Description: doc.Info.Description,
		Codes: errorCodes, Error: indented(sampleTypes["ErrorAnswer"])}
	groups := map[string][]docsOperation{}
	for path, item := range doc.Paths {
		for method, op := range operationsOf(item) {
			groups[op.Tags[0]] = append(groups[op.Tags[0]], docsOperationOf(method, path, op))
		}
	}
	for _, tag := range doc.Tags {
		operations := groups[tag.Name]
		slices.SortFunc(operations, func(a, b docsOperation) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
		})
		view.Groups = append(view.Groups, docsGroup{tag.Name, operations})
	}
	schemas := doc.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		view.Schemas = append(view.Schemas, docsSchemaOf(name, schemas[name]))
	}
	return view
}

func docsOperationOf(method, path string, op *huma.Operation) docsOperation {
	o := docsOperation{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, Description: op.Description, Parameters: op.Parameters}
	for _, needed := range op.Security {
		o.Scope = strings.Join(needed["token"], " ")
	}
	if op.RequestBody != nil {
		o.Body = contents(op.RequestBody.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		o.Responses = append(o.Responses, docsResponse{status, r.Description, status < "300", contents(r.Content)})
	}
	return o
}

func contents(all map[string]*huma.MediaType) []docsContent {
	var out []docsContent
	for _, mediaType := range slices.Sorted(maps.Keys(all)) {
		media := all[mediaType]
		out = append(out, docsContent{mediaType, typeOf(media.Schema), schemaNamed(media.Schema), indented(media.Example)})
	}
	return out
}

func docsSchemaOf(name string, s *huma.Schema) docsSchema {
	out := docsSchema{Name: name, Description: s.Description}
	for _, one := range s.OneOf {
		for key, property := range one.Properties {
			out.Kinds = append(out.Kinds, key+": "+typeOf(property))
		}
	}
	for _, property := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[property]
		out.Properties = append(out.Properties, docsProperty{property, typeOf(p), schemaNamed(p), strings.TrimSpace(p.Description + " " + enumValues(p)), slices.Contains(s.Required, property)})
	}
	return out
}

// typeOf names a schema's type; one with a name of its own by that.
func typeOf(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case s.Items != nil:
		return "list of " + typeOf(s.Items)
	case len(s.OneOf) > 0:
		var kinds []string
		for _, one := range s.OneOf {
			kinds = append(kinds, typeOf(one))
		}
		return strings.Join(kinds, " or ")
	}
	name := cmp.Or(s.Type, "any")
	if s.Nullable {
		name += " or null"
	}
	return name
}

// schemaNamed is the name of the schema that a schema is, or lists.
func schemaNamed(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Items != nil:
		return schemaNamed(s.Items)
	}
	return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
}

func enumValues(s *huma.Schema) string {
	if s == nil || len(s.Enum) == 0 {
		return ""
	}
	var all []string
	for _, v := range s.Enum {
		all = append(all, fmt.Sprint(v))
	}
	return "One of: " + strings.Join(all, ", ") + "."
}
