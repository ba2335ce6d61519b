package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// operation is what a route's document needs beyond its types.
type operation struct {
	route   string // "GET /people/imports"
	id      string // of the operation: "list-imports"
	summary string
	about   string // optional, longer
	tag     string
	status  int      // of success; 0: 200
	stream  []string // media types of an answer that is not one JSON value
	errors  []int    // beyond those that every route can answer
	maxBody int64    // of a JSON body, in bytes; 0: 1 MiB
	ownBody bool     // the body's own type checks it, not its schema
	tagged  bool     // one object: its answers carry an ETag
}

// register adds a route. Its scope comes from access; without one the API is not
// made.
func register[I, O any](a *API, o operation, handle func(context.Context, *I) (*O, error)) {
	scope, listed := a.admit(o.route)
	if !listed {
		return
	}
	method, path, _ := strings.Cut(o.route, " ")
	op := huma.Operation{
		Method: method, Path: path, OperationID: o.id, Summary: o.summary, Description: o.about,
		Tags: []string{o.tag}, DefaultStatus: o.status, MaxBodyBytes: o.maxBody, SkipValidateBody: o.ownBody,
		BodyReadTimeout: -1, // the server keeps time; a deadline left standing would cancel the handler
		Errors:          append([]int{http.StatusBadRequest, http.StatusServiceUnavailable}, o.errors...),
		Metadata:        map[string]any{"scope": scope},
	}
	if scope != public {
		op.Security = []map[string][]string{{"session": strings.Fields(scope)}, {"token": strings.Fields(scope)}}
		op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests)
		op.Middlewares = huma.Middlewares{a.requireScope(scope)}
	}
	if _, takes := reflect.TypeFor[I]().FieldByName("Body"); takes {
		op.Errors = append(op.Errors, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if len(o.stream) > 0 {
		op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{}}}
		for _, mediaType := range o.stream {
			op.Responses["200"].Content[mediaType] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
		}
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, a.explain(ctx, err)
		}
		return out, nil
	})
	if o.tagged {
		a.tagged[o.route] = true
		describeTag(a.huma.OpenAPI().Paths[path].Get)
	}
}

// admit notes that a route is served, and gives what access says of it.
func (a *API) admit(route string) (scope string, listed bool) {
	scope, listed = access[route]
	if !listed {
		a.faults = append(a.faults, fmt.Errorf("route %q has no scope", route))
	}
	a.served[route] = true
	return scope, listed
}

// checkAccess refuses an API with a route without a scope or a scope without a route.
func (a *API) checkAccess() error {
	for route, scope := range access {
		if !a.served[route] {
			a.faults = append(a.faults, fmt.Errorf("%s is given to %q, which is not served", scope, route))
		}
	}
	return errors.Join(a.faults...)
}
