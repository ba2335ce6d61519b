package connectors

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/goleak"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M{M: m}) }

// world is what connectors live in here: a real Postgres, bytes in memory, and
// imports that end as their content says.
type world struct {
	*Connectors
	mu      sync.Mutex
	blobs   map[string][]byte
	pending int      // uploads that are neither committed nor discarded
	started []string // ids of imports, in the order of their start
	actors  map[string]string
	refused map[string]string           // id → code of a file of which nothing was stored
	drop    func(importID string) error // nil: nothing goes wrong
	hold    chan struct{}               // imports end when it is closed; nil: at once
	now     time.Time
	delays  []time.Duration
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{blobs: map[string][]byte{}, actors: map[string]string{}, refused: map[string]string{}, now: time.UnixMilli(1795500000000).UTC()}
	pool := pgtest.New(t)
	w.Connectors = New(Deps{
		DB: pool, Imports: fakeImports{w}, Passwords: plainPasswords{},
		NewUpload: func(context.Context) (Upload, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.pending++
			return &memoryUpload{world: w}, nil
		},
		OpenBlob: w.open,
		RemoveBlob: func(_ context.Context, key string) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.blobs, key)
			return nil
		},
		TryLock:     postgres.NewLocks(pool, "connector", slog.New(slog.DiscardHandler)).TryLock,
		ParseKey:    func(line string) (string, error) { return line, nil },
		IsTransient: postgres.IsUnavailable,
		DigestKey:   []byte("test"), MaxBytes: 1 << 20,
		Now:    w.clock,
		NewID:  func() string { return ulid.Make().String() },
		Logger: slog.New(slog.DiscardHandler),
	})
	w.Connectors.delay = func(_ context.Context, d time.Duration) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.delays = append(w.delays, d)
		return nil
	}
	return w
}

// clock moves a millisecond on each look, so that nothing happens at once.
func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(time.Millisecond)
	return w.now
}

func (w *world) open(_ context.Context, key string) (io.ReadSeekCloser, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	content, ok := w.blobs[key]
	if !ok {
		return nil, errors.New("no such blob")
	}
	return text{bytes.NewReader(content)}, nil
}

// run takes files until the test ends.
func (w *world) run(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
}

type memoryUpload struct {
	bytes.Buffer
	world *world
	over  bool
}

func (u *memoryUpload) Size() int64 { return int64(u.Len()) }
func (u *memoryUpload) SHA256() string {
	sum := sha256.Sum256(u.Bytes())
	return hex.EncodeToString(sum[:])
}
func (u *memoryUpload) Commit(key string) error {
	u.world.mu.Lock()
	defer u.world.mu.Unlock()
	u.world.blobs[key] = bytes.Clone(u.Bytes())
	u.end()
	return nil
}
func (u *memoryUpload) Discard() error {
	u.world.mu.Lock()
	defer u.world.mu.Unlock()
	u.end()
	return nil
}
func (u *memoryUpload) end() {
	if !u.over {
		u.world.pending--
	}
	u.over = true
}

// fakeImports fail when their file says "bad", and end when the world lets them.
type fakeImports struct{ *world }

func (f fakeImports) Drop(_ context.Context, id string, meta events.Meta, _ events.File, refused *commands.Refusal, _ aggregate.Template) (events.State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.drop != nil {
		if err := f.drop(id); err != nil {
			return "", err
		}
	}
	if !slices.Contains(f.started, id) {
		f.started = append(f.started, id)
	}
	f.actors[id] = meta.Actor
	if refused != nil {
		f.refused[id] = refused.Code
	}
	return events.Importing, nil
}

func (f fakeImports) Ending(_ context.Context, id string) (events.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hold != nil {
		select {
		case <-f.hold:
		default:
			return nil, nil
		}
	}
	if code := f.refused[id]; code != "" {
		return events.ImportFailed{Code: code, Message: "Refused."}, nil
	}
	if strings.Contains(string(f.blobs[id]), "bad") {
		return events.ImportFailed{Code: commands.HeaderMismatch, Message: `Missing: "E-mail".`}, nil
	}
	return events.ImportCompleted{}, nil
}

func (f fakeImports) CheckTemplate(_ context.Context, t aggregate.Template) (aggregate.Template, error) {
	if len(t.Header) == 0 {
		return t, refuse(commands.Unacceptable, commands.HeaderEmpty, "No columns.")
	}
	return t, nil
}

type plainPasswords struct{}

func (plainPasswords) Hash(p string) (string, error) { return "hash of " + p, nil }
func (plainPasswords) Match(_ context.Context, p, hash string) (bool, error) {
	return hash == "hash of "+p, nil
}

var here = netip.MustParseAddr("192.0.2.7")

// connector makes a connector and gives its password.
func (w *world) connector(t *testing.T, protocol string) (Connector, string) {
	t.Helper()
	c, password, err := w.Create(t.Context(), Wish{Name: "Web shop", Protocol: protocol, Password: true, By: "user-1",
		Template: aggregate.Template{Header: []string{"E-mail"}, Separator: ",", ImportMode: events.Contacts,
			Mapping: []commands.Column{{Header: "E-mail", Attribute: events.Email}}}})
	if err != nil {
		t.Fatal(err)
	}
	return c, password
}

func (w *world) enter(t *testing.T, connectorID string) *Session {
	t.Helper()
	s, err := w.Enter(t.Context(), connectorID, here, "password", func() {})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *Session, path, content string) {
	t.Helper()
	if err := send(t, s, path, content); err != nil {
		t.Fatal(err)
	}
}

func send(t *testing.T, s *Session, path, content string) error {
	t.Helper()
	r, err := s.Create(t.Context(), path)
	if err != nil {
		return err
	}
	_, err = r.Write([]byte(content))
	return errors.Join(err, r.Close())
}

// names lists a folder.
func names(t *testing.T, s *Session, folder string) []string {
	t.Helper()
	all, err := s.List(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, one := range all {
		if !one.IsDir() {
			list = append(list, one.Name())
		}
	}
	slices.Sort(list)
	return list
}

func read(t *testing.T, s *Session, path string) string {
	t.Helper()
	file, err := s.Open(t.Context(), path)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	content, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return string(content)
}

// until waits for what others do side by side.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !is() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func (w *world) locked(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
}

// wantNothing checks that no trace of a file is left.
func (w *world) wantNothing(t *testing.T) {
	t.Helper()
	var rows int
	if err := w.deps.DB.QueryRow(t.Context(), "SELECT count(*) FROM ledger.connector_files").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	w.locked(func() {
		if rows != 0 || len(w.blobs) != 0 || w.pending != 0 || len(w.started) != 0 {
			t.Errorf("left: %d rows, %d blobs, %d uploads, imports %v", rows, len(w.blobs), w.pending, w.started)
		}
	})
}

// actions lists what a connector's activity tells, oldest first.
func (w *world) actions(t *testing.T, connectorID string) []string {
	t.Helper()
	all, _, err := w.Activity(t.Context(), connectorID, 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, a := range slices.Backward(all) {
		text := a.Action
		if a.Detail != "" {
			text += " " + a.Detail
		}
		if a.Times > 1 {
			text += fmt.Sprintf(" ×%d", a.Times)
		}
		list = append(list, text)
	}
	return list
}
