package notify

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/oklog/ulid/v2"
	"github.com/riverqueue/river"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
	"importledger/events"
	"importledger/projections"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M{M: m}) }

// world is a ledger whose imports end as tests say: a real Postgres with real read
// models and a real queue, over a log in memory.
type world struct {
	t         *testing.T
	db        *pgxpool.Pool
	projector *projections.Projector

	mu       sync.Mutex
	recorded []events.Recorded
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, db: pgtest.New(t)}
	w.projector = projections.New(w.db, w, projections.Config{IsTransient: postgres.IsUnavailable, Now: time.Now, After: time.After,
		Logger: slog.New(slog.DiscardHandler)})
	if _, err := w.projector.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) CatchUp(_ context.Context, after events.Position, _ int) iter.Seq2[events.Batch, error] {
	return func(yield func(events.Batch, error) bool) {
		w.mu.Lock()
		var b events.Batch
		for _, e := range w.recorded {
			if after.Before(e.Position) {
				b.Events, b.Until = append(b.Events, e), e.Position
			}
		}
		w.mu.Unlock()
		if len(b.Events) > 0 {
			yield(b, nil)
		}
	}
}

func (w *world) head(context.Context) (events.Position, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.recorded) == 0 {
		return events.Position{}, nil
	}
	return w.recorded[len(w.recorded)-1].Position, nil
}

// ended records an import with its end and has it projected.
func (w *world) ended(user string, last events.Event) (importID string) {
	w.t.Helper()
	importID = ulid.Make().String()
	stream := events.ImportStream(importID)
	encoder := events.NewEncoder(stream, events.Meta{At: time.Now().UnixMilli(), Actor: user})
	var b events.Batch
	w.mu.Lock()
	at := uint64(len(w.recorded)+1) * 100
	for i, fact := range []events.Event{
		events.ImportStarted{Name: "contacts.csv", Type: events.Manual, ImportMode: events.Contacts, KeyIdentifier: events.Email,
			File: events.File{Name: "contacts.csv", Size: 1, SHA256: "ab", Separator: ",", Encoding: "utf-8", Header: []string{"email"}, Rows: 2000}},
		last,
	} {
		proposed, _, err := encoder.Encode(events.Place{Revision: uint64(i)}, fact)
		if err != nil {
			w.t.Fatal(err)
		}
		p := events.Position{Commit: at + uint64(i), Prepare: at + uint64(i)}
		b.Events = append(b.Events, events.Recorded{ID: proposed.ID, Stream: stream, Revision: uint64(i), Position: p,
			Type: proposed.Type, Data: proposed.Data, Metadata: proposed.Metadata, Recorded: time.Now().UTC()})
		b.Until = p
	}
	w.recorded = append(w.recorded, b.Events...)
	w.mu.Unlock()
	if err := w.projector.Apply(w.t.Context(), b); err != nil {
		w.t.Fatal(err)
	}
	return importID
}

// notifier makes one that has begun, may call this machine, and loses no time between
// attempts.
func (w *world) notifier(change ...func(*Config)) *Notifier {
	w.t.Helper()
	cfg := Config{DB: w.db, Key: []byte("0123456789abcdef0123456789abcdef"), Head: w.head,
		Changed:   func() (<-chan projections.Changed, func()) { return nil, func() {} },
		PublicURL: "https://ledger.example.org", AllowHTTP: true, AllowPrivate: true, Poll: 100 * time.Millisecond,
		Now: time.Now, Logger: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&cfg)
	}
	n, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	n.backoff = func(int) time.Duration { return time.Millisecond }
	if err := n.Begin(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// working is a notifier whose queue is worked off.
type working struct {
	*Notifier
	t    *testing.T
	done <-chan *river.Event
}

// work works a notifier's queue off until the test ends.
func work(t *testing.T, n *Notifier) working {
	t.Helper()
	done, unsubscribe := n.queue.Subscribe(river.EventKindJobCompleted, river.EventKindJobFailed, river.EventKindJobCancelled)
	if err := n.queue.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unsubscribe()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if err := n.queue.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return working{n, t, done}
}

// jobs waits until some jobs are done with; failed tells how many attempts of any
// failed meanwhile.
func (w working) jobs(count int) (failed int) {
	w.t.Helper()
	deadline := time.After(time.Minute)
	for count > 0 {
		select {
		case e := <-w.done:
			if e.Kind == river.EventKindJobFailed && e.Job.Attempt < e.Job.MaxAttempts {
				failed++
			} else {
				count--
			}
		case <-deadline:
			w.t.Fatalf("%d jobs are not done", count)
		}
	}
	return failed
}

// look notices what has ended.
func look(t *testing.T, n *Notifier) {
	t.Helper()
	if err := n.catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	if err := w.db.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// told fails unless there is one job for each delivery, and as many as said.
func (w *world) told(deliveries int) {
	w.t.Helper()
	if got := w.count("SELECT count(*) FROM ledger.deliveries"); got != deliveries {
		w.t.Errorf("%d deliveries, want %d", got, deliveries)
	}
	if got := w.count("SELECT count(*) FROM queue.river_job"); got != deliveries {
		w.t.Errorf("%d jobs, want %d", got, deliveries)
	}
	if got := w.count("SELECT count(DISTINCT args->>'delivery') FROM queue.river_job"); got != deliveries {
		w.t.Errorf("jobs for %d deliveries, want %d", got, deliveries)
	}
}

// user makes somebody who can sign in.
func (w *world) user(name string) (id string) {
	w.t.Helper()
	id = ulid.Make().String()
	_, err := w.db.Exec(w.t.Context(), "INSERT INTO ledger.users (id, name, role, password_hash, created_at) VALUES ($1, $2, 'editor', 'hash', now())", id, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// receiver is an HTTP server that keeps what it gets.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	got     []received
	answers []int // in turn; afterwards 204
}

type received struct {
	header http.Header
	body   []byte
}

func newReceiver(t *testing.T, answers ...int) *receiver {
	t.Helper()
	r := &receiver{answers: answers}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		body = nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, received{req.Header, body})
	status := http.StatusNoContent
	if len(r.answers) > 0 {
		status, r.answers = r.answers[0], r.answers[1:]
	}
	if status == http.StatusFound {
		w.Header().Set("Location", r.URL+"/elsewhere")
	}
	w.WriteHeader(status)
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

// verify checks a message with a secret, as a receiver does.
func (m received) verify(secret string) error {
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return err
	}
	return hook.Verify(m.body, m.header)
}

// about gives the import that a message is about.
func (m received) about(t *testing.T) string {
	t.Helper()
	var p struct {
		Type string
		Data struct{ ID string }
	}
	if err := json.Unmarshal(m.body, &p); err != nil {
		t.Fatal(err)
	}
	if want := "msg_" + p.Data.ID; p.Type != "import.ended" || m.header.Get("webhook-id") != want {
		t.Errorf("type %q and id %q, want import.ended and %q", p.Type, m.header.Get("webhook-id"), want)
	}
	return p.Data.ID
}

// hook makes a webhook.
func hook(t *testing.T, n *Notifier, url string) (Webhook, string) {
	t.Helper()
	made, secret, err := n.CreateWebhook(t.Context(), "user-1", "", url)
	if err != nil {
		t.Fatal(err)
	}
	return made, secret
}

var errFault = errors.New("a fault of the test")

// failOnce lets a step fail the first time.
func failOnce(n *Notifier, step string) {
	var once sync.Once
	n.step = func(name string) (err error) {
		if name == step {
			once.Do(func() { err = errFault })
		}
		return err
	}
}

var completed = events.ImportCompleted{Accepted: 1990, Rejected: 10}
