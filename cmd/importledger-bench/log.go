package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"importledger/adapters/eventstore"
	"importledger/adapters/node"
	"importledger/adapters/postgres"
	"importledger/events"
	"importledger/projections"
)

// eventLog is a node of the bench's own and a client to it.
type eventLog struct {
	*eventstore.Log
	node *node.Node
}

func openLog(ctx context.Context, dir string) (*eventLog, error) {
	n, err := node.Open(node.Config{Dir: dir})
	if err != nil {
		return nil, err
	}
	log, err := eventstore.Open(ctx, n.ConnectionString(), eventstore.Config{})
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return &eventLog{log, n}, nil
}

func (l *eventLog) close() error {
	l.Log.Close()
	return l.node.Close()
}

const (
	chunkEvents = 2000 // as the worker makes them
	importRows  = 20_000
)

// importEvents are the events of one import of A's shape: started, mapped, its
// rows and completed. Each import is about contacts of its own.
func importEvents(importID string, number int) ([]events.Proposed, error) {
	facts := []events.Event{
		events.ImportStarted{Name: "A", Type: events.Manual, ImportMode: events.Contacts, KeyIdentifier: events.Email,
			File: events.File{Name: "a.csv", Separator: ",", Encoding: "utf-8", Header: inputA.header(), Rows: importRows}},
		columnsOf(inputA),
	}
	for row := 1; row <= importRows; row++ {
		facts = append(facts, rowOf(number, row))
	}
	facts = append(facts, events.ImportCompleted{Accepted: importRows})
	encoder := events.NewEncoder(events.ImportStream(importID), events.Meta{At: 1795500000000, Actor: "bench", CorrelationID: importID})
	proposed := make([]events.Proposed, len(facts))
	var next events.Place
	for i, fact := range facts {
		p, recorded, err := encoder.Encode(next, fact)
		if err != nil {
			return nil, err
		}
		proposed[i], next = p, recorded.Next()
	}
	return proposed, nil
}

func columnsOf(in input) events.ColumnsMapped {
	var mapped events.ColumnsMapped
	for _, h := range in.header() {
		c := events.Column{Header: h, Attribute: h, Type: events.AttributeType(attributeType(h))}
		if c.Create = c.Type != ""; !c.Create {
			c.Type = events.String
		}
		mapped.Columns = append(mapped.Columns, c)
	}
	return mapped
}

func rowOf(number, row int) events.Event {
	email := fmt.Sprintf("c%d.%d@example.com", number, row)
	attributes := fmt.Appendf(nil, `{"email":%q,"firstName":"abcdefghi","lastName":"jklmnopqr","phone":"32471%06d","language":"en","vip":true,"score":%d,`+
		`"attr07":"stuvwxyza","attr08":"bcdefghij","attr09":"klmnopqrs"}`, email, row, row%1000)
	return events.RowAccepted{Row: row, Line: row + 1, Contact: events.Contact{NxID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(email)), Attributes: json.RawMessage(attributes)}}
}

// appends measures what the log takes through the client, in the worker's chunks,
// beside writing the same bytes to a file with as many fsyncs.
func appends(ctx context.Context, b *bench) (_ []figure, err error) {
	log, err := openLog(ctx, filepath.Join(b.dir, "append"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.close()) }()
	var runs, floors []float64
	for run := range b.runs + 1 {
		id := fmt.Sprintf("bench-%d", run)
		all, err := importEvents(id, run)
		if err != nil {
			return nil, err
		}
		took, err := log.appendAll(ctx, events.ImportStream(id), all)
		if err != nil {
			return nil, err
		}
		least, err := writeAll(filepath.Join(b.dir, "append-floor"), all)
		if err != nil {
			return nil, err
		}
		if run > 0 {
			n := float64(len(all))
			runs, floors = append(runs, n/took.Seconds()), append(floors, n/least.Seconds())
		}
	}
	return []figure{measured("append", "events/s", runs, floors, "", nil)}, nil
}

func (l *eventLog) appendAll(ctx context.Context, stream string, all []events.Proposed) (time.Duration, error) {
	begin := time.Now()
	expected := uint64(0)
	for chunk := range eventstore.Chunk(all, chunkEvents) {
		if _, err := l.Append(ctx, stream, expected, chunk); err != nil {
			return 0, err
		}
		expected += uint64(len(chunk))
	}
	return time.Since(begin), nil
}

func writeAll(path string, all []events.Proposed) (_ time.Duration, err error) {
	begin := time.Now()
	file, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for chunk := range eventstore.Chunk(all, chunkEvents) {
		var bytes []byte
		for _, e := range chunk {
			bytes = append(append(bytes, e.Data...), e.Metadata...)
		}
		if _, err := file.Write(bytes); err != nil {
			return 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, err
		}
	}
	return time.Since(begin), nil
}

// rebuildImports times importRows is how many events a rebuild reads.
const rebuildImports = 50

// rebuild measures making all read models anew from a million events, beside
// reading the same events with the client and doing nothing with them.
func rebuild(ctx context.Context, b *bench) (_ []figure, err error) {
	log, err := openLog(ctx, filepath.Join(b.dir, "rebuild"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.close()) }()
	total := 0
	for number := range rebuildImports {
		id := fmt.Sprintf("rebuild-%d", number)
		all, err := importEvents(id, number)
		if err != nil {
			return nil, err
		}
		if _, err := log.appendAll(ctx, events.ImportStream(id), all); err != nil {
			return nil, err
		}
		total += len(all)
	}
	projector, pool, cleanUp, err := b.projector(ctx, log)
	if err != nil {
		return nil, err
	}
	defer cleanUp()
	var runs, floors []float64
	for range min(b.runs, 3) { // each takes tens of seconds
		least, err := timed(func() error {
			for _, err := range log.CatchUp(ctx, events.Position{}, 5000) {
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		took, err := timed(func() error { return projector.Rebuild(ctx, nil, nil) })
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(b.progress, "  %.0f events/s, reading alone %.0f\n", float64(total)/took.Seconds(), float64(total)/least.Seconds())
		runs, floors = append(runs, float64(total)/took.Seconds()), append(floors, float64(total)/least.Seconds())
	}
	figures := []figure{measured("rebuild", "events/s", runs, floors, "≥ 0.4 ×", func(_, ratio float64) bool { return ratio >= 0.4 })}
	swaps, err := swaps(ctx, b, projector, pool)
	return append(figures, swaps...), err
}

// swaps measures how long readers wait for an answer while each read model is swapped
// once, beside the same readers while nothing is, for as long: the longest of more reads
// is longer.
func swaps(ctx context.Context, b *bench, projector *projections.Projector, pool *pgxpool.Pool) ([]figure, error) {
	var runs, floors []float64
	for range min(b.runs, 5) {
		begin := time.Now()
		most, err := longestRead(ctx, pool, func() error {
			for _, name := range projections.Names() {
				if err := projector.AskRollback(ctx, name); err != nil { // brings nothing up: a swap and no more
					return err
				}
			}
			return rebuiltAll(ctx, projector)
		})
		if err != nil {
			return nil, err
		}
		swapping := time.Since(begin)
		least, err := longestRead(ctx, pool, func() error { return pause(ctx, swapping) })
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(b.progress, "  longest read %.1f ms while swapping, for %.1f s, %.1f ms while not\n", most, swapping.Seconds(), least)
		runs, floors = append(runs, most), append(floors, least)
	}
	return []figure{measured("rebuild swap, longest read", "ms", runs, floors, "< 50 ms more", func(most, ratio float64) bool { return most-most/ratio < 50 })}, nil
}

// rebuiltAll works off what is asked for.
func rebuiltAll(ctx context.Context, projector *projections.Projector) error {
	working, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { projector.RunRebuilds(working) })
	defer running.Wait()
	defer stop()
	for {
		all, err := projector.Status(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(s projections.Status) bool { return s.Rebuild != nil }) {
			return nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// longestRead is how many milliseconds the slowest of many readers' queries took while
// something was done.
func longestRead(ctx context.Context, pool *pgxpool.Pool, while func() error) (float64, error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	const readers = 4
	longest, errs := make([]time.Duration, readers), make([]error, readers)
	var working sync.WaitGroup
	for i := range readers {
		working.Go(func() {
			for reading.Err() == nil && errs[i] == nil {
				took, err := timed(func() error {
					if _, _, err := projections.ListImports(ctx, pool, projections.ImportFilter{Page: 1, PageSize: 20}); err != nil {
						return err
					}
					_, err := projections.ListContacts(ctx, pool, 1, 20, projections.NewestFirst)
					return err
				})
				longest[i], errs[i] = max(longest[i], took), err
			}
		})
	}
	err := while()
	stop()
	working.Wait()
	return float64(slices.Max(longest).Microseconds()) / 1000, errors.Join(append(errs, err)...)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *bench) projector(ctx context.Context, log *eventLog) (*projections.Projector, *pgxpool.Pool, func(), error) {
	url, err := b.newDatabase(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	var pool *pgxpool.Pool
	if pool, err = postgres.Open(ctx, url, postgres.PoolConfig{}); err != nil {
		return nil, nil, nil, err
	}
	if err := postgres.Migrate(ctx, pool); err != nil {
		pool.Close()
		return nil, nil, nil, err
	}
	projector := projections.New(pool, log, projections.Config{IsTransient: postgres.IsUnavailable, Now: time.Now, After: time.After, Logger: discard()})
	if _, err := projector.Ensure(ctx); err != nil {
		pool.Close()
		return nil, nil, nil, err
	}
	return projector, pool, pool.Close, nil
}

func timed(do func() error) (time.Duration, error) {
	begin := time.Now()
	err := do()
	return time.Since(begin), err
}
