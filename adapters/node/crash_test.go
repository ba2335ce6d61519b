package node_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"importledger/adapters/node"
)

// childDir is set for a child process of the test below, which then is no test but a node that gets killed.
const childDir = "IMPORTLEDGER_NODE_TEST_CHILD"

const chunkSize = 50

// appendUntilKilled appends chunk after chunk and prints the position and the last id of each that was acknowledged.
func appendUntilKilled(dir string) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	n, err := node.Open(node.Config{Dir: dir})
	if err != nil {
		return fail(err)
	}
	cfg, err := esdb.ParseConnectionString(n.ConnectionString())
	if err != nil {
		return fail(err)
	}
	cfg.Logger = esdb.NoopLogging()
	client, err := esdb.NewClient(cfg)
	if err != nil {
		return fail(err)
	}
	for {
		events := make([]esdb.EventData, chunkSize)
		for i := range events {
			events[i] = event()
		}
		result, err := client.AppendToStream(context.Background(), "import-1", esdb.AppendToStreamOptions{}, events...)
		if err != nil {
			return fail(err)
		}
		fmt.Fprintln(os.Stdout, result.CommitPosition, events[len(events)-1].EventID)
	}
}

func TestKilledInTheMiddleOfAppendsTheNodeKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 4 {
		acknowledged := killAfter(t, dir, 1+round*15)
		n, err := node.Open(node.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		found := map[uint64]uuid.UUID{}
		read, err := connect(t, n.ConnectionString()).ReadAll(t.Context(), esdb.ReadAllOptions{From: esdb.Start{}}, ^uint64(0))
		if err != nil {
			t.Fatal(err)
		}
		for next := uint64(0); ; next++ {
			e, err := read.Recv()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e.Event.EventNumber != next {
				t.Fatalf("revision %d follows %d: half an append", e.Event.EventNumber, next)
			}
			found[e.Event.Position.Commit] = e.Event.EventID
		}
		read.Close()
		if len(found)%chunkSize != 0 {
			t.Fatalf("the log has %d events: half an append", len(found))
		}
		for position, id := range acknowledged {
			if found[position] != id {
				t.Fatalf("round %d: the acknowledged event at %d is gone", round, position)
			}
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter lets a child append, kills it with SIGKILL after so many acknowledged chunks, and returns all that the child
// still managed to acknowledge.
func killAfter(t *testing.T, dir string, chunks int) map[uint64]uuid.UUID {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[uint64]uuid.UUID{}
	for lines := bufio.NewReader(output); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // the kill below; an unfinished line was never an acknowledgement
		}
		var position uint64
		var id string
		if _, err := fmt.Fscan(strings.NewReader(line), &position, &id); err != nil {
			t.Fatal(err)
		}
		acknowledged[position] = uuid.MustParse(id)
		if len(acknowledged) == chunks {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || len(acknowledged) < chunks {
		t.Fatalf("the child ended by itself after %d chunks", len(acknowledged))
	}
	return acknowledged
}
