package main

import (
	"context"
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"importledger/adapters/postgres/pgtest"
)

var (
	faults   = flag.String("faults", "short", "how long faults are made for: short or long")
	faultsAt = flag.Uint64("seed", 1, "which moments faults are made at")
)

// drawFaults gives the generator of a test's moments and tells how to repeat them,
// as far as a machine repeats its timing.
func drawFaults(t *testing.T) (draw *rand.Rand, long bool) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("to repeat: go test ./cmd/importledger -run '^%s$' -faults=%s -seed=%d", t.Name(), *faults, *faultsAt)
		}
	})
	return rand.New(rand.NewPCG(*faultsAt, 0)), *faults == "long"
}

// killedLedger is a ledger whose process is killed and started again, and what its
// user wants of it meanwhile: one file imported after the other.
type killedLedger struct {
	file  contactsOf // in hand
	ended []string   // imports of earlier files
	// found is how many rows of an import were decided when it was come back to.
	found []int
}

// work goes on until the process is killed, or ctx ends.
func (l *killedLedger) work(ctx context.Context, c *client) error {
	for {
		// The key makes it one import, however often it is sent.
		i, err := l.file.send(ctx, c, l.file.name())
		if err != nil {
			return err
		}
		l.found = append(l.found, i.settled())
		if _, err := c.toTheEnd(ctx, i.ID); err != nil {
			return err
		}
		l.ended = append(l.ended, i.ID)
		l.file.generation++
	}
}

func TestNoKillLosesARowOrDoublesOne(t *testing.T) {
	draw, long := drawFaults(t)
	kills := 3
	if long {
		kills = 20
	}
	dir := pgtest.Dir(t)
	serve := []string{"serve", "--data", dir, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"}
	l := &killedLedger{file: contactsOf{rows: 20_000}}
	starting, importing := 0, 0
	for range kills {
		p := startProcess(t, nil, serve...)
		// Half of the kills may hit the start and its recovery, half only hit what
		// comes after it.
		duringStart := draw.IntN(2) == 0
		after := time.Duration(draw.Int64N(int64(600 * time.Millisecond)))
		ctx, cancel := context.WithCancel(t.Context())
		served, worked := make(chan struct{}), make(chan error, 1)
		go func() {
			c, err := p.client()
			close(served)
			if err == nil {
				err = l.work(ctx, c)
			}
			worked <- err
		}()
		if !duringStart {
			<-served
		}
		select {
		case <-time.After(after):
		case err := <-worked:
			t.Fatalf("before it was killed: %v", err)
		}
		select {
		case <-served:
			importing++
		default:
			starting++
		}
		p.kill()
		cancel()
		if err := <-worked; err == nil {
			t.Fatal("the work ended although it never does")
		}
	}
	c := startProcess(t, nil, serve...).serving()
	last, err := l.file.send(t.Context(), c, l.file.name())
	if err != nil {
		t.Fatal(err)
	}
	decided := make(map[int]string)
	for generation, id := range append(l.ended, last.ID) {
		f := contactsOf{generation, l.file.rows}
		decided[generation] = f.whole(t, c, id)
	}
	if got, want := c.contacts(t), len(decided)*l.file.good(); got != want {
		t.Errorf("%d contacts, want %d", got, want)
	}
	c.verified(t)

	// The same file without faults has the same decided about each row.
	again, err := l.file.send(t.Context(), c, "again")
	if err != nil {
		t.Fatal(err)
	}
	if got := l.file.whole(t, c, again.ID); got != decided[l.file.generation] || again.ID == last.ID {
		t.Errorf("undisturbed, the rows are decided otherwise")
	}
	t.Logf("%d kills while starting, %d later, over %d imports; rows decided at each return: %d", starting, importing, len(decided), l.found)
}
