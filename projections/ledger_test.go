package projections_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"testing"
	"time"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
	"importledger/events"
	"importledger/projections"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M{M: m}) }

// ledger is a log in memory, which a test writes and a projector reads.
type ledger struct {
	mu        sync.Mutex
	recorded  []events.Recorded
	revisions map[string]uint64
	next      uint64 // position

	inBatchesOf int // at most, when it is read; 0: as asked
}

// record appends facts of an import, each at a time of its own.
func (l *ledger) record(importID string, facts ...events.Event) events.Position {
	return l.recordIn(events.ImportStream(importID), facts...)
}

// recordIn appends facts to a stream, each at a time of its own.
func (l *ledger) recordIn(stream string, facts ...events.Event) (last events.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, fact := range facts {
		last = l.encode(events.NewEncoder(stream, events.Meta{At: l.now(), Actor: "user-1"}), stream, fact)
	}
	return last
}

// chunk appends facts of an import that were decided at one time, as a worker does.
func (l *ledger) chunk(importID string, facts []events.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	stream := events.ImportStream(importID)
	encoder := events.NewEncoder(stream, events.Meta{At: l.now(), Actor: "user-1"})
	for _, fact := range facts {
		l.encode(encoder, stream, fact)
	}
}

func (l *ledger) encode(encoder *events.Encoder, stream string, fact events.Event) events.Position {
	proposed, _, err := encoder.Encode(events.Place{Revision: l.revisions[stream]}, fact)
	if err != nil {
		panic(err)
	}
	return l.add(stream, proposed)
}

func (l *ledger) now() int64 { return 1795500000000 + int64(l.next)*10 }

func (l *ledger) add(stream string, p events.Proposed) events.Position {
	if l.revisions == nil {
		l.revisions = map[string]uint64{}
	}
	l.next += 100
	at := events.Position{Commit: l.next, Prepare: l.next}
	l.recorded = append(l.recorded, events.Recorded{ID: p.ID, Stream: stream, Revision: l.revisions[stream], Position: at,
		Type: p.Type, Data: p.Data, Metadata: p.Metadata, Recorded: time.UnixMilli(l.now()).UTC()})
	l.revisions[stream]++
	return at
}

// recordRaw appends what no program of ours would write.
func (l *ledger) recordRaw(importID, typ, data string) events.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.add(events.ImportStream(importID), events.Proposed{ID: uuid.New(), Type: typ, Data: []byte(data), Metadata: fmt.Appendf(nil, `{"v":1,"at":%d}`, l.now())})
}

func (l *ledger) end() events.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.recorded) == 0 {
		return events.Position{}
	}
	return l.recorded[len(l.recorded)-1].Position
}

func (l *ledger) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.recorded)
}

// batch gives events from index i up to j.
func (l *ledger) batch(i, j int) events.Batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	return events.Batch{Events: l.recorded[i:j], Until: l.recorded[j-1].Position}
}

func (l *ledger) after(p events.Position) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.recorded {
		if p.Before(l.recorded[i].Position) {
			return i
		}
	}
	return len(l.recorded)
}

func (l *ledger) CatchUp(ctx context.Context, after events.Position, batchSize int) iter.Seq2[events.Batch, error] {
	if l.inBatchesOf > 0 {
		batchSize = min(batchSize, l.inBatchesOf)
	}
	return func(yield func(events.Batch, error) bool) {
		for i, end := l.after(after), l.len(); i < end; i += batchSize {
			if ctx.Err() != nil {
				yield(events.Batch{}, ctx.Err())
				return
			}
			if !yield(l.batch(i, min(i+batchSize, end)), nil) {
				return
			}
		}
	}
}

func quiet(testing.TB) projections.Config {
	return projections.Config{IsTransient: postgres.IsUnavailable, Now: time.Now, After: time.After, Logger: slog.New(slog.DiscardHandler)}
}

// projector makes read models in a database of the test's own.
func projector(t testing.TB, l *ledger) (*projections.Projector, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.New(t)
	p := projections.New(pool, l, quiet(t))
	outdated, err := p.Ensure(t.Context())
	if err != nil || len(outdated) > 0 {
		t.Fatal(outdated, err)
	}
	return p, pool
}

// feed applies events from index i up to j, in batches of a size.
func feed(t testing.TB, p *projections.Projector, l *ledger, i, j, size int) {
	t.Helper()
	for ; i < j; i += size {
		if err := p.Apply(t.Context(), l.batch(i, min(i+size, j))); err != nil {
			t.Fatal(err)
		}
	}
}

func started(name string, rows int) events.ImportStarted {
	return events.ImportStarted{Name: name, Type: events.Manual, ImportMode: events.Contacts, KeyIdentifier: events.Email,
		File: events.File{Name: name, Size: 100, SHA256: "00", Separator: ";", Encoding: "utf-8", Header: []string{"E-mail", "City"}, Rows: rows}}
}

func mapped(segment *events.Segment) events.ColumnsMapped {
	return events.ColumnsMapped{Segment: segment, Columns: []events.Column{
		{Header: "E-mail", Attribute: events.Email, Type: events.String},
		{Header: "City", Attribute: "city", Type: events.String, Create: true},
	}}
}

func contactID(n int) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, n)) }

func accepted(row, contact int, attributes string) events.RowAccepted {
	return events.RowAccepted{Row: row, Line: row + 1, Contact: events.Contact{NxID: contactID(contact), Attributes: json.RawMessage(attributes)}}
}

func rejected(row int, codes ...string) events.RowRejected {
	r := events.RowRejected{Row: row, Line: row + 1}
	for _, code := range codes {
		r.Errors = append(r.Errors, events.RowError{Column: "E-mail", Code: code, Message: "This is " + code + ".", Value: "x"})
	}
	return r
}
