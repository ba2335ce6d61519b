package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"importledger/adapters/postgres/pgtest"
)

// midway begins an import that is long enough to be disturbed, and returns when rows
// of it are decided and others are not.
func midway(t *testing.T, c *client, f contactsOf) importObject {
	t.Helper()
	i, err := f.send(t.Context(), c, f.name())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.follow(t.Context(), i.ID, func(now importObject) bool { return now.settled() > 0 }); err != nil {
		t.Fatal(err)
	}
	return i
}

// wantUnavailable checks that the error is a 503 that says when to try again.
func wantUnavailable(t *testing.T, what string, err error) {
	t.Helper()
	refused, ok := errors.AsType[*apiError](err)
	if !ok || refused.Status != http.StatusServiceUnavailable || refused.retryAfter <= 0 {
		t.Errorf("%s while it is gone: got %v, want 503 and Retry-After", what, err)
	}
}

// notReady checks that a server says that it is not ready, and what it misses.
func notReady(t *testing.T, c *client, what string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), what) {
		t.Errorf("/readyz without %s: %s %s", what, response.Status, text)
	}
}

func serveOn(t *testing.T, env ...string) *client {
	t.Helper()
	dir := pgtest.Dir(t)
	env = append(env, "IMPORTLEDGER_MAX_ROWS=100000")
	return startProcess(t, env, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0").serving()
}

var long = contactsOf{rows: 40_000}

func TestAnImportGoesOnWhenTheEventStoreIsBack(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	node := startProcess(t, nil, "node", "--data", data, "--listen", "127.0.0.1:0")
	at, ok := node.address()
	if !ok {
		t.Fatal(node.output())
	}
	c := serveOn(t, "IMPORTLEDGER_EVENTSTORE_URL="+at, "IMPORTLEDGER_DATABASE_URL="+pgtest.URL(t))
	i := midway(t, c, long)

	node.kill()
	another := contactsOf{generation: 1, rows: 200}
	_, err := another.send(t.Context(), c, "another")
	wantUnavailable(t, "an upload", err)
	_, err = c.get(t.Context(), importPath(i.ID, "/history?limit=1"), nil)
	wantUnavailable(t, "a history", err)
	notReady(t, c, "event-store")

	address, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	startProcess(t, nil, "node", "--data", data, "--listen", address.Host).address()
	long.whole(t, c, i.ID)
	// What was refused was not half done: asked again, it is done once.
	later, err := another.send(t.Context(), c.patient(), "another")
	if err != nil {
		t.Fatal(err)
	}
	another.whole(t, c, later.ID)
	if got, want := c.contacts(t), long.good()+another.good(); got != want {
		t.Errorf("%d contacts, want %d", got, want)
	}
	c.verified(t)
}

// patient is a client that tries again what may be tried again.
func (c *client) patient() *client {
	p := newClient(c.base, c.id, c.secret)
	p.patience, p.http = newClient("", "", "").patience, c.http
	return p
}

func TestAnImportGoesOnWhenPostgresIsBack(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Cluster(t, pgtest.Config(pgtest.Dir(t)))
	door := newDoor(t, cluster.URL())
	c := serveOn(t, "IMPORTLEDGER_DATABASE_URL="+door.url)
	i := midway(t, c, long)

	door.shut()
	kill(t, cluster.PID())
	_, err := c.get(t.Context(), "/people/contacts/count", nil)
	wantUnavailable(t, "a count", err)
	another := contactsOf{generation: 1, rows: 200}
	_, err = another.send(t.Context(), c, "another")
	wantUnavailable(t, "an upload", err)
	notReady(t, c, "postgres")
	door.open()

	c = c.patient()
	long.whole(t, c, i.ID)
	later, err := another.send(t.Context(), c, "another")
	if err != nil {
		t.Fatal(err)
	}
	another.whole(t, c, later.ID)
	c.verified(t)
}

// A store that falls silent keeps its connections, and answers nothing.
func TestAnImportGoesOnWhenASilentEventStoreAnswersAgain(t *testing.T) {
	t.Parallel()
	node := startProcess(t, nil, "node", "--data", t.TempDir(), "--listen", "127.0.0.1:0")
	at, ok := node.address()
	if !ok {
		t.Fatal(node.output())
	}
	c := serveOn(t, "IMPORTLEDGER_EVENTSTORE_URL="+at, "IMPORTLEDGER_DATABASE_URL="+pgtest.URL(t))
	i := midway(t, c, long)

	node.signal(syscall.SIGSTOP)
	defer node.signal(syscall.SIGCONT) // one that is stopped cannot be ended
	another := contactsOf{generation: 1, rows: 200}
	_, err := another.send(t.Context(), c, "another")
	wantUnavailable(t, "an upload", err)
	_, err = c.get(t.Context(), importPath(i.ID, "/history?limit=1"), nil)
	wantUnavailable(t, "a history", err)
	notReady(t, c, "event-store")
	node.signal(syscall.SIGCONT)

	c = c.patient()
	long.whole(t, c, i.ID)
	later, err := another.send(t.Context(), c, "another")
	if err != nil {
		t.Fatal(err)
	}
	another.whole(t, c, later.ID)
	c.verified(t)
}

// Postgres is killed again and again while rows come into the read models.
func TestAnImportGoesOnWhenThePrivatePostgresIsKilled(t *testing.T) {
	draw, longer := drawFaults(t)
	t.Parallel()
	kills := 3
	if longer {
		kills = 20
	}
	dir := pgtest.Dir(t)
	c := startProcess(t, []string{"IMPORTLEDGER_MAX_ROWS=100000"}, "serve", "--data", dir,
		"--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0").serving().patient()
	f := contactsOf{rows: kills * 5000}
	i := midway(t, c, f)
	last := 0
	for range kills {
		last = privatePostgres(t, dir, last)
		kill(t, last)
		seen, _, err := c.getImport(t.Context(), i.ID) // it is there again
		if err != nil {
			t.Fatal(err)
		}
		enough := seen.settled() + draw.IntN(5000)
		for seen.settled() < enough && !seen.State.Final() {
			// The stream that tells of it may break together with Postgres.
			err := c.follow(t.Context(), i.ID, func(now importObject) bool {
				seen = now
				return now.settled() >= enough
			})
			if err != nil && t.Context().Err() != nil {
				t.Fatal(err)
			}
		}
	}
	f.whole(t, c, i.ID)
	if got := c.contacts(t); got != f.good() {
		t.Errorf("%d contacts, want %d", got, f.good())
	}
	c.verified(t)
}

// privatePostgres is the process of a data directory's Postgres, once it is another
// than the last.
func privatePostgres(t *testing.T, dir string, last int) (pid int) {
	t.Helper()
	for giveUp := time.Now().Add(time.Minute); time.Now().Before(giveUp); <-time.After(10 * time.Millisecond) {
		found, err := filepath.Glob(filepath.Join(dir, "postgres", "*", "postmaster.pid"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			text, err := os.ReadFile(file)
			if err != nil {
				continue // it is being replaced
			}
			if first, _, ok := strings.Cut(string(text), "\n"); ok {
				if pid, err := strconv.Atoi(first); err == nil && pid != last {
					return pid
				}
			}
		}
	}
	t.Fatal("Postgres was not started again")
	return 0
}

func kill(t *testing.T, pid int) {
	t.Helper()
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// door stands in front of Postgres: while it is shut, nobody is behind it.
type door struct {
	url      string
	behind   string
	listener net.Listener
	passing  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
}

func newDoor(t *testing.T, to string) *door {
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{behind: u.Host, listener: listener, conns: map[net.Conn]bool{}}
	u.Host = listener.Addr().String()
	d.url = u.String()
	d.passing.Go(d.serve)
	t.Cleanup(func() {
		listener.Close()
		d.shut()
		d.passing.Wait()
	})
	return d
}

func (d *door) serve() {
	for {
		in, err := d.listener.Accept()
		if err != nil {
			return
		}
		out, err := new(net.Dialer).DialContext(context.Background(), "tcp", d.behind)
		if err != nil || !d.lets(in, out) {
			in.Close()
			if out != nil {
				out.Close()
			}
			continue
		}
		for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
			d.passing.Go(func() {
				io.Copy(way[0], way[1]) // its end is all that matters of it
				way[0].Close()
				way[1].Close()
			})
		}
	}
}

func (d *door) lets(both ...net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range both {
		d.conns[c] = true
	}
	return !d.closed
}

func (d *door) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for c := range d.conns {
		c.Close()
		delete(d.conns, c)
	}
}

func (d *door) open() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = false
}
