package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"importledger/adapters/eventstore"
	"importledger/adapters/postgres/pgtest"
	"importledger/events"
)

// copyLogs runs copy-log to its end.
func copyLogs(t *testing.T, from, to string) (c copied) {
	t.Helper()
	var out, said bytes.Buffer
	command := exec.Command("importledger", "copy-log", "--from", from, "--to", to, "--json", "--data", t.TempDir())
	command.Env, command.Stdout, command.Stderr = cleanEnv(), &out, &said
	if err := command.Run(); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	if err := json.Unmarshal(out.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// reached returns once a log holds so many events of the ledger.
func reached(t *testing.T, connect string, enough int) {
	t.Helper()
	log, err := eventstore.Open(t.Context(), connect, eventstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	feed, err := eventstore.NewBatchSubscriber(log, eventstore.BatchConfig{From: fromTheBeginning})
	if err != nil {
		t.Fatal(err)
	}
	batches, err := feed.Subscribe(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	for held := 0; held < enough; {
		held += eventsIn(t, <-batches)
	}
	if err := feed.Close(); err != nil {
		t.Error(err)
	}
}

func eventsIn(t *testing.T, m *message.Message) int {
	t.Helper()
	b, err := events.UnmarshalBatch(m.Payload)
	if err != nil {
		t.Fatal(err)
	}
	m.Ack()
	return len(b.Events)
}

// A log is copied by processes that are killed in the middle of it; what the read models
// make of the copy is what they make of the source.
func TestALogIsCopiedByProcessesThatAreKilled(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	source := envValue(s.env, "IMPORTLEDGER_EVENTSTORE_URL")
	serving, c := s.serve()
	var files []contactsOf
	var ids, decided []string
	for n := range 3 {
		f := contactsOf{n, 20_000}
		i, err := f.send(t.Context(), c, f.name())
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		ids, decided = append(ids, i.ID), append(decided, f.whole(t, c, i.ID))
	}
	contacts := c.contacts(t)
	serving.stop()

	target := startProcess(t, nil, "node", "--data", t.TempDir(), "--listen", "127.0.0.1:0")
	to, ok := target.address()
	if !ok {
		t.Fatal(target.output())
	}
	for _, enough := range []int{5_000, 35_000} {
		copying := startProcess(t, nil, "copy-log", "--from", source, "--to", to, "--data", t.TempDir())
		reached(t, to, enough)
		copying.kill()
		if copying.status == nil {
			t.Fatalf("it was done before it was killed, with %d events in the target", enough)
		}
	}
	result := copyLogs(t, source, to)
	t.Logf("%+v", result)
	if !result.Equal || result.Source != result.Target || result.Copied == 0 || result.Copied > result.Source.Events-35_000 {
		t.Errorf("%+v", result)
	}

	moved := shared{t: t, env: append(s.env, "IMPORTLEDGER_EVENTSTORE_URL="+to, "IMPORTLEDGER_DATABASE_URL="+pgtest.URL(t))}
	_, there := moved.serve()
	there.patience = time.Minute
	for n, id := range ids {
		if files[n].whole(t, there, id) != decided[n] {
			t.Errorf("import %s has other rows in the copy", id)
		}
	}
	if got := there.contacts(t); got != contacts {
		t.Errorf("%d contacts from the copy, want %d", got, contacts)
	}
	there.verified(t)
}

func fromTheBeginning(context.Context) (events.Position, error) { return events.Position{}, nil }

func envValue(env []string, name string) string { return environment(env).get(name) }
