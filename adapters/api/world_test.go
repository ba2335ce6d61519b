package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"importledger/adapters/api"
	"importledger/adapters/httpserver"
	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M{M: m}) }

// world is an API over real read models and everything else in memory.
type world struct {
	t          *testing.T
	api        *api.API
	log        *ledger
	imports    *imports
	account    *account
	connectors *connectors
	webhooks   *webhooks
	visitors   *visitors
	server     *httptest.Server
	logged     *bytes.Buffer
	away       map[string]error // dependencies
	cfg        api.Config
}

const importID = "01JDABCDEFGHJKMNPQRSTVWXYZ"

func newWorld(t *testing.T, changes ...func(*api.Config)) *world {
	t.Helper()
	w := &world{t: t, log: &ledger{}, account: &account{key: "email"}, connectors: &connectors{}, webhooks: &webhooks{}, visitors: &visitors{}, logged: &bytes.Buffer{}, away: map[string]error{}}
	w.imports = &imports{log: w.log}
	pool := pgtest.New(t)
	w.log.projector = projections.New(pool, w.log, projections.Config{IsTransient: postgres.IsUnavailable, Now: time.Now, After: time.After, Logger: slog.New(slog.DiscardHandler)})
	if _, err := w.log.projector.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := postgres.NewChanges(pool, w.log.projector.Heard, slog.New(slog.DiscardHandler))
	hearing, deaf := context.WithCancel(context.WithoutCancel(t.Context()))
	var heard sync.WaitGroup
	heard.Go(func() { told.Run(hearing) })
	t.Cleanup(func() {
		deaf()
		heard.Wait()
	})
	metrics, err := api.NewMetrics()
	if err != nil {
		t.Fatal(err)
	}
	w.cfg = api.Config{Imports: w.imports, Streams: w.log, Log: w.log, DB: pool, Projections: w.log.projector, Changes: told, Account: w.account, Connectors: w.connectors, Webhooks: w.webhooks, Exports: exports{w.log}, Tokens: tokens{}, Access: w.visitors.access(),
		Metrics: metrics, Logger: slog.New(slog.NewJSONHandler(&lockedWriter{w: w.logged}, nil)), Version: "test",
		Identify: func(_ context.Context, identifier string) (uuid.UUID, bool, error) {
			if id, err := uuid.Parse(identifier); err == nil {
				return id, true, nil
			}
			return nxID(identifier), strings.Contains(identifier, "@"), nil
		},
		IsUnavailable: func(err error) bool { return errors.Is(err, errAway) || postgres.IsUnavailable(err) },
		Dependencies:  []api.Dependency{{Name: "postgres", Check: func(context.Context) error { return w.away["postgres"] }}}}
	for _, change := range changes {
		change(&w.cfg)
	}
	if w.api, err = api.New(w.cfg); err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewUnstartedServer(nil)
	w.server.Config = httpserver.New(w.api, slog.New(slog.DiscardHandler))
	w.server.Start()
	t.Cleanup(func() {
		if err := w.api.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		w.server.CloseClientConnections()
		w.server.Close()
	})
	return w
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func nxID(email string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.ToLower(email)))
}

// answer is what came back.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (a answer) is(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

func (a answer) json() map[string]any {
	a.t.Helper()
	var v map[string]any
	if err := json.Unmarshal(a.body, &v); err != nil {
		a.t.Fatalf("%v in %s", err, a.body)
	}
	return v
}

func (a answer) list() []map[string]any {
	a.t.Helper()
	var v []map[string]any
	if err := json.Unmarshal(a.body, &v); err != nil {
		a.t.Fatalf("%v in %s", err, a.body)
	}
	return v
}

// fails checks the one form that every error has, and gives its details.
func (a answer) fails(status int, code string) []any {
	a.t.Helper()
	a.is(status)
	whole := a.json()
	fault, ok := whole["error"].(map[string]any)
	message, said := fault["message"].(string)
	if !ok || len(whole) != 1 || fault["code"] != code || !said || message == "" || a.header.Get("Content-Type") != "application/json" {
		a.t.Fatalf("not the error %q: %s (%s)", code, a.body, a.header.Get("Content-Type"))
	}
	details, _ := fault["details"].([]any)
	return details
}

func (w *world) send(r *http.Request) answer {
	w.t.Helper()
	res, err := w.server.Client().Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		w.t.Fatal(err)
	}
	return answer{w.t, res.StatusCode, res.Header, body}
}

func (w *world) request(method, path, body string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer all")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (w *world) get(path string) answer {
	w.t.Helper()
	return w.send(w.request("GET", path, ""))
}

func (w *world) do(method, path, body string) answer {
	w.t.Helper()
	return w.send(w.request(method, path, body))
}

// part is one field of an upload; with a file name it is the file.
type part struct{ name, file, content string }

func (w *world) upload(parts ...part) answer {
	w.t.Helper()
	return w.send(w.uploadRequest(parts...))
}

func (w *world) uploadRequest(parts ...part) *http.Request {
	w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, p := range parts {
		create := form.CreateFormField
		if p.file != "" {
			create = func(name string) (io.Writer, error) { return form.CreateFormFile(name, p.file) }
		}
		field, err := create(p.name)
		if err == nil {
			_, err = io.WriteString(field, p.content)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		w.t.Fatal(err)
	}
	r := w.request("POST", "/people/imports", body.String())
	r.Header.Set("Content-Type", form.FormDataContentType())
	return r
}

const threeRows = "E-mail,Notes\nann@x.org,1\nbob@x.org,2\nbad,3\n"

const mapping = `[{"header":"E-mail","attribute":"email"},{"header":"Notes","skip":true}]`

// rows records outcomes of an import's rows, as the worker would.
func (w *world) rows(all ...commands.Command) aggregate.Import {
	w.t.Helper()
	s, err := aggregate.Execute(w.t.Context(), w.log, importID, events.Meta{At: 1795500004000, Actor: "worker"}, all...)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func accepted(row int, email, more string) commands.Command {
	return commands.RowAccepted{Row: row, Line: row + 1, Contact: events.Contact{NxID: nxID(email),
		Attributes: json.RawMessage(`{"email":"` + email + `"` + more + `}`)}}
}

func rejected(row int) commands.Command {
	return commands.RowRejected{Row: row, Line: row + 1, Errors: []events.RowError{
		{Column: "E-mail", Code: "email-invalid", Message: "This is no address.", Value: "bad"}, {Code: "row-width", Message: "The row is too long."}}}
}

// imported runs an import of three rows to its end.
func (w *world) imported() {
	w.t.Helper()
	w.upload(part{"file", "contacts.csv", threeRows}, part{name: "mapping", content: mapping}, part{name: "segment", content: `{"name":"VIPs"}`}).is(201)
	w.rows(accepted(1, "ann@x.org", `,"language":"fr"`), accepted(2, "bob@x.org", ""), rejected(3), commands.Complete{})
}
