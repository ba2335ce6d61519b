package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/oklog/ulid/v2"

	"importledger/adapters/csvfile"
	"importledger/adapters/eventstore"
	"importledger/adapters/node"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

// world is what ingest runs in here: a real node, the real reader, files in memory.
type world struct {
	deps Deps

	mu       sync.Mutex
	files    map[string][]byte
	claims   map[string][2]string
	rejected map[string][]projections.RejectedRow // by import
	woken    []string

	last       *aggregate.LastUsed
	withErrors []string
}

var errNoBlob = errors.New("no such blob")

func newWorld(t *testing.T) *world {
	t.Helper()
	n, err := node.Open(node.Config{Dir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	log, err := eventstore.Open(t.Context(), n.ConnectionString(), eventstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	w := &world{files: map[string][]byte{}, claims: map[string][2]string{}, rejected: map[string][]projections.RejectedRow{}}
	w.deps = Deps{
		Log:         log,
		NewUpload:   func(context.Context) (Upload, error) { return &memoryUpload{world: w}, nil },
		OpenBlob:    w.open,
		BlobMissing: func(err error) bool { return errors.Is(err, errNoBlob) },
		Inspect: func(r io.Reader, as commands.Reading) (events.File, error) {
			facts, err := csvfile.Inspect(r, csvOptions(as))
			return facts.File(), err
		},
		OpenRows: func(r io.Reader, file events.File) (Rows, error) { return csvfile.Reopen(r, file) },
		NewCSV: func(out io.Writer, separator string, bom bool) CSVWriter {
			csv := csvfile.NewWriter(out, separator[0])
			if bom {
				csv.Mark()
			}
			return csv
		},
		Harmless:      csvfile.Harmless,
		Account:       func(context.Context) (string, error) { return events.Email, nil },
		Attributes:    func(context.Context) ([]events.Attribute, error) { return events.Reserved, nil },
		LastMapping:   func(context.Context, []string, events.Mode) (*aggregate.LastUsed, error) { return w.last, nil },
		WithErrors:    func(context.Context, []string) ([]string, error) { return w.withErrors, nil },
		RowsInError:   w.rowsInError,
		RowsOfContact: w.rowsOfContact,
		Claim:         w.claim,
		Identity:      aggregate.NewIdentity(bytes.Repeat([]byte{7}, 32)),
		MaxBytes:      1 << 20,
		Now:           func() time.Time { return time.UnixMilli(1795500000000) },
		NewID:         func() string { return ulid.Make().String() },
		Logger:        slog.New(slog.DiscardHandler),
	}
	return w
}

func csvOptions(d commands.Reading) csvfile.Options {
	o := csvfile.Options{Encoding: d.Encoding, Limits: csvfile.DefaultLimits()}
	if d.Separator != "" {
		o.Separator = d.Separator[0]
	}
	return o
}

func (w *world) service() *Service {
	return NewService(w.deps, func(id string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.woken = append(w.woken, id)
	})
}

func (w *world) open(_ context.Context, key string) (io.ReadSeekCloser, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	file, ok := w.files[key]
	if !ok {
		return nil, errNoBlob
	}
	return struct {
		io.ReadSeeker
		io.Closer
	}{bytes.NewReader(file), io.NopCloser(nil)}, nil
}

func (w *world) claim(_ context.Context, client, key, fingerprint, importID string) (string, string, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first, taken := w.claims[client+key]
	if !taken {
		first = [2]string{fingerprint, importID}
		w.claims[client+key] = first
	}
	return first[0], first[1], !taken, nil
}

func (w *world) rowsInError(_ context.Context, id string) iter.Seq2[projections.RejectedRow, error] {
	return func(yield func(projections.RejectedRow, error) bool) {
		for _, r := range w.rejected[id] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// rowsOfContact reads all logs, those of imports that began earlier first.
func (w *world) rowsOfContact(ctx context.Context, contact uuid.UUID, before int64, limit int) (rows []projections.ContactRow, err error) {
	number := int64(0)
	for _, id := range slices.Sorted(maps.Keys(w.files)) {
		for recorded, err := range w.deps.Log.Read(ctx, events.ImportStream(id), 0) {
			if err != nil {
				return nil, err
			}
			e, err := events.Decode(recorded)
			if err != nil {
				return nil, err
			}
			row, ok := e.Event.(events.RowAccepted)
			if !ok {
				continue
			}
			if number++; row.Contact.NxID == contact && (before == 0 || number < before) {
				rows = append(rows, projections.ContactRow{Number: number, ImportID: id, Row: row.Row})
			}
		}
	}
	slices.Reverse(rows)
	return rows[:min(limit, len(rows))], nil
}

// memoryUpload is an upload that becomes one of the world's files.
type memoryUpload struct {
	bytes.Buffer
	world *world
}

func (u *memoryUpload) Size() int64 { return int64(u.Len()) }

func (u *memoryUpload) SHA256() string {
	sum := sha256.Sum256(u.Bytes())
	return hex.EncodeToString(sum[:])
}

func (u *memoryUpload) Reader() io.ReadSeeker { return bytes.NewReader(u.Bytes()) }

func (u *memoryUpload) Commit(key string) error {
	u.world.mu.Lock()
	defer u.world.mu.Unlock()
	if there, taken := u.world.files[key]; taken && !bytes.Equal(there, u.Bytes()) {
		return errors.New("another file has this key")
	}
	u.world.files[key] = bytes.Clone(u.Bytes())
	return nil
}

func (u *memoryUpload) Discard() error { return nil }

// fileOf is a file with so many rows, every tenth of which is in error.
func fileOf(rows int) string {
	var b strings.Builder
	b.WriteString("E-mail;Age;Notes\n")
	for row := 1; row <= rows; row++ {
		if row%10 == 0 {
			fmt.Fprintf(&b, "nobody;%d;bad\n", row)
		} else {
			fmt.Fprintf(&b, "c%d@example.com;%d;note %d\n", row, row%90, row)
		}
	}
	return b.String()
}

var mapping = commands.MapColumns{Mapping: []commands.Column{
	{Header: "E-mail", Attribute: events.Email},
	{Header: "Age", Attribute: "age", Create: &commands.NewAttribute{Type: events.Number}},
}}

// create imports a file through the service, as the API does.
func create(t *testing.T, s *Service, content string, mapping *commands.MapColumns) (aggregate.Import, error) {
	t.Helper()
	return s.Create(t.Context(), events.Meta{Actor: "client-1", CorrelationID: "request-1"}, "client-1", "",
		func(store Store) (commands.Start, *commands.MapColumns, error) {
			err := store("contacts.csv", strings.NewReader(content))
			return commands.Start{}, mapping, err
		})
}

func mustCreate(t *testing.T, s *Service, content string) aggregate.Import {
	t.Helper()
	imp, err := create(t, s, content, &mapping)
	if err != nil {
		t.Fatal(err)
	}
	return imp
}

func (w *world) load(t *testing.T, id string) aggregate.Import {
	t.Helper()
	imp, err := aggregate.Load(t.Context(), w.deps.Log, id)
	if err != nil {
		t.Fatal(err)
	}
	return imp
}

// outcomes counts how often each row of an import was decided.
func (w *world) outcomes(t *testing.T, id string) map[int]int {
	t.Helper()
	rows := map[int]int{}
	for recorded, err := range w.deps.Log.Read(t.Context(), events.ImportStream(id), 0) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := events.Decode(recorded)
		if err != nil {
			t.Fatal(err)
		}
		switch e := e.Event.(type) {
		case events.RowAccepted:
			rows[e.Row]++
		case events.RowRejected:
			rows[e.Row]++
		}
	}
	return rows
}

// wantImported checks an import of fileOf(rows) that has ended.
func (w *world) wantImported(t *testing.T, id string, rows int) {
	t.Helper()
	imp := w.load(t, id)
	if imp.State != events.Imported || imp.Accepted != rows-rows/10 || imp.Rejected != rows/10 {
		t.Errorf("import is %s with %d accepted and %d rejected of %d rows", imp.State, imp.Accepted, imp.Rejected, rows)
	}
	outcomes := w.outcomes(t, id)
	for row := 1; row <= rows; row++ {
		if outcomes[row] != 1 {
			t.Errorf("row %d has %d outcomes", row, outcomes[row])
		}
	}
	if len(outcomes) != rows {
		t.Errorf("%d rows have outcomes, want %d", len(outcomes), rows)
	}
}
