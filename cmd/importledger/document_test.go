package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// documented checks answers against the OpenAPI document that the server gives.
type documented struct {
	*served
	doc     described
	schemas *jsonschema.Compiler
	routes  []string
	ids     map[string][]string // of path parameters, by name: such as exist
}

func readDocument(s *served) *documented {
	s.t.Helper()
	body := s.send(s.request(http.MethodGet, "/openapi.json", "")).is(http.StatusOK).body
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	d := &documented{served: s, schemas: jsonschema.NewCompiler()}
	if err := decoder.Decode(&d.doc); err != nil {
		s.t.Fatal(err)
	}
	d.schemas.DefaultDraft(jsonschema.Draft2020)
	if err := d.schemas.AddResource("openapi.json", map[string]any(d.doc)); err != nil {
		s.t.Fatal(err)
	}
	for path, methods := range d.doc["paths"].(map[string]any) {
		for method := range methods.(map[string]any) {
			d.routes = append(d.routes, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(d.routes)
	return d
}

func (d *documented) operation(route string) map[string]any {
	method, path, _ := strings.Cut(route, " ")
	return d.doc["paths"].(map[string]any)[path].(map[string]any)[strings.ToLower(method)].(map[string]any)
}

// Whatever is asked, rightly or wrongly, the answer is one that the document
// describes, and never a 500.
func TestEveryAnswerIsAsDocumented(t *testing.T) {
	t.Parallel()
	d := readDocument(serveHere(t))
	fill := contractWorld(d.served)
	d.ids = map[string][]string{"id": {fill.Replace("{id}"), fill.Replace("{segment}")}, "revision": {"0", "2"},
		"identifier": {"ann@x.org", fill.Replace("{contact}")}, "name": {"city", "email", "error_report"}}
	var good, refused int
	rapid.Check(t, func(r *rapid.T) {
		for range 15 {
			route := rapid.SampledFrom(d.routes).Draw(r, "route")
			request := d.anyRequest(r, route)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				r.Fatalf("%s: %v", route, err)
			}
			body, err := io.ReadAll(response.Body)
			if err != nil {
				r.Fatalf("%s: %v", route, err)
			}
			if err := response.Body.Close(); err != nil {
				r.Fatal(err)
			}
			if response.StatusCode < 300 {
				good++
			} else {
				refused++
			}
			if wrong := d.undocumented(route, response, body); wrong != "" {
				r.Fatalf("%s: %s\n%s\n%.500s", route, wrong, request.URL, body)
			}
		}
	})
	if good < 100 || refused < 100 {
		t.Errorf("%d requests were right and %d wrong: too few to say anything", good, refused)
	}
}

// anyRequest draws a request for a route, right or wrong.
func (d *documented) anyRequest(r *rapid.T, route string) *http.Request {
	method, path, _ := strings.Cut(route, " ")
	op := d.operation(route)
	query, header := url.Values{}, http.Header{}
	parameters, _ := op["parameters"].([]any)
	for _, one := range parameters {
		p := one.(map[string]any)
		name, schema := p["name"].(string), p["schema"].(map[string]any)
		switch p["in"] {
		case "path":
			path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(d.pathValue(r, name)))
		case "query":
			if rapid.Bool().Draw(r, name) {
				query.Set(name, d.parameter(r, name, schema))
			}
		case "header":
			if rapid.Bool().Draw(r, name) {
				header.Set(name, strings.Map(printableASCII, d.parameter(r, name, schema)))
			}
		}
	}
	if rapid.Bool().Draw(r, "unknown parameter") {
		query.Set("unknown", "1")
	}
	request := d.request(method, path+"?"+query.Encode(), "")
	maps.Copy(request.Header, header)
	if body, ok := op["requestBody"].(map[string]any); ok {
		d.addBody(r, request, body["content"].(map[string]any))
	}
	if _, needs := op["security"]; needs {
		request.Header.Set("Authorization", "Bearer "+d.token())
	}
	return request
}

func printableASCII(c rune) rune {
	if c < ' ' || c > '~' {
		return -1
	}
	return c
}

// pathValue is an id that exists, or a text that none has.
func (d *documented) pathValue(r *rapid.T, name string) string {
	if known := d.ids[name]; len(known) > 0 && rapid.IntRange(0, 2).Draw(r, "exists") > 0 {
		return rapid.SampledFrom(known).Draw(r, "id")
	}
	return rapid.SampledFrom(append([]string{"01ARZ3NDEKTSV4RRFFQ69G5FAV", "-1", "99999999999999999999", "\x00", "a/b", strings.Repeat("x", 300)}, words...)).Draw(r, "no id")
}

// parameter draws a parameter's value. A position of the future is left out: the
// answer would take its five seconds.
func (d *documented) parameter(r *rapid.T, name string, schema map[string]any) string {
	if name == "after" {
		return rapid.SampledFrom([]string{"1", "2-1", "x", "", "1-1-1"}).Draw(r, "after")
	}
	v := d.doc.value(r, schema, 2)
	if rapid.IntRange(0, 4).Draw(r, "right") == 0 {
		v = spoiled(r, v)
	}
	return scalar(v)
}

func (d *documented) addBody(r *rapid.T, request *http.Request, content map[string]any) {
	media := rapid.SampledFrom(slices.Sorted(maps.Keys(content))).Draw(r, "media type")
	v := d.doc.value(r, content[media].(map[string]any)["schema"].(map[string]any), 6)
	how := rapid.IntRange(0, 9).Draw(r, "body")
	if how < 3 {
		v = spoiled(r, v)
	}
	request.Header.Set("Content-Type", media)
	var body string
	switch media {
	case "multipart/form-data":
		body = formOf(request, v)
	case "application/x-www-form-urlencoded":
		fields, _ := v.(map[string]any)
		form := url.Values{}
		for name, value := range fields {
			form.Set(name, scalar(value))
		}
		body = form.Encode()
	default:
		text, err := json.Marshal(v)
		if err != nil {
			r.Fatal(err)
		}
		body = string(text)
	}
	switch how {
	case 3:
		body = body[:len(body)/2]
	case 4:
		request.Header.Set("Content-Type", rapid.SampledFrom([]string{"text/plain", "application/xml", "nonsense", "multipart/form-data"}).Draw(r, "wrong type"))
	case 5:
		body = ""
	}
	request.Body, request.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

// formOf writes a form, the file among its fields.
func formOf(request *http.Request, v any) string {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	fields, _ := v.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		create := func() (io.Writer, error) { return form.CreateFormField(name) }
		if name == "file" {
			create = func() (io.Writer, error) { return form.CreateFormFile(name, "any.csv") }
		}
		w, err := create()
		if err == nil {
			_, err = io.WriteString(w, scalar(fields[name]))
		}
		if err != nil {
			panic(err) // a buffer takes all
		}
	}
	if err := form.Close(); err != nil {
		panic(err)
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	return body.String()
}

// undocumented says what of an answer the document does not describe.
func (d *documented) undocumented(route string, response *http.Response, body []byte) string {
	status := fmt.Sprint(response.StatusCode)
	if response.StatusCode == http.StatusInternalServerError || response.StatusCode == http.StatusServiceUnavailable {
		return "status " + status
	}
	one, ok := d.operation(route)["responses"].(map[string]any)[status].(map[string]any)
	if !ok {
		return "status " + status + " is not documented"
	}
	content, _ := one["content"].(map[string]any)
	media, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	if len(content) == 0 {
		if len(body) > 0 {
			return "status " + status + " has a body"
		}
		return ""
	}
	if content[media] == nil {
		return "status " + status + " as " + media + " is not documented"
	}
	if media != "application/json" {
		return ""
	}
	method, path, _ := strings.Cut(route, " ")
	at := "openapi.json#/paths/" + pointer(path) + "/" + strings.ToLower(method) + "/responses/" + status + "/content/application~1json/schema"
	schema, err := d.schemas.Compile(at)
	if err != nil {
		return err.Error()
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	if err := schema.Validate(v); err != nil {
		return err.Error()
	}
	return ""
}

func TestEverySchemaOfTheDocumentCanBeRead(t *testing.T) {
	t.Parallel()
	d := readDocument(serveHere(t))
	for name := range d.doc["components"].(map[string]any)["schemas"].(map[string]any) {
		if _, err := d.schemas.Compile("openapi.json#/components/schemas/" + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every call has an example of what goes in and of what comes out, and each is what
// its schema says.
func TestEveryCallHasExamplesThatAreRight(t *testing.T) {
	t.Parallel()
	d := readDocument(serveHere(t))
	checked := 0
	check := func(route, at string, content any) {
		all, _ := content.(map[string]any)
		for name, one := range all {
			media := one.(map[string]any)
			example, there := media["example"]
			if !there {
				t.Errorf("%s: %s as %s has no example", route, at, name)
				continue
			}
			method, path, _ := strings.Cut(route, " ")
			schema, err := d.schemas.Compile("openapi.json#/paths/" + pointer(path) + "/" + strings.ToLower(method) + at + "/content/" + strings.ReplaceAll(name, "/", "~1") + "/schema")
			if err == nil {
				err = schema.Validate(example)
			}
			if err != nil {
				t.Errorf("%s: %s as %s: %v", route, at, name, err)
			}
			checked++
		}
	}
	for _, route := range d.routes {
		op := d.operation(route)
		if body, ok := op["requestBody"].(map[string]any); ok {
			check(route, "/requestBody", body["content"])
		}
		for status, response := range op["responses"].(map[string]any) {
			check(route, "/responses/"+status, response.(map[string]any)["content"])
		}
	}
	if checked < 200 {
		t.Errorf("only %d examples", checked)
	}
}

// pointer escapes a path for a JSON pointer in a URL.
func pointer(path string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(path)
}
