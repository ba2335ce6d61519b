package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"importledger/projections"
)

// of gives a setting that the processes share.
func (s *shared) of(setting string) string {
	s.t.Helper()
	for _, line := range s.env {
		if value, ok := strings.CutPrefix(line, setting+"="); ok {
			return value
		}
	}
	s.t.Fatal("the processes do not share " + setting)
	return ""
}

func (s *shared) databaseURL() string { return s.of("IMPORTLEDGER_DATABASE_URL") }

// rowsHash is of all that the read models have.
func rowsHash(t *testing.T, url string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	rows, err := conn.Query(t.Context(), `SELECT schemaname || '.' || tablename FROM pg_tables
		WHERE schemaname = ANY($1) AND tablename <> 'checkpoint' ORDER BY 1`, projections.Names())
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < len(projections.Names()) {
		t.Fatal(tables, err)
	}
	all := ""
	for _, table := range tables {
		var hash string
		err := conn.QueryRow(t.Context(), "SELECT coalesce(md5(string_agg(x::text, E'\n' ORDER BY x::text)), 'empty') FROM "+table+" x").Scan(&hash)
		if err != nil {
			t.Fatal(err)
		}
		all += table + " " + hash + "\n"
	}
	return all
}

// pair is two processes of one ledger, of which one or both are killed and started
// again, and those who read meanwhile.
type pair struct {
	s     *shared
	doors sync.RWMutex // held by whoever asks something that must not fail
	alive [2]*process
	at    [2]*client
	open  int // the one that is asked
}

func newPair(s *shared) *pair {
	c := &pair{s: s}
	for i := range c.alive {
		c.alive[i], c.at[i] = s.serve()
	}
	return c
}

// asking gives a client that is answered until it is given back.
func (c *pair) asking() (*client, func()) {
	c.doors.RLock()
	return c.at[c.open], c.doors.RUnlock
}

// kill kills one process while the other is asked, or both while nobody asks, and
// starts anew what it killed.
func (c *pair) kill(one int, both bool) {
	c.doors.Lock()
	c.open = 1 - one
	if !both {
		c.doors.Unlock()
		c.alive[one].kill()
		c.alive[one], c.at[one] = c.s.serve()
		return
	}
	defer c.doors.Unlock()
	for i := range c.alive {
		c.alive[i].kill()
	}
	for i := range c.alive {
		c.alive[i], c.at[i] = c.s.serve()
	}
}

// rebuilds gives how far each rebuild is that is asked for.
func (c *client) rebuilds(t *testing.T) map[string]*rebuildStatus {
	t.Helper()
	all, err := c.projections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]*rebuildStatus{}
	for _, s := range all {
		if s.Rebuild != nil {
			of[s.Name] = s.Rebuild
		}
	}
	return of
}

func (c *client) limitRebuilds(t *testing.T, perSecond string) {
	t.Helper()
	limit, err := limitOf([]string{perSecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.send(t.Context(), call{method: http.MethodPut, path: "/ops/rebuild-limit", repeat: true}, limit, nil); err != nil {
		t.Fatal(err)
	}
}

// Fault 8: a rebuild under live imports, killed at random points. The old tables serve
// all along, the rebuild goes on where it was, and two rebuilds make equal rows.
func TestARebuildThatIsKilledAmongLiveImportsGoesOn(t *testing.T) {
	t.Parallel()
	draw, long := drawFaults(t)
	kills := 3
	if long {
		kills = 25
	}
	s := newShared(t)
	c := newPair(s)
	first := contactsOf{0, 20_000}
	i, err := first.send(t.Context(), c.at[0], first.name())
	if err != nil {
		t.Fatal(err)
	}
	first.whole(t, c.at[0], i.ID)

	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() { c.importOn(ctx, t) })
	working.Go(func() { c.readOn(ctx, t) })
	var lived sync.Once
	end := func() { lived.Do(func() { stop(); working.Wait() }) }
	defer end()

	begun, resumed := 0, 0
	for range kills {
		asked, done := c.asking()
		asked.limitRebuilds(t, fmt.Sprint(4000+draw.IntN(8000)))
		if len(asked.rebuilds(t)) == 0 {
			if err := asked.askOf(t.Context(), allModels, "rebuild"); err != nil {
				t.Fatal(err)
			}
			begun++
		}
		reached := asked.reaches(t, draw.Int64N(15_000))
		asked.limitRebuilds(t, "500") // what is left takes longer than a process to start
		done()
		c.kill(draw.IntN(2), draw.IntN(3) == 0)
		asked, done = c.asking()
		for name, r := range asked.rebuilds(t) {
			if was := reached[name]; was != nil {
				resumed++
				if r.Events < was.Events {
					t.Errorf("the rebuild of %s was at %d events before the kill, and is at %d", name, was.Events, r.Events)
				}
			}
		}
		done()
	}
	asked, done := c.asking()
	defer done()
	asked.limitRebuilds(t, "off")
	asked.awaitNoRebuild(t)
	end()
	asked.verified(t)
	hash := rowsHash(t, s.databaseURL())
	if err := asked.askOf(t.Context(), allModels, "rebuild"); err != nil {
		t.Fatal(err)
	}
	asked.awaitNoRebuild(t)
	if again := rowsHash(t, s.databaseURL()); again != hash {
		t.Errorf("two rebuilds differ:\n%s\n%s", hash, again)
	}
	for _, p := range c.alive {
		if strings.Contains(p.output(), "begins anew") {
			t.Error("a rebuild of this very version began anew")
		}
	}
	t.Logf("%d kills of %d rebuilds; %d times one went on", kills, begun, resumed)
	if resumed == 0 {
		t.Error("no kill came while a rebuild was under way: nothing was tried")
	}
}

// reaches waits until a rebuild has come to so many events, or has ended.
func (c *client) reaches(t *testing.T, events int64) map[string]*rebuildStatus {
	t.Helper()
	for {
		now := c.rebuilds(t)
		if len(now) == 0 {
			return now
		}
		for _, r := range now {
			if r.Events >= events {
				return now
			}
		}
		c.rest(t)
	}
}

func (c *client) awaitNoRebuild(t *testing.T) {
	t.Helper()
	for all := c.rebuilds(t); len(all) > 0; all = c.rebuilds(t) {
		for name, r := range all {
			if r.State == "failed" {
				t.Fatalf("the rebuild of %s: %s", name, deref(r.LastError))
			}
		}
		c.rest(t)
	}
}

// rest keeps whoever asks again and again from taking the machine from what is asked about.
func (c *client) rest(t *testing.T) {
	t.Helper()
	select {
	case <-time.After(10 * time.Millisecond):
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}

// importOn imports one file after the other at whichever process is there.
func (c *pair) importOn(ctx context.Context, t *testing.T) {
	for generation := 1; ctx.Err() == nil; generation++ {
		f := contactsOf{generation, 300}
		for {
			at, done := c.asking()
			_, err := f.send(t.Context(), at, f.name())
			done()
			if err == nil {
				break
			}
			t.Errorf("an import during a rebuild: %v", err)
			return
		}
	}
}

// readOn reads contacts and imports, which never get fewer.
func (c *pair) readOn(ctx context.Context, t *testing.T) {
	last := 0
	for ctx.Err() == nil {
		at, done := c.asking()
		var answer struct{ Count int }
		_, err := at.get(t.Context(), "/people/contacts/count", &answer)
		if err == nil {
			_, err = at.get(t.Context(), "/people/imports?pageSize=5", &[]importObject{})
		}
		done()
		if err != nil || answer.Count < last {
			t.Errorf("%d contacts after %d: %v", answer.Count, last, err)
			return
		}
		last = answer.Count
	}
}
