package api_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"importledger/adapters/api"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

func TestAReaderSeesWhatItWroteOrIsToldToWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.upload(part{"file", "contacts.csv", threeRows}).is(201).header.Get("X-Ledger-Position")
	for _, path := range []string{"/people/imports", "/people/imports/" + importID, "/people/contacts/count", "/people/attributes", "/people/segments"} {
		w.get(path + "?after=" + at).is(200)
		w.get(path+"?after=x").fails(400, "position-malformed")
	}
}

// behind is a projector that never gets there.
type behind struct{ api.Projections }

func (behind) WaitFor(ctx context.Context, _ events.Position, _ ...string) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestWaitingForAReadModelEndsAfterFiveSeconds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *api.Config) { c.Projections = behind{c.Projections} })
	synctest.Test(t, func(t *testing.T) {
		r := httptest.NewRequest(http.MethodGet, "/people/imports?after=10", nil)
		r.Header.Set("Authorization", "Bearer all")
		out := httptest.NewRecorder()
		w.api.ServeHTTP(out, r)
		if out.Code != 503 || out.Header().Get("Retry-After") == "" || !strings.Contains(out.Body.String(), "read-model-behind") {
			t.Fatal(out.Code, out.Body)
		}
	})
}

func TestProjectionsTellHowTheyStand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	got := w.get("/ops/projections").is(200)
	all := got.list()
	want := []string{"name", "state", "position", "head", "lag", "eventsPerSecond", "lastError", "rebuild", "previous"}
	if len(all) != len(projections.Names()) || !slices.Equal(keysInOrder(t, got.body), want) {
		t.Fatalf("%s", got.body)
	}
	for _, p := range all {
		if p["state"] != "live" || p["lag"] != 0.0 || p["position"] != "60" || p["head"] != "60" || p["lastError"] != nil || p["rebuild"] != nil {
			t.Error(p)
		}
	}
	w.log.set(func(l *ledger) { l.held = true })
	w.imports.nextID = []string{"01JDABCDEFGHJKMNPQRSTVWXY1"}
	w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	for range 2 {
		if p := w.get("/ops/projections").is(200).list()[0]; p["lag"] != 1.0 || p["head"] != "70" {
			t.Error(p)
		}
	}
}

func TestVerifyComparesEveryProjection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	w.do("POST", "/ops/projections/nothing/rebuild", "").fails(404, "projection-not-found")
	v := w.do("POST", "/ops/projections/verify", "").is(200).json()
	if v["imports"].(map[string]any)["checked"] != 1.0 || v["imports"].(map[string]any)["rowsUnaccounted"] != 0.0 || len(v["projections"].([]any)) != len(projections.Names()) {
		t.Error(v)
	}
	for _, p := range v["projections"].([]any) {
		if p := p.(map[string]any); p["differences"] != 0.0 || p["rows"] == nil || len(p) != 3 {
			t.Error(p)
		}
	}
}

func TestReadinessNamesWhatIsOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	ready := w.get("/readyz").is(200).json()
	if ready["ready"] != true || ready["dependencies"].([]any)[0].(map[string]any)["name"] != "postgres" || len(ready["projections"].([]any)) != len(projections.Names()) {
		t.Error(ready)
	}
	broken := newWorld(t)
	broken.away["postgres"] = errors.New("password of secret host")
	got := broken.get("/readyz").is(503)
	if strings.Contains(string(got.body), "secret") || got.json()["dependencies"].([]any)[0].(map[string]any)["reachable"] != false || got.header.Get("Retry-After") == "" {
		t.Errorf("%s", got.body)
	}
}

func TestReadinessNamesTheEventThatStopsAProjection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	odd := events.Recorded{Stream: events.ImportStream(importID), Revision: 6, Position: events.Position{Commit: 70, Prepare: 70}, Type: "RowForgotten", Data: []byte(`{}`), Metadata: []byte(`{}`)}
	w.log.set(func(l *ledger) { l.recorded = append(l.recorded, odd) })
	if err := w.log.projector.Apply(t.Context(), events.Batch{Events: []events.Recorded{odd}, Until: odd.Position}); err != nil {
		t.Fatal(err)
	}
	got := w.get("/readyz").is(503)
	for _, name := range []string{"RowForgotten", "stopped", importID} {
		if !strings.Contains(string(got.body), name) {
			t.Errorf("%s is not named: %s", name, got.body)
		}
	}
	w.get("/people/imports?after=70").fails(503, "read-model-stopped")
}

func TestTheEventThatStopsAProjectionIsShownByteForByte(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	w.get("/ops/projections/contact_state/event").fails(409, "projection-not-stopped")
	w.get("/ops/projections/nothing/event").fails(404, "projection-not-found")
	odd := events.Recorded{Stream: events.ImportStream(importID), Revision: 6, Position: events.Position{Commit: 70, Prepare: 70}, Type: "RowForgotten",
		Data: []byte("{\"city\":\"\xff\"}"), Metadata: []byte(`{"v":1,"note":"` + strings.Repeat("é", 40_000) + `"}`)}
	w.log.set(func(l *ledger) { l.recorded = append(l.recorded, odd) })
	if err := w.log.projector.Apply(t.Context(), events.Batch{Events: []events.Recorded{odd}, Until: odd.Position}); err != nil {
		t.Fatal(err)
	}
	for _, p := range w.get("/ops/projections").is(200).list() {
		e := w.get("/ops/projections/" + p["name"].(string) + "/event").is(200).json()
		data, metadata := e["data"].(map[string]any), e["metadata"].(map[string]any)
		if e["stream"] != odd.Stream || e["revision"] != 6.0 || e["position"] != "70" || e["type"] != "RowForgotten" || e["rebuild"] != false || !strings.Contains(e["cause"].(string), "registry") {
			t.Error(e)
		}
		if data["encoding"] != "base64" || data["content"] != base64.StdEncoding.EncodeToString(odd.Data) || data["truncated"] != false || data["size"] != float64(len(odd.Data)) {
			t.Error(data)
		}
		text := metadata["content"].(string)
		if metadata["encoding"] != "utf-8" || metadata["truncated"] != true || len(text) > 65536 || len(text) < 65530 || !strings.HasPrefix(string(odd.Metadata), text) {
			t.Error(len(text), metadata["encoding"])
		}
		w.do("POST", "/ops/projections/"+p["name"].(string)+"/retry", "").fails(409, "projection-stopped-again")
	}
	// The program learns what it is; here, the log does.
	w.log.set(func(l *ledger) { l.recorded = l.recorded[:len(l.recorded)-1] })
	w.get("/ops/projections/contact_state/event").fails(404, "event-not-found")
	w.do("POST", "/ops/projections/nothing/retry", "").fails(404, "projection-not-found")
}

func TestTheOperationsAddressHasHealthAndMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.get("/people/contacts/secret@x.org").fails(404, "contact-not-found")
	w.get("/nothing/secret@x.org")
	r := w.request("INVENTED", "/secret@x.org", "")
	w.send(r)
	ops := httptest.NewServer(api.NewOps(w.api, false))
	defer ops.Close()
	w.server.URL = ops.URL
	for _, path := range []string{"/livez", "/readyz"} {
		w.get(path).is(200)
	}
	text := string(w.get("/metrics").is(200).body)
	for _, line := range []string{`importledger_http_request_duration_seconds_count{method="GET",route="/people/contacts/{identifier}",status="404"} 1`,
		`importledger_http_request_duration_seconds_count{method="GET",route="unmatched",status="404"} 1`,
		`importledger_http_request_duration_seconds_count{method="other",route="unmatched",status="404"} 1`, "go_goroutines"} {
		if !strings.Contains(text, line) {
			t.Errorf("%s is not in the metrics", line)
		}
	}
	if strings.Contains(text, "secret") {
		t.Error("the metrics hold what clients sent")
	}
	w.get("/debug/pprof/").is(404)
	w.get("/people/imports").is(404)
	profiled := httptest.NewServer(api.NewOps(w.api, true))
	defer profiled.Close()
	w.server.URL = profiled.URL
	w.get("/debug/pprof/heap").is(200)
}

func TestTheLogHoldsRoutesAndNoAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.get("/people/contacts/secret@x.org?after=secret")
	w.get("/people/imports?q=secret")
	w.get("/secret")
	if err := w.api.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.server.Close()
	text := w.logged.String()
	if strings.Contains(text, "secret") || !strings.Contains(text, `"route":"/people/contacts/{identifier}"`) || !strings.Contains(text, `"client":"shop"`) || !strings.Contains(text, `"status":400`) {
		t.Error(text)
	}
}

func TestWhatIsAwayIsSaidWithRetryAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	w.log.set(func(l *ledger) { l.away = true })
	for _, path := range []string{historyPath, "/people/imports/" + importID + "/at/0", "/people/imports/01JDABCDEFGHJKMNPQRSTVWXYY", "/ops/projections"} {
		got := w.get(path)
		got.fails(503, "event-store-unavailable")
		if got.header.Get("Retry-After") == "" {
			t.Error(got.header)
		}
	}
	w.get("/people/imports/" + importID).is(200)
	w.get("/readyz").is(503)
}

func TestEveryKindOfRefusalHasItsStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for kind, status := range map[commands.Kind]int{commands.Malformed: 400, commands.NotFound: 404, commands.Conflict: 409, commands.TooLarge: 413,
		commands.Unsupported: 415, commands.Unacceptable: 422, commands.Unavailable: 503} {
		w.imports.fails = &commands.Refusal{Kind: kind, Code: "some-code", Message: "Said so.", Details: []commands.Detail{{Row: 3, Column: "E-mail", Code: "a", Message: "b"}}}
		got := w.do("POST", "/people/imports/"+importID+"/cancel", "")
		details := got.fails(status, "some-code")
		if d := details[0].(map[string]any); d["row"] != 3.0 || d["column"] != "E-mail" || len(d) != 4 {
			t.Error(d)
		}
		if (got.header.Get("Retry-After") != "") != (status == 503) {
			t.Error(status, got.header)
		}
	}
	w.imports.fails = aggregate.ErrOvertaken
	w.do("POST", "/people/imports/"+importID+"/cancel", "").fails(409, "overtaken")
}

func TestAFaultOfOursGivesANumberAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{errors.New("secret inside"), &aggregate.RowOutOfOrder{Got: 1, Want: 2}} {
		w := newWorld(t)
		w.imports.fails = fault
		got := w.do("POST", "/people/imports/"+importID+"/cancel", "")
		got.fails(500, "internal")
		id := got.header.Get("X-Request-Id")
		if strings.Contains(string(got.body), "secret") || strings.Contains(string(got.body), "row") || !strings.Contains(string(got.body), id) {
			t.Errorf("%s", got.body)
		}
		w.server.Close()
		if !strings.Contains(w.logged.String(), `"request":"`+id+`"`) {
			t.Error("the log does not have the number")
		}
	}
}

func TestAPanicIsAFaultOfOursAndTheServiceGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imports.csv = func(io.Writer) error { panic("secret inside") }
	got := w.get("/people/imports/" + importID + "/errors.csv")
	got.fails(500, "internal")
	if strings.Contains(string(got.body), "secret") || !strings.Contains(string(got.body), got.header.Get("X-Request-Id")) {
		t.Errorf("%s", got.body)
	}
	w.get("/livez").is(200)
	w.server.Close()
	if text := w.logged.String(); strings.Contains(text, "secret") || !strings.Contains(text, `"panic":"string"`) {
		t.Error(text)
	}
}

func TestAClientThatLeavesIsNoFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequest(http.MethodGet, "/people/imports", nil).WithContext(ctx)
	r.Header.Set("Authorization", "Bearer all")
	w.api.ServeHTTP(httptest.NewRecorder(), r)
	if text := w.logged.String(); strings.Contains(text, "request failed") || !strings.Contains(text, `"status":499`) {
		t.Error(text)
	}
}

func TestTheTokenEndpointSpeaksRFC6749(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grant := func(form url.Values, user, password string) answer {
		r := w.request("POST", "/oauth2/token", form.Encode())
		r.Header.Del("Authorization")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if user != "" {
			r.SetBasicAuth(user, password)
		}
		return w.send(r)
	}
	form := func(more ...string) url.Values {
		v := url.Values{"grant_type": {"client_credentials"}}
		for i := 0; i < len(more); i += 2 {
			v.Add(more[i], more[i+1])
		}
		return v
	}
	for name, got := range map[string]answer{
		"form": grant(form("client_id", "shop", "client_secret", "s+cr%t"), "", ""), "basic": grant(form(), "shop", "s+cr%t"),
		"basic, encoded": grant(form(), "shop", url.QueryEscape("s+cr%t")), "basic and id": grant(form("client_id", "shop"), "shop", "s+cr%t"),
	} {
		got.is(200)
		if strings.TrimSpace(string(got.body)) != `{"access_token":"token-1","token_type":"Bearer","expires_in":60,"scope":"imports:read"}` || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s", name, got.body)
		}
	}
	if got := grant(form("scope", "a b"), "shop", "s+cr%t").is(200); got.json()["scope"] != "a b" {
		t.Errorf("%s", got.body)
	}
	for name, c := range map[string]struct {
		got    answer
		status int
		code   string
	}{
		"wrong secret":  {grant(form("client_id", "shop", "client_secret", "x"), "", ""), 401, "invalid_client"},
		"nobody":        {grant(form(), "", ""), 401, "invalid_client"},
		"wrong scope":   {grant(form("scope", "none"), "shop", "s+cr%t"), 400, "invalid_scope"},
		"another grant": {grant(url.Values{"grant_type": {"password"}}, "shop", "s+cr%t"), 400, "unsupported_grant_type"},
		"no grant":      {grant(url.Values{}, "shop", "s+cr%t"), 400, "invalid_request"},
		"a field twice": {grant(form("client_id", "a", "client_id", "b"), "", ""), 400, "invalid_request"},
		"secret twice":  {grant(form("client_secret", "s+cr%t"), "shop", "s+cr%t"), 400, "invalid_request"},
		"too large":     {grant(form("x", strings.Repeat("x", 20<<10)), "", ""), 400, "invalid_request"},
		"busy":          {grant(form(), "shop", "busy"), 429, "slow_down"},
		"away":          {grant(form(), "shop", "away"), 503, "temporarily_unavailable"},
		"a NUL":         {grant(form("client_id", "sh\x00op", "client_secret", "x"), "", ""), 400, "invalid_request"},
		"not a form":    {w.do("POST", "/oauth2/token", `{"grant_type":"client_credentials"}`), 400, "invalid_request"},
	} {
		if got := c.got; got.status != c.status || got.json()["error"] != c.code || got.header.Get("Cache-Control") != "no-store" || (c.status > 401) != (got.header.Get("Retry-After") != "") {
			t.Errorf("%s: %d %s %v", name, got.status, got.body, got.header)
		}
	}
	if got := grant(form(), "shop", "x"); got.header.Get("Www-Authenticate") == "" {
		t.Error("a 401 says no scheme")
	}
	w.get("/oauth2/token").fails(405, "method-not-allowed")
}

func TestAHeadThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address, err := url.Parse(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", address.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", 36<<10)+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, " 431 ") {
		t.Fatal(line, err)
	}
}
