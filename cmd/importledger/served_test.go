package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"importledger/adapters/api"
	"importledger/adapters/auth"
	"importledger/adapters/postgres/pgtest"
)

// served is a serve in the test's own process, whose log the test can read.
type served struct {
	t      testing.TB
	server *server
	base   string
	ops    string
	logged *syncBuffer
	issuer *issuer // made when it is first asked
}

// serveHere starts all that serve does, over a node and a database of its own.
func serveHere(t testing.TB, env ...string) *served {
	t.Helper()
	s := &settings{}
	env = append([]string{"IMPORTLEDGER_CLIENT_ID=" + testClient, "IMPORTLEDGER_CLIENT_SECRET=" + testSecret,
		"IMPORTLEDGER_DATA=" + t.TempDir(), "IMPORTLEDGER_DATABASE_URL=" + pgtest.URL(t)}, env...)
	if err := s.load(pflag.NewFlagSet("", pflag.ContinueOnError), env); err != nil {
		t.Fatal(err)
	}
	here := &served{t: t, logged: &syncBuffer{}}
	var err error
	here.server, err = startServer(t.Context(), s, serving, "127.0.0.1:0", "127.0.0.1:0", newLogger(here.logged, slog.LevelDebug))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if err := here.server.close(ctx); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the server warned:\n%s", here.warnings())
		}
	})
	here.base, here.ops = here.server.address.URL, "http://"+here.server.opsAddress
	return here
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// warnings are the lines of the log that somebody should look at.
func (s *served) warnings() string {
	var all strings.Builder
	for line := range strings.Lines(s.logged.String()) {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			all.WriteString(line)
		}
	}
	return all.String()
}

// issuer issues tokens as servers do, at another time: to the owner, whose tokens
// every server of the same secret takes.
type issuer struct {
	tokens *auth.Tokens
	secret string
}

func (s *served) issuerAt(now func() time.Time) issuer {
	s.t.Helper()
	secret, err := s.server.dir.secretKey("")
	if err != nil {
		s.t.Fatal(err)
	}
	return s.issuerWith(secret, now)
}

// issuerWith signs with another instance's secret.
func (s *served) issuerWith(secret []byte, now func() time.Time) issuer {
	s.t.Helper()
	guard, err := auth.NewGuard(s.server.ledger.pool, secret, now)
	if err != nil {
		s.t.Fatal(err)
	}
	owner, ownerSecret := auth.NewOwner(api.Scopes())
	tokens, err := auth.NewTokens(guard, derive(secret, "access tokens"), s.server.access.clients, owner)
	if err != nil {
		s.t.Fatal(err)
	}
	return issuer{tokens, ownerSecret}
}

func (i issuer) token(t testing.TB, scopes ...string) string {
	t.Helper()
	token, _, _, err := i.tokens.Issue(t.Context(), auth.Grant{ClientID: auth.OwnerID, Secret: i.secret, Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// token has these scopes; none: all.
func (s *served) token(scopes ...string) string {
	s.t.Helper()
	if s.issuer == nil {
		made := s.issuerAt(time.Now)
		s.issuer = &made
	}
	return s.issuer.token(s.t, scopes...)
}

// reply is an answer, read to its end.
type reply struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	body   []byte
}

func (s *served) send(r *http.Request) reply {
	s.t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		s.t.Fatal(err)
	}
	return reply{s.t, r.Method + " " + r.URL.Path, response.StatusCode, response.Header, body}
}

func (s *served) request(method, path, body string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// do sends a request with all scopes.
func (s *served) do(method, path, body string) reply {
	s.t.Helper()
	r := s.request(method, path, body)
	r.Header.Set("Authorization", "Bearer "+s.token())
	return s.send(r)
}

func (r reply) is(status ...int) reply {
	r.t.Helper()
	if !slices.Contains(status, r.status) {
		r.t.Fatalf("%s: status %d, want %d: %s", r.what, r.status, status, r.body)
	}
	return r
}

func (r reply) into(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		r.t.Fatalf("%s: %v in %s", r.what, err, r.body)
	}
}

// upload starts an import of a file, with other fields of the form.
func (s *served) upload(name, content string, fields map[string]string) *http.Request {
	s.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = io.WriteString(file, content)
	}
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		err = errors.Join(err, form.WriteField(field, fields[field]))
	}
	if err = errors.Join(err, form.Close()); err != nil {
		s.t.Fatal(err)
	}
	r := s.request(http.MethodPost, "/people/imports", body.String())
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+s.token())
	return r
}

// imports a file to its end, and gives the import's id once all read models have it.
func (s *served) imports(name, content string, fields map[string]string) string {
	s.t.Helper()
	var created struct{ ID string }
	s.send(s.upload(name, content, fields)).is(http.StatusCreated).into(&created)
	s.ended(created.ID)
	return created.ID
}

// ended waits for an import to end, by following it as a client would.
func (s *served) ended(id string) {
	s.t.Helper()
	s.do(http.MethodGet, "/people/imports/"+id+"/progress", "").is(http.StatusOK)
	position := s.do(http.MethodGet, "/people/imports/"+id, "").is(http.StatusOK).header.Get("X-Ledger-Position")
	for _, path := range []string{"/people/imports", "/people/contacts/count", "/people/segments", "/people/imports/" + id + "/errors"} {
		s.do(http.MethodGet, path+"?after="+position, "").is(http.StatusOK)
	}
}
