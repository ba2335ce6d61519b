package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"importledger/adapters/auth"
	"importledger/adapters/web"
)

// ask sends a request as a browser or a program, with these headers.
func (s *served) ask(method, path, body string, headers ...string) reply {
	s.t.Helper()
	r := s.request(method, path, body)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return s.send(r)
}

// form posts a form from a page of the server, with a session's cookie or without.
func (s *served) form(path, cookie string, fields url.Values) (reply, string) {
	s.t.Helper()
	r := s.request(http.MethodPost, path, fields.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		s.t.Fatal(err)
	}
	for _, c := range response.Cookies() {
		if c.Name == auth.CookieName {
			cookie = c.Name + "=" + c.Value
		}
	}
	return reply{t: s.t, what: "POST " + path, status: response.StatusCode, header: response.Header}, cookie
}

func TestAUserIsInvitedJoinsAndIsOutTheMomentTheyAreDisabled(t *testing.T) {
	t.Parallel()
	s := serveHere(t)
	if auth.CookieName != web.SessionCookie {
		t.Fatal("pages and API look for different cookies")
	}
	admin := []string{"Authorization", "Bearer " + s.token()}
	var made struct {
		ID   string
		Link struct{ Path string }
	}
	s.ask("POST", "/ops/users", `{"name":"ann@example.org","role":"viewer"}`, admin...).is(201).into(&made)

	page, secret, _ := strings.Cut(made.Link.Path, "#")
	s.ask("GET", page, "").is(200)
	join := url.Values{"link": {secret}, "password": {"correct horse battery"}, "again": {"correct horse battery"}}
	joined, cookie := s.form(page, "", join)
	if joined.is(303); cookie == "" {
		t.Fatal("whoever joined is not signed in")
	}
	if again, _ := s.form(page, "", join); again.status != 404 {
		t.Fatal("the link worked twice:", again.status)
	}

	session := []string{"Cookie", cookie, "Sec-Fetch-Site", "same-origin"}
	s.ask("GET", "/people/imports", "", session...).is(200)
	s.ask("GET", "/ops/users", "", session...).is(403)
	s.ask("PUT", "/people/contacts/keyIdentifier", `{"identifier":"phone"}`, session...).is(403)
	s.ask("GET", "/people/imports", "", "Cookie", cookie, "Sec-Fetch-Site", "cross-site").is(403)
	fixed, other := s.form("/sign-in", cookie, url.Values{"name": {"ann@example.org"}, "password": {"correct horse battery"}})
	if fixed.is(303); other == cookie {
		t.Fatal("a sign-in kept the session that was there")
	}
	s.ask("GET", "/people/imports", "", session...).is(401)
	session[1] = other
	s.ask("GET", "/people/imports", "", session...).is(200)

	s.ask("GET", "/imports/new", "", append(session, "Accept", "text/html")...).is(403)

	s.ask("PUT", "/ops/users/"+made.ID, `{"enabled":false}`, admin...).is(200)
	s.ask("GET", "/people/imports", "", session...).is(401)

	var log struct {
		Items []struct{ Action, Actor, Target string }
	}
	s.ask("GET", "/ops/audit", "", admin...).is(200).into(&log)
	told := map[string]bool{}
	for _, e := range log.Items {
		told[e.Action+" "+e.Actor] = true
		told[e.Action+" "+e.Target] = true
	}
	for _, want := range []string{auth.UserInvited + " owner", auth.UserJoined + " " + made.ID, auth.SignedIn + " " + made.ID,
		auth.RequestForbidden + " GET /ops/users", auth.RequestForbidden + " GET /imports/new", auth.UserDisabled + " owner"} {
		if !told[want] {
			t.Errorf("the audit log lacks %q: %v", want, told)
		}
	}
	for _, personal := range []string{"ann@example.org", secret, strings.TrimPrefix(cookie, auth.CookieName+"="), "correct horse"} {
		if strings.Contains(s.logged.String(), personal) {
			t.Errorf("the log has %q", personal)
		}
	}
}

func TestWrongPasswordsOnThePageGetSlower(t *testing.T) {
	t.Parallel()
	s := serveHere(t, "IMPORTLEDGER_ADMIN_PASSWORD=a password")
	refused := 0
	for range 30 { // delays double, so that even a slow machine comes too soon for one
		got, cookie := s.form("/sign-in", "", url.Values{"name": {"admin"}, "password": {"wrong"}})
		if cookie != "" {
			t.Fatal("a wrong password signs in")
		}
		if got.is(422, 429).status == 429 {
			break
		}
		refused++
	}
	if refused < 11 || refused == 30 {
		t.Fatal(refused)
	}
}

func TestTheClientOfTheEnvironmentIsStored(t *testing.T) {
	t.Parallel()
	s := serveHere(t)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {testClient}, "client_secret": {testSecret}}.Encode()
	var granted struct {
		Token string `json:"access_token"`
	}
	s.ask("POST", "/oauth2/token", form, "Content-Type", "application/x-www-form-urlencoded").is(200).into(&granted)
	bearer := []string{"Authorization", "Bearer " + granted.Token}
	s.ask("GET", "/ops/clients/"+testClient, "", bearer...).is(200)
	s.ask("POST", "/ops/clients/"+testClient+"/secret", "", bearer...).is(409)
	s.ask("DELETE", "/ops/clients/"+testClient, "", bearer...).is(204)
	s.ask("POST", "/oauth2/token", form, "Content-Type", "application/x-www-form-urlencoded").is(401)
}
