package main

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"importledger/events"
)

// The canary is personal data wherever a client can put some; each place has its
// own, so that a find tells where it came in.
const canary = "canary-bird"

func bird(place string) string { return canary + "." + place + "@example.org" }

// Personal data goes into events and tables and nowhere else: no line of the log,
// no metric, no trace, no address that the server makes, no event's metadata.
func TestPersonalDataIsNowhereItDoesNotBelong(t *testing.T) {
	t.Parallel()
	spans, setting := collectTraces(t)
	s := serveHere(t, setting)
	answers := &strings.Builder{}
	release(s, answers)

	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.ops+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	metrics := string(s.send(r).is(http.StatusOK).body)
	var metadata strings.Builder
	for batch, err := range s.server.ledger.log.CatchUp(t.Context(), events.Position{}, 1000) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range batch.Events {
			metadata.WriteString(e.Stream + " " + string(e.Metadata) + "\n")
		}
	}
	if err := s.server.ledger.traces.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	spans.mu.Lock()
	defer spans.mu.Unlock()
	for where, text := range map[string]string{"the log": s.logged.String(), "a metric": metrics, "a trace": string(spans.raw), "an address": answers.String(), "an event's metadata": metadata.String()} {
		if len(text) < 500 {
			t.Errorf("only %d bytes of %s were looked at", len(text), where)
		}
		for line := range strings.Lines(strings.ToLower(text)) {
			if strings.Contains(line, canary) {
				t.Errorf("in %s: %.300q", where, line)
			}
		}
	}
	if !strings.Contains(metrics, `route="/people/contacts/{identifier}"`) || !strings.Contains(s.logged.String(), "route=/people/contacts/{identifier}") {
		t.Error("the requests with canaries were not watched")
	}
}

// release puts canaries wherever they can go, rightly and wrongly, and notes the
// addresses of all answers.
func release(s *served, addresses *strings.Builder) {
	s.t.Helper()
	send := func(r *http.Request) reply {
		got := s.send(r)
		for _, header := range []string{"Location", "Link", "Content-Location"} {
			addresses.WriteString(header + ": " + got.header.Get(header) + "\n")
		}
		for part := range strings.SplitSeq(string(got.body), `"`) {
			if strings.HasPrefix(part, "/") {
				addresses.WriteString(part + "\n")
			}
		}
		return got
	}
	file := `"` + bird("header") + `",E-mail,Note` + "\n" + bird("first") + "," + bird("cell") + ",x\n" + bird("second") + ",bad " + bird("bad") + ",y\n"
	mapping := `[{"header":"` + bird("header") + `","attribute":"` + bird("attribute") + `","create":{"type":"string"}},{"header":"E-mail","attribute":"email"},{"header":"Note","skip":true}]`
	upload := s.upload(bird("file")+".csv", file, map[string]string{"name": bird("name"), "description": bird("description"), "mapping": mapping, "segment": `{"name":"` + bird("segment") + `"}`})
	upload.Header.Set("Idempotency-Key", bird("key"))
	upload.Header.Set("User-Agent", bird("agent"))
	upload.Header.Set("X-Request-Id", bird("request"))
	upload.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	upload.Header.Set("Baggage", "user="+bird("baggage"))
	upload.Header.Set("Tracestate", "user="+canary)
	upload.Header.Set("Cookie", "session="+bird("cookie"))
	upload.Header.Set("Referer", "https://example.org/"+bird("referer"))
	var created struct{ ID string }
	send(upload).is(http.StatusCreated).into(&created)
	s.ended(created.ID)
	send(s.upload(bird("refused")+".csv", "E-mail,E-mail\n"+bird("refused")+"\n", nil)).is(http.StatusUnprocessableEntity)
	send(s.upload(bird("nul")+".csv", "E-mail\n\x00"+bird("nul")+"\n", nil)).is(http.StatusUnprocessableEntity)

	search := func(body string) *http.Request {
		r := s.request(http.MethodPost, "/people/contacts", body)
		r.Header.Set("Authorization", "Bearer "+s.token())
		return r
	}
	condition := func(operator, value string) string {
		return `{"condition":{"all":[{"attribute":{"field":"email","operator":"` + operator + `","value":"` + value + `"}}]}}`
	}
	send(search(condition("eq", bird("cell")))).is(http.StatusOK)
	send(search(condition("contains", canary))).is(http.StatusOK)
	send(search(condition(bird("operator"), "x"))).is(http.StatusUnprocessableEntity)
	send(search(condition("gt", bird("gt")))).is(http.StatusUnprocessableEntity)
	send(search(`{"` + bird("key") + `":`)).is(http.StatusBadRequest)
	send(search(`{"` + bird("key") + `":1}`)).is(http.StatusUnprocessableEntity)
	here := url.PathEscape(bird("path"))
	for _, one := range []string{"GET /people/contacts/" + url.PathEscape(bird("cell")), "GET /people/contacts/" + here, "GET /people/contacts/" + here + "/events",
		"GET /people/contacts/" + here + "/segments", "GET /people/contacts/" + here + "/provenance", "GET /people/contacts/" + url.PathEscape(bird("cell")) + "/provenance/" + here,
		"GET /people/contacts/" + url.PathEscape(bird("cell")) + "/imports", "GET /people/attributes/" + here, "GET /people/segments/" + here, "GET /people/imports/" + here,
		"GET /people/imports/" + here + "/history", "POST /ops/projections/" + here + "/rebuild", "GET /" + here, "PUT /people/contacts/" + here, "TRACE /people/" + here,
		"GET /people/imports?unknown=" + here, "GET /people/imports?after=" + here, "GET /people/imports?state=" + here, "POST /people/contacts?sort=" + here,
		"GET /people/segments?type=" + here, "GET /people/connectors/" + here, "GET /ops/users/" + here, "GET /people/contacts/" + here + "%00", "GET //people/contacts/" + here,
		canaryMethod + " /people/imports"} {
		method, path, _ := strings.Cut(one, " ")
		r := s.request(method, path, "")
		r.Header.Set("Authorization", "Bearer "+s.token())
		send(r)
	}
	for _, authorization := range []string{"Bearer " + bird("token"), "Basic " + base64.StdEncoding.EncodeToString([]byte(bird("user")+":"+bird("password"))), bird("scheme") + " x"} {
		r := s.request(http.MethodGet, "/people/imports", "")
		r.Header.Set("Authorization", authorization)
		send(r).is(http.StatusUnauthorized)
	}
	form := s.request(http.MethodPost, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {bird("client")}, "client_secret": {bird("secret")}, "scope": {bird("scope")}}.Encode())
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	send(form)
	broken := s.upload("x.csv", "E-mail\n", nil)
	broken.Header.Set("Content-Type", "multipart/form-data; boundary="+canary)
	send(broken).is(http.StatusBadRequest)
	cut := s.upload(bird("cut")+".csv", file, nil)
	cut.Body, cut.ContentLength = io.NopCloser(io.MultiReader(io.LimitReader(cut.Body, 300), strings.NewReader(bird("cut")))), -1
	send(cut).is(http.StatusBadRequest)
}

const canaryMethod = "CANARY-BIRD"
