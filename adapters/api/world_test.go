package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
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

// ledger is a log in memory. Whatever is appended is projected before Append
// answers, when it has a projector.
type ledger struct {
	mu        sync.Mutex
	recorded  []events.Recorded
	projector *projections.Projector
	held      bool // appended, but not projected
	away      bool // cannot be reached
}

func (l *ledger) Append(ctx context.Context, stream string, expected uint64, batch []events.Proposed) (events.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return events.Position{}, aggregate.ErrLogUnavailable
	}
	n := uint64(len(l.stream(stream)))
	if n != expected {
		return events.Position{}, aggregate.ErrOvertaken
	}
	added := events.Batch{}
	for i, p := range batch {
		at := uint64(len(l.recorded)+1) * 10
		e := events.Recorded{ID: p.ID, Stream: stream, Revision: n + uint64(i), Position: events.Position{Commit: at, Prepare: at},
			Type: p.Type, Data: p.Data, Metadata: p.Metadata, Recorded: time.UnixMilli(1795500000000).UTC()}
		l.recorded = append(l.recorded, e)
		added.Events, added.Until = append(added.Events, e), e.Position
	}
	if l.projector != nil && !l.held {
		if err := l.projector.Apply(ctx, added); err != nil {
			return events.Position{}, err
		}
	}
	return added.Until, nil
}

func (l *ledger) stream(name string) []events.Recorded {
	var all []events.Recorded
	for _, e := range l.recorded {
		if e.Stream == name {
			all = append(all, e)
		}
	}
	return all
}

func (l *ledger) read(name string) ([]events.Recorded, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return nil, aggregate.ErrLogUnavailable
	}
	all := l.stream(name)
	if len(all) == 0 {
		return nil, aggregate.ErrStreamNotFound
	}
	return all, nil
}

func (l *ledger) Read(_ context.Context, stream string, from uint64) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		all, err := l.read(stream)
		if err != nil {
			yield(events.Recorded{}, err)
			return
		}
		for _, e := range all {
			if e.Revision >= from && !yield(e, nil) {
				return
			}
		}
	}
}

func (l *ledger) ReadBack(_ context.Context, stream string, from uint64) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		all, err := l.read(stream)
		if err != nil {
			yield(events.Recorded{}, err)
			return
		}
		for i := len(all) - 1; i >= 0; i-- {
			if all[i].Revision <= from && !yield(all[i], nil) {
				return
			}
		}
	}
}

func (l *ledger) CatchUp(ctx context.Context, after events.Position, _ int) iter.Seq2[events.Batch, error] {
	return func(yield func(events.Batch, error) bool) {
		l.mu.Lock()
		away, b := l.away, events.Batch{}
		for _, e := range l.recorded {
			if after.Before(e.Position) {
				b.Events, b.Until = append(b.Events, e), e.Position
			}
		}
		l.mu.Unlock()
		switch {
		case away:
			yield(events.Batch{}, aggregate.ErrLogUnavailable)
		case ctx.Err() != nil:
			yield(events.Batch{}, ctx.Err())
		case len(b.Events) > 0:
			yield(b, nil)
		}
	}
}

func (l *ledger) set(change func(*ledger)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

// imports is the service behind the API, as simple as it can be: the file is what
// was uploaded, in memory.
type imports struct {
	log     aggregate.Streams
	mu      sync.Mutex
	files   map[string]string
	asked   []commands.Start
	mapped  []*commands.MapColumns
	keys    []string
	preview aggregate.Preview
	review  aggregate.Review
	fails   error // answered by everything

	readings []commands.Reading // that were asked for
	csv      func(io.Writer) error
	nextID   []string

	outcomes map[int]aggregate.Outcome
	origins  []aggregate.Origin
	traced   []string // what was asked
}

var errRowNotFound = &commands.Refusal{Kind: commands.NotFound, Code: "row-not-found", Message: "There is no such row."}

func (s *imports) Create(ctx context.Context, meta events.Meta, client, key string,
	read func(store func(name string, r io.Reader) error) (commands.Start, *commands.MapColumns, error)) (aggregate.Import, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, content := "", []byte(nil)
	start, mapping, err := read(func(n string, r io.Reader) (err error) {
		name = n
		content, err = io.ReadAll(r)
		return err
	})
	if err = errors.Join(err, s.fails); err != nil {
		return aggregate.Import{}, err
	}
	id := importID
	if len(s.nextID) > 0 {
		id, s.nextID = s.nextID[0], s.nextID[1:]
	}
	s.asked, s.mapped, s.keys = append(s.asked, start), append(s.mapped, mapping), append(s.keys, client+"/"+key)
	if s.files == nil {
		s.files = map[string]string{}
	}
	s.files[id] = string(content)
	header, rows, _ := strings.Cut(string(content), "\n")
	start.File = events.File{Name: name, Size: int64(len(content)), SHA256: "ab12", Separator: ",", Encoding: "utf-8",
		Header: strings.Split(header, ","), Rows: strings.Count(rows, "\n")}
	start.Type, start.KeyIdentifier = events.Manual, events.Email
	todo := []commands.Command{start}
	if mapping != nil {
		todo = append(todo, s.complete(*mapping))
	}
	return aggregate.Execute(ctx, s.log, id, meta, todo...)
}

func (s *imports) complete(m commands.MapColumns) commands.MapColumns {
	m.Attributes = events.Reserved
	if m.Segment != nil {
		m.Segment = &events.Segment{ID: "segment-1", Name: "VIPs", Create: true}
	}
	return m
}

func (s *imports) Map(ctx context.Context, id string, m commands.MapColumns, meta events.Meta) (aggregate.Import, error) {
	if s.fails != nil {
		return aggregate.Import{}, s.fails
	}
	s.readings = append(s.readings, m.Reading)
	return aggregate.Execute(ctx, s.log, id, meta, s.complete(m))
}

func (s *imports) Cancel(ctx context.Context, id, reason string, meta events.Meta) (aggregate.Import, error) {
	if s.fails != nil {
		return aggregate.Import{}, s.fails
	}
	return aggregate.Execute(ctx, s.log, id, meta, commands.Cancel{Reason: reason})
}

func (s *imports) Preview(_ context.Context, _ string, as commands.Reading) (aggregate.Preview, error) {
	s.readings = append(s.readings, as)
	return s.preview, s.fails
}
func (s *imports) Review(_ context.Context, _ string, m commands.MapColumns) (aggregate.Review, error) {
	s.readings = append(s.readings, m.Reading)
	return s.review, s.fails
}

func (s *imports) At(ctx context.Context, id string, revision uint64) (aggregate.Import, error) {
	return aggregate.LoadAt(ctx, s.log, id, revision)
}

type openFile struct{ *strings.Reader }

func (openFile) Close() error { return nil }

func (s *imports) Source(_ context.Context, id string) (io.ReadSeekCloser, string, error) {
	content, ok := s.files[id]
	if !ok {
		return nil, "", aggregate.ErrNotFound
	}
	return openFile{strings.NewReader(content)}, "contäcts.csv", nil
}

func (s *imports) Row(_ context.Context, id string, row int) (aggregate.Outcome, error) {
	if o, ok := s.outcomes[row]; ok && id == importID {
		return o, s.fails
	}
	return aggregate.Outcome{}, errRowNotFound
}

func (s *imports) Origins(_ context.Context, contact uuid.UUID, attributes []string) ([]aggregate.Origin, bool, error) {
	slices.Sort(attributes)
	s.traced = append(s.traced, contact.String()+" "+strings.Join(attributes, ","))
	return s.origins, len(s.origins) < 3, s.fails
}

func (s *imports) SettingsOf(_ context.Context, contact uuid.UUID, attribute string, before int64, limit int) ([]aggregate.Setting, int64, error) {
	s.traced = append(s.traced, fmt.Sprint(contact, " ", attribute, " ", before, " ", limit))
	var all []aggregate.Setting
	for _, o := range s.origins {
		if o.Attribute == attribute {
			all = append(all, o.Set)
		}
	}
	return all, before / 2, s.fails
}

func (s *imports) ErrorsCSV(_ context.Context, id string, w io.Writer) error {
	if s.csv != nil {
		return s.csv(w)
	}
	return aggregate.ErrNotFound
}

// account keeps the key identifier.
type account struct{ key string }

func (a *account) KeyIdentifier(context.Context) (string, error) { return a.key, nil }
func (a *account) SetKeyIdentifier(_ context.Context, _ events.Meta, key string) (events.Position, error) {
	a.key = key
	return events.Position{Commit: 7, Prepare: 7}, nil
}

// tokens take "all" for every scope, "slow" and "away" for trouble, and else a list of scopes.
type tokens struct{}

type refusedToken string

func (r refusedToken) Error() string      { return "Refused." }
func (r refusedToken) OAuthError() string { return string(r) }

func (tokens) Issue(_ context.Context, g api.Grant) (string, time.Duration, []string, error) {
	id, secret, asked := g.ClientID, g.Secret, g.Scopes
	if g.Sent == "s+cr%t" {
		secret = g.Sent
	}
	switch {
	case secret == "busy":
		return "", 0, nil, refusedToken("slow_down")
	case secret == "away":
		return "", 0, nil, errAway
	case id != "shop" || secret != "s+cr%t":
		return "", 0, nil, refusedToken("invalid_client")
	case len(asked) > 0 && asked[0] == "none":
		return "", 0, nil, refusedToken("invalid_scope")
	case len(asked) == 0:
		asked = []string{"imports:read"}
	}
	return "token-1", time.Minute, asked, nil
}

var errAway = errors.New("the database is away")

func (tokens) Verify(_ context.Context, token string) (string, []string, error) {
	switch token {
	case "all":
		return "shop", api.Scopes(), nil
	case "away":
		return "", nil, errAway
	case "garbage":
		return "", nil, refusedToken("invalid_token")
	case "revoked":
		return "shop", nil, refusedToken("invalid_token")
	}
	return "shop", strings.Split(token, ","), nil
}

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
