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
}

// work goes on until the process is killed, or ctx ends. see is told of the import
// in hand on each change.
func (l *killedLedger) work(ctx context.Context, c *client, see func(importObject)) error {
	for {
		// The key makes it one import, however often it is sent.
		i, err := l.file.send(ctx, c, l.file.name())
		if err != nil {
			return err
		}
		err = c.follow(ctx, i.ID, func(now importObject) bool {
			see(now)
			return false
		})
		if err != nil {
			return err
		}
		if _, err := c.toTheEnd(ctx, i.ID); err != nil {
			return err
		}
		l.ended = append(l.ended, i.ID)
		l.file.generation++
	}
}

// Kills come at any moment of the start and its recovery, and among the rows: of
// those there have to be some, which the times of the log's rows show.
func TestNoKillLosesARowOrDoublesOne(t *testing.T) {
	t.Parallel()
	draw, long := drawFaults(t)
	want := 2
	if long {
		want = 20
	}
	dir := pgtest.Dir(t)
	serve := []string{"serve", "--data", dir, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"}
	l := &killedLedger{file: contactsOf{rows: 20_000}}
	atRandom := 0
	var amongRows []time.Time
	for len(amongRows) < want {
		p := startProcess(t, nil, serve...)
		anyMoment, enough := (<-chan time.Time)(nil), 1+draw.IntN(l.file.rows/2)
		if draw.IntN(3) == 0 {
			anyMoment = time.After(time.Duration(draw.Int64N(int64(time.Second))))
		}
		ctx, cancel := context.WithCancel(t.Context())
		among, worked := make(chan struct{}, 1), make(chan error, 1)
		go func() {
			c, err := p.client()
			if err == nil {
				err = l.work(ctx, c, func(now importObject) {
					if now.settled() < enough || now.State.Final() {
						return
					}
					select {
					case among <- struct{}{}:
					default: // it is being killed
					}
				})
			}
			worked <- err
		}()
		if anyMoment != nil {
			select {
			case <-anyMoment:
				atRandom++
			case err := <-worked:
				t.Fatalf("before it was killed: %v", err)
			}
			p.kill()
		} else {
			select {
			case <-among:
			case err := <-worked:
				t.Fatalf("before it was killed: %v", err)
			}
			p.kill()
			amongRows = append(amongRows, time.Now())
		}
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
	between := 0
	for generation, id := range append(l.ended, last.ID) {
		f := contactsOf{generation, l.file.rows}
		decided[generation] = f.whole(t, c, id)
		between += c.outcomes(t, id).haveBetween(amongRows)
	}
	if between < len(amongRows)/2 {
		t.Errorf("of %d kills that were to hit among the rows, %d did", len(amongRows), between)
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
	t.Logf("%d kills at any moment, %d with rows of an import decided and others not, over %d imports", atRandom, between, len(decided))
}
