package api_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"importledger/adapters/api"
)

// wanted is what the contract says of who may call what.
var wanted = map[string]string{
	"GET /people/imports": "imports:read", "POST /people/imports": "imports:write", "GET /people/imports/{id}": "imports:read",
	"GET /people/imports/{id}/preview": "imports:read", "GET /people/imports/{id}/reading": "imports:read", "POST /people/imports/{id}/review": "imports:read",
	"PUT /people/imports/{id}/mapping": "imports:write", "POST /people/imports/{id}/cancel": "imports:write",
	"GET /people/imports/{id}/errors": "imports:read", "GET /people/imports/{id}/errors.csv": "imports:read",
	"GET /people/imports/{id}/progress": "imports:read", "GET /people/imports/{id}/history": "audit:read",
	"GET /people/imports/{id}/at/{revision}": "audit:read", "GET /people/imports/{id}/source": "audit:read", "GET /people/imports/{id}/audit": "audit:read", "GET /people/imports/{id}/rows/{row}": "audit:read",
	"GET /people/contacts/{identifier}/provenance": "contacts:read audit:read", "GET /people/contacts/{identifier}/provenance/{attribute}": "contacts:read audit:read",
	"GET /people/contacts/{identifier}/imports": "contacts:read imports:read",
	"POST /people/contacts":                     "contacts:read", "GET /people/contacts/count": "contacts:read", "GET /people/contacts/{identifier}": "contacts:read",
	"GET /people/contacts/{identifier}/segments": "contacts:read", "GET /people/contacts/{identifier}/events": "contacts:read",
	"GET /people/contacts/keyIdentifier": "contacts:read", "PUT /people/contacts/keyIdentifier": "contacts:write",
	"POST /people/attributes": "contacts:write", "POST /people/segments": "contacts:write",
	"PUT /people/segments/{id}": "contacts:write", "DELETE /people/segments/{id}": "contacts:write",
	"POST /people/segments/{id}/addContacts": "contacts:write", "POST /people/segments/{id}/deleteContacts": "contacts:write",
	"GET /people/segments/{id}/history": "contacts:read", "GET /people/segments/{id}/usage": "contacts:read",
	"GET /people/attributes": "contacts:read", "GET /people/attributes/{name}": "contacts:read",
	"GET /people/segments": "contacts:read", "GET /people/segments/{id}": "contacts:read",
	"GET /people/segments/{id}/countContacts": "contacts:read", "GET /people/segments/{id}/members": "contacts:read",
	"GET /people/connectors": "ops:write", "POST /people/connectors": "ops:write", "POST /people/connectors/sample": "ops:write",
	"GET /people/connectors/{id}": "ops:write", "PUT /people/connectors/{id}": "ops:write", "DELETE /people/connectors/{id}": "ops:write",
	"POST /people/connectors/{id}/password": "ops:write", "GET /people/connectors/{id}/activity": "ops:write",
	"GET /ops/projections": "ops:write", "POST /ops/projections/{name}/rebuild": "ops:write", "POST /ops/projections/verify": "ops:write",
	"GET /ops/projections/{name}/event": "audit:read", "POST /ops/projections/{name}/rebuild/pause": "ops:write", "POST /ops/projections/{name}/rebuild/resume": "ops:write",
	"POST /ops/projections/{name}/rebuild/cancel": "ops:write", "POST /ops/projections/{name}/rollback": "ops:write", "POST /ops/projections/{name}/retry": "ops:write",
	"GET /ops/rebuild-limit": "ops:write", "PUT /ops/rebuild-limit": "ops:write",
	"GET /ops/users": "ops:write", "POST /ops/users": "ops:write", "GET /ops/users/{user}": "ops:write", "PUT /ops/users/{user}": "ops:write",
	"POST /ops/users/{user}/password": "ops:write", "GET /ops/sessions": "ops:write", "DELETE /ops/sessions/{id}": "ops:write",
	"GET /ops/clients": "ops:write", "POST /ops/clients": "ops:write", "GET /ops/clients/{id}": "ops:write", "DELETE /ops/clients/{id}": "ops:write",
	"POST /ops/clients/{id}/secret": "ops:write", "GET /ops/audit": "ops:write",
	"GET /ops/webhooks": "ops:write", "POST /ops/webhooks": "ops:write", "GET /ops/webhooks/{id}": "ops:write", "PUT /ops/webhooks/{id}": "ops:write",
	"DELETE /ops/webhooks/{id}": "ops:write", "POST /ops/webhooks/{id}/rotate": "ops:write", "GET /ops/webhooks/{id}/attempts": "ops:write",
	"POST /ops/webhooks/{id}/attempts/{attempt}/resend": "ops:write",
}

func TestEveryRouteAsksForItsScopeAndForNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	fill := strings.NewReplacer("{id}", importID, "{identifier}", "ann@x.org", "{name}", "email", "{revision}", "0", "{user}", "ann")
	for route, scope := range wanted {
		method, path, _ := strings.Cut(route, " ")
		try := func(authorization string) answer {
			r := w.request(method, fill.Replace(path), "")
			r.Header.Set("Authorization", authorization)
			return w.send(r)
		}
		for _, none := range []string{"", "Bearer", "Bearer ", "Basic c2hvcDpz", "all"} {
			if got := try(none); got.status != 401 || got.header.Get("Www-Authenticate") == "" {
				t.Errorf("%s with %q: %d", route, none, got.status)
			}
		}
		try("").fails(401, "token-missing")
		try("Bearer garbage").fails(401, "token-invalid")
		for _, one := range strings.Fields(scope) { // each of several is needed
			others := slices.DeleteFunc(api.Scopes(), func(s string) bool { return s == one })
			try("Bearer "+strings.Join(others, ",")).fails(403, "scope-missing")
		}
		if got := try("bearer " + strings.ReplaceAll(scope, " ", ",")); got.status == 401 || got.status == 403 || got.status == 405 || got.status >= 500 {
			t.Errorf("%s with its scope: %d %s", route, got.status, got.body)
		}
		try("Bearer away").fails(503, "database-unavailable")
	}
}

func TestTheDocumentListsEveryRouteWithItsScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request("GET", "/openapi.json", "")
	r.Header.Del("Authorization")
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
			Security    []map[string][]string
			Parameters  []struct{ Name, In string }
			RequestBody struct {
				Content map[string]struct{ Schema json.RawMessage }
			}
			Responses map[string]struct{ Description string }
		}
		Components struct {
			Schemas         map[string]json.RawMessage
			SecuritySchemes map[string]any
		}
	}
	got := w.send(r).is(200)
	if err := json.Unmarshal(got.body, &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatal(doc.OpenAPI)
	}
	routes, ids := map[string]string{}, map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			route := strings.ToUpper(method) + " " + path
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" || len(op.Responses) < 2 {
				t.Errorf("%s: %+v", route, op)
			}
			ids[op.OperationID] = true
			for _, needs := range op.Security {
				for _, scheme := range []string{"token", "session"} {
					if scopes := strings.Join(needs[scheme], " "); scopes != "" && (routes[route] == "" || routes[route] == scopes) {
						routes[route] = scopes
					}
				}
			}
			for status, response := range op.Responses {
				if response.Description == "" {
					t.Errorf("%s %s has no description", route, status)
				}
			}
			for _, piece := range strings.Split(path, "/") {
				if name, ok := strings.CutPrefix(piece, "{"); ok && !slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool {
					return p.In == "path" && p.Name == strings.TrimSuffix(name, "}")
				}) {
					t.Errorf("%s does not describe %s", route, piece)
				}
			}
		}
	}
	if !maps.Equal(routes, wanted) {
		t.Errorf("documented: %v", routes)
	}
	if doc.Components.SecuritySchemes["token"] == nil {
		t.Error("the token is not described")
	}
	form := string(doc.Paths["/people/imports"]["post"].RequestBody.Content["multipart/form-data"].Schema)
	if !strings.Contains(form, "UploadForm") {
		t.Errorf("the upload's form is not described: %s", form)
	}
	for rest := string(got.body); ; {
		_, after, more := strings.Cut(rest, `"$ref":"#/components/schemas/`)
		if !more {
			break
		}
		name, _, _ := strings.Cut(after, `"`)
		if doc.Components.Schemas[name] == nil {
			t.Errorf("the schema %s is named and not described", name)
		}
		rest = after
	}
}

func TestTheDocumentationNeedsNoOtherHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, mediaType := range map[string]string{"/docs": "text/html; charset=utf-8", "/docs.css": "text/css; charset=utf-8"} {
		got := w.send(w.request("GET", path, "")).is(200)
		page := strings.ReplaceAll(string(got.body), "https://example.org/", "") // of examples
		if strings.Contains(page, "//") || strings.Contains(page, "<script") || strings.Contains(page, "style=") || got.header.Get("Content-Type") != mediaType {
			t.Errorf("%s: %s\n%s", path, got.header, page)
		}
	}
	page := string(w.get("/docs").body)
	for route := range wanted {
		if _, path, _ := strings.Cut(route, " "); !strings.Contains(page, "<code>"+path+"</code>") {
			t.Errorf("%s is not on the page", route)
		}
	}
}

func TestWhatIsNotThereIsSaidInOurOwnForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.get("/nothing").fails(404, "route-not-found")
	w.get("/people/imports/").fails(404, "route-not-found")
	w.get("/").fails(404, "route-not-found")
	got := w.do("DELETE", "/people/imports/"+importID, "")
	got.fails(405, "method-not-allowed")
	if allow := got.header.Get("Allow"); allow != "GET, HEAD, OPTIONS" {
		t.Error(allow)
	}
	w.get("/people/contacts/a%00b").fails(400, "malformed")
	w.get("/people/imports?q=%ff").fails(400, "malformed")
	w.get("/people/imports?q=%00").fails(400, "malformed")
}

func TestUnknownHeadersAreTakenAndAnswersAreSafe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request("GET", "/people/imports", "")
	r.Header.Set("X-Version", "2023-03-25")
	got := w.send(r).is(200)
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer", "Content-Type": "application/json"} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %q", name, got.header.Get(name))
		}
	}
	if got.header.Get("X-Request-Id") == "" {
		t.Error("no request id")
	}
}

func TestAnApiThatLacksAPartDoesNotStart(t *testing.T) {
	t.Parallel()
	if _, err := api.New(api.Config{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}); err == nil || !strings.Contains(err.Error(), "Tokens is missing") {
		t.Fatal(err)
	}
}

func TestHeadOfAGetAnswersItsHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	if got := w.do(http.MethodHead, "/people/imports", "").is(200); got.header.Get("X-Total-Count") != "1" || len(got.body) != 0 {
		t.Fatal(got.header, string(got.body))
	}
}
