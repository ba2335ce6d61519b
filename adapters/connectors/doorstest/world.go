// Package doorstest holds what every door to the connectors' folders must keep, as
// one suite that the tests of each door run: on a real Postgres, over real
// connections, with imports that end as their file says.
package doorstest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"importledger/adapters/connectors"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// MaxBytes is how large a file may be here.
const MaxBytes = 4 << 20

// World is what a door opens to.
type World struct {
	*connectors.Connectors
	Gate *connectors.Gate

	count func(t *testing.T) int // files that connectors know

	mu       sync.Mutex
	blobs    map[string][]byte
	uploads  int // neither committed nor discarded
	imported []string
	refused  map[string]string
}

// NewWorld makes a world on a database that has schema ledger; it takes files until
// the test ends.
func NewWorld(t *testing.T, db connectors.DB) *World {
	t.Helper()
	w := &World{blobs: map[string][]byte{}, refused: map[string]string{}, Gate: connectors.NewGate(64, 30*time.Second)}
	quiet := slog.New(slog.DiscardHandler)
	w.Connectors = connectors.New(connectors.Deps{
		DB: db, Imports: imports{w}, Passwords: passwords{},
		NewUpload: func(context.Context) (connectors.Upload, error) {
			w.locked(func() { w.uploads++ })
			return &upload{world: w}, nil
		},
		OpenBlob: w.open,
		RemoveBlob: func(_ context.Context, key string) error {
			w.locked(func() { delete(w.blobs, key) })
			return nil
		},
		TryLock: func(context.Context, string) (func(), <-chan struct{}, bool, error) {
			return func() {}, nil, true, nil // this process is alone
		},
		ParseKey:    func(line string) (string, error) { return line, nil },
		IsTransient: func(error) bool { return false },
		DigestKey:   []byte("test"), MaxBytes: MaxBytes,
		Now: time.Now, NewID: func() string { return ulid.Make().String() }, Logger: quiet,
	})
	w.count = func(t *testing.T) (n int) {
		t.Helper()
		if err := db.QueryRow(t.Context(), "SELECT count(*) FROM ledger.connector_files").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return w
}

func (w *World) locked(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
}

func (w *World) open(_ context.Context, key string) (io.ReadSeekCloser, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	content, ok := w.blobs[key]
	if !ok {
		return nil, errors.New("no such blob")
	}
	return opened{bytes.NewReader(content)}, nil
}

type opened struct{ *bytes.Reader }

func (opened) Close() error { return nil }

// WantNothing checks that no trace of any file is left, once the server has noticed
// that none is being sent any more.
func (w *World) WantNothing(t *testing.T) {
	t.Helper()
	until(t, "the server has noticed", func() (noticed bool) {
		w.locked(func() { noticed = w.uploads == 0 })
		return noticed
	})
	rows := w.count(t)
	w.locked(func() {
		if rows != 0 || len(w.blobs) != 0 || w.uploads != 0 || len(w.imported) != 0 {
			t.Errorf("left: %d rows, %d blobs, %d uploads, %d imports", rows, len(w.blobs), w.uploads, len(w.imported))
		}
	})
}

// Imported is how many imports were started.
func (w *World) Imported() (n int) {
	w.locked(func() { n = len(w.imported) })
	return n
}

// Connector makes a connector and gives its password.
func (w *World) Connector(t *testing.T, protocol string, keys ...string) (connectors.Connector, string) {
	t.Helper()
	c, password, err := w.Create(t.Context(), connectors.Wish{Name: "Web shop", Protocol: protocol, Password: true, By: "user-1", PublicKeys: keys,
		Template: aggregate.Template{Header: []string{"E-mail"}, Separator: ",", ImportMode: events.Contacts}})
	if err != nil {
		t.Fatal(err)
	}
	return c, password
}

type upload struct {
	bytes.Buffer
	world *World
	over  bool
}

func (u *upload) Size() int64 { return int64(u.Len()) }

func (u *upload) SHA256() string {
	sum := sha256.Sum256(u.Bytes())
	return hex.EncodeToString(sum[:])
}

func (u *upload) Commit(key string) error {
	u.world.locked(func() {
		u.world.blobs[key] = bytes.Clone(u.Bytes())
		u.end()
	})
	return nil
}

func (u *upload) Discard() error {
	u.world.locked(u.end)
	return nil
}

func (u *upload) end() {
	if !u.over {
		u.world.uploads--
	}
	u.over = true
}

// imports fail when their file says "bad".
type imports struct{ world *World }

func (i imports) Drop(_ context.Context, id string, _ events.Meta, _ events.File, refused *commands.Refusal, _ aggregate.Template) (events.State, error) {
	i.world.locked(func() {
		if !slices.Contains(i.world.imported, id) {
			i.world.imported = append(i.world.imported, id)
		}
		if refused != nil {
			i.world.refused[id] = refused.Code
		}
	})
	return events.Importing, nil
}

func (i imports) Ending(_ context.Context, id string) (end events.Event, err error) {
	i.world.locked(func() {
		switch code := i.world.refused[id]; {
		case code != "":
			end = events.ImportFailed{Code: code, Message: "Refused."}
		case bytes.HasPrefix(i.world.blobs[id], []byte("bad")):
			end = events.ImportFailed{Code: commands.HeaderMismatch, Message: "Missing columns."}
		default:
			end = events.ImportCompleted{}
		}
	})
	return end, nil
}

func (imports) CheckTemplate(_ context.Context, t aggregate.Template) (aggregate.Template, error) {
	return t, nil
}

type passwords struct{}

func (passwords) Hash(p string) (string, error) { return "hash of " + p, nil }
func (passwords) Match(_ context.Context, p, hash string) (bool, error) {
	return hash == "hash of "+p, nil
}

// disabled keeps a connector out.
var disabled = connectors.Change{Enabled: new(bool)}
