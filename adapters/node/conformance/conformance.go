// Package conformance says, as tests, what importledger relies on in an EventStoreDB server. It knows nothing but the
// client, so that the embedded node and real servers pass the same suite. What lives here: one subtest per behaviour.
// What may not: anything that only one of the servers does, or that a server shared with others would fail.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
)

// Run runs the suite against the server that connect reaches. It asks once; connect sees to the end of its client.
// Names of streams are new in each run.
func Run(t *testing.T, connect func(t *testing.T) *esdb.Client) {
	client := connect(t)
	for _, group := range []struct {
		name  string
		tests map[string]func(*ledger)
	}{
		{"append", appendTests},
		{"repeated append", repeatTests},
		{"read", readTests},
		{"stream subscription", streamSubscriptionTests},
		{"all subscription", allSubscriptionTests},
		{"filter", filterTests},
		{"delete", deleteTests},
		{"metadata", metadataTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for name, test := range group.tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(newLedger(t, client))
				})
			}
		})
	}
}

// patience ends a test that would otherwise wait for ever. No test waits for time to pass.
const patience = time.Minute

// ledger is one test's view of the server, with streams of its own.
type ledger struct {
	*testing.T
	client *esdb.Client
	ctx    context.Context
	run    string
}

func newLedger(t *testing.T, client *esdb.Client) *ledger {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return &ledger{T: t, client: client, ctx: ctx, run: uuid.NewString()}
}

// stream returns a name that begins with kind and that no other test uses.
func (l *ledger) stream(kind string) string { return l.prefix(kind) + "1" }

func (l *ledger) prefix(kind string) string { return kind + "-" + l.run + "-" }

// event returns an event with a new id.
func event(eventType string) esdb.EventData {
	id := uuid.New()
	return esdb.EventData{
		EventID:     id,
		EventType:   eventType,
		ContentType: esdb.ContentTypeJson,
		Data:        fmt.Appendf(nil, `{"id":%q}`, id),
		Metadata:    []byte(`{"v":1}`),
	}
}

func eventsOf(eventType string, n int) []esdb.EventData {
	out := make([]esdb.EventData, n)
	for i := range out {
		out[i] = event(eventType)
	}
	return out
}

func (l *ledger) tryAppend(stream string, expected esdb.ExpectedRevision, events ...esdb.EventData) (*esdb.WriteResult, error) {
	return l.client.AppendToStream(l.ctx, stream, esdb.AppendToStreamOptions{ExpectedRevision: expected}, events...)
}

func (l *ledger) append(stream string, expected esdb.ExpectedRevision, events ...esdb.EventData) *esdb.WriteResult {
	l.Helper()
	result, err := l.tryAppend(stream, expected, events...)
	if err != nil {
		l.Fatalf("append to %s: %v", stream, err)
	}
	return result
}

func position(r *esdb.WriteResult) esdb.Position {
	return esdb.Position{Commit: r.CommitPosition, Prepare: r.PreparePosition}
}

const everything = ^uint64(0)

func (l *ledger) tryRead(stream string, direction esdb.Direction, from esdb.StreamPosition, count uint64) ([]*esdb.RecordedEvent, error) {
	return collect(l.client.ReadStream(l.ctx, stream, esdb.ReadStreamOptions{Direction: direction, From: from}, count))
}

func (l *ledger) read(stream string, direction esdb.Direction, from esdb.StreamPosition, count uint64) []*esdb.RecordedEvent {
	l.Helper()
	events, err := l.tryRead(stream, direction, from, count)
	if err != nil {
		l.Fatalf("read %s: %v", stream, err)
	}
	return events
}

func (l *ledger) readAll(direction esdb.Direction, from esdb.AllPosition, count uint64) []*esdb.RecordedEvent {
	l.Helper()
	events, err := collect(l.client.ReadAll(l.ctx, esdb.ReadAllOptions{Direction: direction, From: from}, count))
	if err != nil {
		l.Fatalf("read $all: %v", err)
	}
	return events
}

func collect(stream *esdb.ReadStream, err error) ([]*esdb.RecordedEvent, error) {
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	var events []*esdb.RecordedEvent
	for {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, event.OriginalEvent())
	}
}

// wantCode fails the test unless err carries the client's error code.
func (l *ledger) wantCode(err error, code esdb.ErrorCode) {
	l.Helper()
	failure, ok := errors.AsType[*esdb.Error](err)
	if !ok || !failure.IsErrorCode(code) {
		l.Fatalf("got %v, want an error of code %d", err, code)
	}
}

func (l *ledger) wantSame(got []*esdb.RecordedEvent, want []esdb.EventData) {
	l.Helper()
	if !slices.Equal(recordedIDs(got), appendedIDs(want)) {
		l.Fatalf("got %d events %v, want %d events %v", len(got), recordedIDs(got), len(want), appendedIDs(want))
	}
}

func (l *ledger) wantMissing(stream string) {
	l.Helper()
	_, err := l.tryRead(stream, esdb.Forwards, esdb.Start{}, 1)
	l.wantCode(err, esdb.ErrorCodeResourceNotFound)
}

func recordedIDs(events []*esdb.RecordedEvent) []uuid.UUID {
	ids := make([]uuid.UUID, len(events))
	for i, e := range events {
		ids[i] = e.EventID
	}
	return ids
}

func appendedIDs(events []esdb.EventData) []uuid.UUID {
	ids := make([]uuid.UUID, len(events))
	for i, e := range events {
		ids[i] = e.EventID
	}
	return ids
}

func reversed(events []esdb.EventData) []esdb.EventData {
	out := slices.Clone(events)
	slices.Reverse(out)
	return out
}
