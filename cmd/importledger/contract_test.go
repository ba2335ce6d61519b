package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

const (
	contractFile = "E-mail;City;Note\nann@x.org;Gent;a\nbad;Brugge;b\nbob@x.org;Liège;c\n"
	eventsFile   = "E-mail,Product\nann@x.org,shoe\n"
)

// contractWorld makes what the contract's requests name.
func contractWorld(s *served) *strings.Replacer {
	prepare := func(name string) string {
		var created struct{ ID string }
		s.send(s.upload(name, contractFile, nil)).is(http.StatusCreated).into(&created)
		return created.ID
	}
	id := s.imports("contacts.csv", contractFile, map[string]string{"mapping": strings.TrimPrefix(mapAll, `"mapping":`), "segment": `{"name":"First"}`, "description": "All"})
	s.imports("events.csv", eventsFile, map[string]string{"importMode": "events", "eventName": "bought",
		"mapping": `[{"header":"E-mail","attribute":"email"},{"header":"Product","property":"Product"}]`})
	var contact struct{ NxID string }
	s.do(http.MethodGet, "/people/contacts/ann@x.org", "").is(http.StatusOK).into(&contact)
	var segments []struct{ ID string }
	s.do(http.MethodGet, "/people/segments", "").is(http.StatusOK).into(&segments)
	return strings.NewReplacer("{id}", id, "{preparing}", prepare("second.csv"), "{cancelable}", prepare("third.csv"),
		"{identifier}", "ann@x.org", "{contact}", contact.NxID, "{segment}", segments[0].ID)
}

// openAPI is the document, as far as tests read it.
type openAPI struct {
	Paths map[string]map[string]struct {
		Security    []map[string][]string
		RequestBody struct {
			Content map[string]mediaType
		}
		Responses map[string]struct{ Content map[string]mediaType }
	}
}

type mediaType struct {
	Schema, Example json.RawMessage
	Examples        map[string]json.RawMessage
}

func (s *served) document() openAPI {
	s.t.Helper()
	var doc openAPI
	s.send(s.request(http.MethodGet, "/openapi.json", "")).is(http.StatusOK).into(&doc)
	return doc
}

// request makes a call's request, with a token of its scope alone.
func (c contractCall) request(s *served, fill *strings.Replacer) *http.Request {
	s.t.Helper()
	method, path, _ := strings.Cut(c.route, " ")
	if c.path != "" {
		path = c.path
	}
	r := s.request(method, fill.Replace(path), fill.Replace(c.body))
	switch {
	case strings.HasSuffix(c.body, ".csv"):
		r = s.upload(c.body, contractFile, map[string]string{"mapping": strings.TrimPrefix(mapAll, `"mapping":`), "segment": `{"name":"New"}`})
	case strings.HasPrefix(c.body, "grant_type"):
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(testClient, testSecret)
	}
	if c.scope != "" {
		r.Header.Set("Authorization", "Bearer "+s.token(strings.Fields(c.scope)...))
	}
	return r
}

// check compares an answer with the contract.
func (c contractCall) check(t *testing.T, got reply) {
	t.Helper()
	media := c.media
	if media == "" && c.keys != "" {
		media = "application/json"
	}
	if got.status != c.status || !strings.HasPrefix(got.header.Get("Content-Type"), media) {
		t.Fatalf("%s: status %d, want %d; %s, want %s\n%s", c.route, got.status, c.status, got.header.Get("Content-Type"), media, got.body)
	}
	if c.keys == "" {
		return
	}
	var v any
	got.into(&v)
	for _, wrong := range shapeOf(c.keys).differs(v, "answer") {
		t.Errorf("%s: %s", c.route, wrong)
	}
}

// made notes the ids of what a call made, for those after it.
func (c contractCall) made(t *testing.T, got reply, fill *strings.Replacer) *strings.Replacer {
	t.Helper()
	var made struct{ ID string }
	switch c.route {
	case "POST /people/segments":
		got.into(&made)
		return strings.NewReplacer("{segment}", made.ID, "{contact}", fill.Replace("{contact}"), "{identifier}", fill.Replace("{identifier}"), "{id}", fill.Replace("{id}"))
	case "POST /people/connectors":
		got.into(&made)
		return strings.NewReplacer("{connector}", made.ID)
	}
	return fill
}

func TestTheServerKeepsTheContract(t *testing.T) {
	t.Parallel()
	s := serveHere(t)
	fill := contractWorld(s)
	doc := s.document()
	for _, call := range contract {
		method, path, _ := strings.Cut(call.route, " ")
		described, there := doc.Paths[path][strings.ToLower(method)]
		if !there && path != "/openapi.json" && path != "/docs" {
			t.Errorf("%s is not in the OpenAPI document", call.route)
			continue
		}
		scope := ""
		for _, needs := range described.Security {
			if len(needs["token"]) > 0 {
				scope = strings.Join(needs["token"], " ")
			}
		}
		if scope != call.scope {
			t.Errorf("%s needs %q by the document, want %q", call.route, scope, call.scope)
		}
		got := s.send(call.request(s, fill))
		call.check(t, got)
		fill = call.made(t, got, fill)
		if position := got.header.Get("X-Ledger-Position"); position != "" {
			s.do(http.MethodGet, "/people/contacts/count?after="+position, "").is(http.StatusOK)
			s.do(http.MethodGet, "/people/segments?after="+position, "").is(http.StatusOK)
		}
	}
}

// Lines of a history and events of a progress are objects of their own.
func TestStreamsKeepTheContract(t *testing.T) {
	t.Parallel()
	s := serveHere(t)
	id := s.imports("contacts.csv", contractFile, map[string]string{"mapping": strings.TrimPrefix(mapAll, `"mapping":`), "segment": `{"name":"First"}`})
	r := s.request(http.MethodGet, "/people/imports/"+id+"/history", "")
	r.Header.Set("Accept", "application/x-ndjson")
	r.Header.Set("Authorization", "Bearer "+s.token("audit:read"))
	each := func(text, before, keys string) {
		seen := 0
		for line := range strings.Lines(text) {
			data, ok := strings.CutPrefix(strings.TrimSpace(line), before)
			if !ok || data == "" {
				continue
			}
			seen++
			var v any
			if err := json.Unmarshal([]byte(data), &v); err != nil {
				t.Fatalf("%v in %s", err, data)
			}
			for _, wrong := range shapeOf(keys).differs(v, "line") {
				t.Error(wrong)
			}
		}
		if seen == 0 {
			t.Errorf("nothing of %s was seen in %s", keys, text)
		}
	}
	each(string(s.send(r).is(http.StatusOK).body), "", eventKeys)
	each(string(s.do(http.MethodGet, "/people/imports/"+id+"/progress", "").is(http.StatusOK).body), "data:", importKeys)
}

func TestTheOperationsAddressAnswersWithoutAToken(t *testing.T) {
	t.Parallel()
	s := serveHere(t)
	for path, want := range map[string]string{"/livez": `"live":true`, "/readyz": `"ready":`, "/metrics": "importledger_"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.ops+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.send(r).is(http.StatusOK); !strings.Contains(string(got.body), want) {
			t.Errorf("%s: %s", path, got.body)
		}
	}
	if got := s.send(s.request(http.MethodGet, "/metrics", "")); got.status != http.StatusNotFound {
		t.Errorf("the API's address serves metrics: %d", got.status)
	}
}
