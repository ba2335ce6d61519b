package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"importledger/adapters/api"
	"importledger/commands"
)

// browser sends a request with a session's cookie, and these headers.
func (w *world) browser(method, path, cookie string, headers ...string) answer {
	w.t.Helper()
	r := w.request(method, path, "")
	r.Header.Del("Authorization")
	r.Header.Set("Cookie", "__Host-importledger="+cookie)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return w.send(r)
}

func TestASessionStandsForATokenOnPagesOfThisServerOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	w.visitors.sessions = map[string]api.Session{
		"good": {User: api.User{ID: "user-1"}, Scopes: []string{"imports:read", "imports:write"}},
		"new":  {User: api.User{ID: "user-2", MustChange: true}},
	}
	const list, cancel = "/people/imports", "/people/imports/" + importID + "/cancel"
	same := []string{"Sec-Fetch-Site", "same-origin"}
	w.browser("GET", list, "good", same...).is(200)
	w.browser("GET", list, "good").is(200)
	w.browser("GET", list, "good", "Sec-Fetch-Site", "none").is(200) // typed in, or a bookmark
	w.browser("POST", cancel, "good", same...).is(409)               // imported already: it got through
	w.browser("POST", cancel, "good", "Origin", w.server.URL).is(409)
	for _, site := range []string{"cross-site", "same-site"} {
		w.browser("GET", list, "good", "Sec-Fetch-Site", site).fails(403, "other-origin")
		w.browser("POST", cancel, "good", "Sec-Fetch-Site", site).fails(403, "other-origin")
	}
	w.browser("POST", cancel, "good", "Origin", "https://evil.example").fails(403, "other-origin")
	w.browser("POST", cancel, "good", "Origin", "null").fails(403, "other-origin")
	w.browser("POST", cancel, "good", "Sec-Fetch-Site", "none", "Origin", w.server.URL).is(409)
	w.browser("GET", "/ops/users", "good", same...).fails(403, "scope-missing")
	w.browser("GET", list, "new", same...).fails(403, "password-must-change")
	if got := w.browser("GET", list, "gone", same...); got.header.Get("Www-Authenticate") != `Bearer realm="importledger"` {
		t.Error(got.header)
	} else {
		got.fails(401, "token-missing")
	}
	w.browser("GET", list, "away", same...).fails(503, "database-unavailable")

	// A token needs no page of ours, and a session cannot lend it anything.
	w.browser("POST", cancel, "good", "Authorization", "Bearer imports:write", "Sec-Fetch-Site", "cross-site").is(409)
	w.browser("GET", list, "good", "Authorization", "Bearer contacts:read").fails(403, "scope-missing")
	w.browser("GET", list, "good", "Authorization", "Bearer garbage").fails(401, "token-invalid")
}

func TestRefusalsOfWhoIsKnownAreWrittenDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.visitors.sessions = map[string]api.Session{"good": {User: api.User{ID: "user-1"}, Scopes: []string{"imports:read"}}}
	with := func(authorization string) answer {
		r := w.request("GET", "/people/contacts/count", "")
		r.Header.Set("Authorization", authorization)
		return w.send(r)
	}
	with("Bearer imports:read").is(403)
	with("Bearer revoked").is(401)
	with("Bearer garbage").is(401)
	with("").is(401)
	with("Bearer contacts:read").is(200)
	w.browser("GET", "/people/imports", "good", "Sec-Fetch-Site", "cross-site").is(403)
	got := strings.Join(w.visitors.notes(), "\n")
	want := "request.forbidden shop GET /people/contacts/count contacts:read\n" +
		"request.token-refused shop GET /people/contacts/count \n" +
		"request.forbidden user-1 GET /people/imports from another origin"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestARefusalSaysWhyAsRFC6750Has(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for authorization, want := range map[string]struct {
		status    int
		challenge string
	}{
		"":                    {401, `Bearer realm="importledger"`},
		"Basic c2hvcDpz":      {401, `Bearer realm="importledger"`},
		"Bearer garbage":      {401, `Bearer realm="importledger", error="invalid_token", error_description="Refused."`},
		"Bearer imports:read": {403, `Bearer realm="importledger", error="insufficient_scope", error_description="The scope contacts:read is missing.", scope="contacts:read"`},
	} {
		r := w.request("GET", "/people/contacts/count", "")
		r.Header.Set("Authorization", authorization)
		if got := w.send(r); got.status != want.status || got.header.Get("Www-Authenticate") != want.challenge || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %d %s", authorization, got.status, got.header.Get("Www-Authenticate"))
		}
	}
	r := w.request("GET", "/people/contacts/count", "")
	r.Header["Authorization"] = []string{"Bearer all", "Bearer all"}
	got := w.send(r)
	got.fails(400, "malformed")
	if !strings.Contains(got.header.Get("Www-Authenticate"), `error="invalid_request"`) {
		t.Error(got.header)
	}
}

func TestALimitIsSaidWithWhenToComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.visitors.over = map[string]time.Duration{"caller shop": 1500 * time.Millisecond}
	got := w.get("/people/contacts/count")
	got.fails(429, "too-many-requests")
	if got.header.Get("Retry-After") != "2" || len(w.visitors.notes()) != 1 {
		t.Error(got.header, w.visitors.notes())
	}
	w.visitors.over = map[string]time.Duration{"refused 127.0.0.1": time.Minute, "tokens 127.0.0.1": time.Minute}
	w.get("/people/contacts/count").is(200) // good credentials are not concerned
	r := w.request("GET", "/people/contacts/count", "")
	r.Header.Set("Authorization", "Bearer garbage")
	w.send(r).fails(429, "too-many-requests")
	r = w.request("POST", "/oauth2/token", "grant_type=client_credentials&client_id=shop&client_secret=s")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if got := w.send(r).is(429); got.json()["error"] != "slow_down" || got.header.Get("Retry-After") != "60" {
		t.Error(got.header, string(got.body))
	}
	w.get("/livez").is(200)
}

func TestUsersOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	list := w.get("/ops/users?pageSize=2").is(200).json()
	items := list["items"].([]any)
	if len(items) != 2 || items[0].(map[string]any)["state"] != "active" || items[1].(map[string]any)["state"] != "invited" ||
		list["pagination"].(map[string]any)["next"] != "/ops/users?page=2&pageSize=2" {
		t.Error(list)
	}
	hasKeys(t, items[0].(map[string]any), "id", "name", "role", "state", "mustChangePassword", "createdAt", "signedInAt", "disabledAt")
	made := w.do("POST", "/ops/users", `{"name":"bob","role":"editor"}`).is(201).json()
	if link := made["link"].(map[string]any); link["path"] != "/join#t0ken" || link["expiresAt"] != 1795500000000.0 || made["id"] != "bob" {
		t.Error(made)
	}
	w.do("PUT", "/ops/users/ann", `{"role":"auditor","enabled":false}`).is(200)
	w.do("PUT", "/ops/users/ann", `{"enabled":true}`).is(200)
	if got := w.do("POST", "/ops/users/ann/password", `{}`).is(200).json(); got["link"] == nil {
		t.Error(got)
	}
	if got := w.do("POST", "/ops/users/ann/password", `{"password":"given"}`).is(200).json(); got["link"] != nil {
		t.Error(got)
	}
	w.get("/ops/users/ann").is(200)
	w.get("/ops/users/nobody").fails(404, "user-not-found")
	w.do("POST", "/ops/users", `{"name":"bob","role":"king"}`).fails(422, "invalid-request")
	w.get("/ops/sessions?userId=1").is(200)
	w.do("DELETE", "/ops/sessions/s1", "").is(204)
	want := "list, invite bob editor, role id-of-ann auditor, disable id-of-ann, enable id-of-ann, reset id-of-ann, password id-of-ann given, sessions 1, revoke session s1"
	if got := strings.Join(w.visitors.asked, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if by := w.visitors.by[1]; by.ID != "shop" || len(by.Scopes) != 6 || by.Address.String() != "127.0.0.1" || by.Request == "" {
		t.Errorf("%+v", by)
	}
	w.visitors.fails = &commands.Refusal{Kind: commands.Forbidden, Code: "scope-not-yours", Message: "Not yours to give."}
	w.do("POST", "/ops/users", `{"name":"bob","role":"admin"}`).fails(403, "scope-not-yours")
}

func TestClientsOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.get("/ops/clients").is(200).json()["items"].([]any)
	hasKeys(t, page[0].(map[string]any), "id", "name", "scopes", "origin", "createdAt", "revokedAt")
	made := w.do("POST", "/ops/clients", `{"name":"Shop","scopes":["imports:read"]}`).is(201).json()
	if made["secret"] != "s3cret" || made["id"] != "c2" {
		t.Error(made)
	}
	if got := w.do("POST", "/ops/clients/c1/secret", "").is(200).json(); got["secret"] != "s3cret" {
		t.Error(got)
	}
	if got := w.get("/ops/clients/c1").is(200).json(); got["secret"] != nil {
		t.Error(got)
	}
	w.do("DELETE", "/ops/clients/c1", "").is(204)
	w.do("POST", "/ops/clients", `{"name":"Shop","scopes":[]}`).fails(422, "invalid-request")
}

func TestTheAuditLogOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.get("/ops/audit?actor=1&target=2&action=user.signed-in&from=1795500000000&to=1795500000001").is(200).json()
	hasKeys(t, got["items"].([]any)[0].(map[string]any), "id", "at", "action", "actor", "actorName", "target", "targetName", "times", "detail", "network", "request")
	f := w.visitors.filter
	if f.Actor != "1" || f.Target != "2" || f.Action != "user.signed-in" || f.From.UnixMilli() != 1795500000000 || f.To.UnixMilli() != 1795500000001 {
		t.Errorf("%+v", f)
	}
	w.get("/ops/audit?from=x").fails(400, "malformed")
}

func hasKeys(t *testing.T, o map[string]any, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if _, ok := o[key]; !ok {
			t.Errorf("%s is absent: %v", key, o)
		}
	}
	if len(o) != len(keys) {
		t.Errorf("other keys than %v: %v", keys, o)
	}
}

func TestTheTokenEndpointTakesCredentialsOnceAndWhereTheyBelong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grant := func(form, query string, authorization ...string) answer {
		r := w.request("POST", "/oauth2/token"+query, form)
		r.Header.Del("Authorization")
		for _, one := range authorization {
			r.Header.Add("Authorization", one)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
		return w.send(r)
	}
	const cc = "grant_type=client_credentials"
	secret := "&client_id=shop&client_secret=" + url.QueryEscape("s+cr%t")
	basic := func(user, password string) string {
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(user, password)
		return r.Header.Get("Authorization")
	}
	for name, c := range map[string]struct {
		got    answer
		status int
		code   string
	}{
		"encoded with spaces":    {grant(cc, "", basic("shop", "s%2Bcr%25t")), 200, ""},
		"as it is":               {grant(cc, "", basic("shop", "s+cr%t")), 200, ""},
		"in the address":         {grant(cc, "?client_id=shop&client_secret=s"), 400, "invalid_request"},
		"two clients":            {grant(cc+"&client_id=other", "", basic("shop", "s+cr%t")), 400, "invalid_request"},
		"both ways":              {grant(cc+secret, "", basic("shop", "s+cr%t")), 400, "invalid_request"},
		"a bearer token":         {grant(cc+secret, "", "Bearer all"), 401, "invalid_client"},
		"broken Basic":           {grant(cc+secret, "", "Basic !"), 401, "invalid_client"},
		"two Basics":             {grant(cc, "", basic("shop", "s+cr%t"), basic("shop", "s+cr%t")), 401, "invalid_client"},
		"a scope with a quote":   {grant(cc+secret+"&scope=%22", ""), 400, "invalid_scope"},
		"an empty scope":         {grant(cc+secret+"&scope=", ""), 200, ""},
		"a parameter we ignore":  {grant(cc+secret+"&resource=x", ""), 200, ""},
		"a parameter twice":      {grant(cc+secret+"&resource=x&resource=y", ""), 400, "invalid_request"},
		"nothing at all":         {grant("", ""), 400, "invalid_request"},
		"a client that is gone":  {grant(cc+"&client_id=x&client_secret=y", ""), 401, "invalid_client"},
		"a grant of another RFC": {grant("grant_type=authorization_code"+secret, ""), 400, "unsupported_grant_type"},
	} {
		body := c.got.json()
		described, _ := body["error_description"].(string)
		if c.got.status != c.status || c.code != "" && body["error"] != c.code || c.got.header.Get("Cache-Control") != "no-store" || c.got.header.Get("Pragma") != "no-cache" {
			t.Errorf("%s: %d %s", name, c.got.status, c.got.body)
		}
		if (c.got.header.Get("Www-Authenticate") != "") != (c.status == 401) {
			t.Errorf("%s: %s", name, c.got.header)
		}
		if strings.ContainsFunc(described, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
			t.Errorf("%s: RFC 6749 has no such description: %s", name, described)
		}
	}
}
