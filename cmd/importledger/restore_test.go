package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"importledger/adapters/eventstore"
	"importledger/adapters/postgres/pgtest"
	"importledger/events"
	"importledger/projections"
)

// backedUp is a ledger whose log, in a folder, and database can be put back as they were.
type backedUp struct {
	*shared
	folder string // of the log
	url    string // of the database
}

func newBackedUp(t *testing.T) *backedUp {
	b := &backedUp{shared: newShared(t), folder: t.TempDir()}
	b.url = envValue(b.env, "IMPORTLEDGER_DATABASE_URL")
	return b
}

// node serves a folder's log, at an address that is named or at any.
func (b *backedUp) node(folder, listen string) (*process, string) {
	b.t.Helper()
	p := startProcess(b.t, nil, "node", "--data", folder, "--listen", listen)
	at, ok := p.address()
	if !ok {
		b.t.Fatal(p.output())
	}
	return p, at
}

// over runs a ledger over a log and a database.
func (b *backedUp) over(log, url string) *shared {
	return &shared{t: b.t, env: append(append([]string{}, b.env...), "IMPORTLEDGER_EVENTSTORE_URL="+log, "IMPORTLEDGER_DATABASE_URL="+url)}
}

// with does something while a ledger is served, and stops it.
func (s *shared) with(do func(*client)) {
	s.t.Helper()
	p, c := s.serve()
	c.patience = time.Minute
	do(c)
	p.stop()
}

// refuses checks that no server starts, and that it says why.
func (s *shared) refuses(code string) {
	s.t.Helper()
	p := startProcess(s.t, s.env, "serve", "--data", s.t.TempDir(), "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0")
	if at, ok := p.address(); ok {
		s.t.Fatalf("it serves %s", at)
	}
	<-p.exited
	if p.status == nil || !strings.Contains(p.output(), "importledger: "+code+": ") || !strings.Contains(p.output(), "importledger accept-log") {
		s.t.Errorf("want %s and what to do, it said:\n%s", code, p.output())
	}
	said, err := s.run("doctor")
	if err == nil || !strings.Contains(said, code) {
		s.t.Errorf("doctor: %v, %s", err, said)
	}
}

// run runs a command to its end and gives what it printed.
func (s *shared) run(args ...string) (string, error) {
	s.t.Helper()
	command := exec.Command("importledger", append(args, "--data", s.t.TempDir())...)
	command.Env = append(cleanEnv(), s.env...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, os.Stderr
	err := command.Run()
	return out.String(), err
}

func (s *shared) accepts() (a accepted) {
	s.t.Helper()
	text, err := s.run("accept-log", "--yes", "--json")
	if err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		s.t.Fatal(err)
	}
	return a
}

// unasked gives what is printed where nobody can be asked.
func (s *shared) unasked() (a accepted) {
	s.t.Helper()
	text, err := s.run("accept-log", "--json")
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitUsage {
		s.t.Fatalf("%v, %s", err, text)
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		s.t.Fatal(err)
	}
	if a.Accepted {
		s.t.Error("it was accepted, and nobody has said so")
	}
	return a
}

// lacks tells whether this import is lost, and no other.
func (a accepted) lacks(id string) bool { return len(a.Lost) == 1 && a.Lost[0].ID == id }

// importOf imports a file and gives the import's id.
func (f contactsOf) importOf(t *testing.T, c *client) string {
	t.Helper()
	i, err := f.send(t.Context(), c, f.name())
	if err != nil {
		t.Fatal(err)
	}
	f.whole(t, c, i.ID)
	return i.ID
}

func copyFolder(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		name, relErr := filepath.Rel(from, path)
		if err = errors.Join(err, relErr); err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// execOn runs statements in a database.
func execOn(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Error(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// Backups of different moments are put together: what is older than the log catches up,
// a log that is older is refused until somebody accepts what is lost.
func TestBackupsOfDifferentMoments(t *testing.T) {
	t.Parallel()
	b := newBackedUp(t)
	first, second, third := contactsOf{1, 300}, contactsOf{2, 400}, contactsOf{3, 500}
	node, at := b.node(b.folder, "127.0.0.1:0")
	b.over(at, b.url).with(func(c *client) { first.importOf(t, c) })
	node.stop()
	olderLog, olderDB := copyFolder(t, b.folder), pgtest.CopyOf(t, b.url)
	node, at = b.node(b.folder, "127.0.0.1:0")
	var lost string
	b.over(at, b.url).with(func(c *client) { lost = second.importOf(t, c) })

	b.over(at, olderDB).with(func(c *client) {
		if _, err := c.toTheEnd(t.Context(), lost); err != nil {
			t.Error(err)
		}
		if got, want := c.contacts(t), first.good()+second.good(); got != want {
			t.Errorf("an older database has %d contacts, want %d", got, want)
		}
		c.verified(t)
	})
	node.stop()

	// Only what cannot be rebuilt was dumped.
	partOfDB := pgtest.CopyOf(t, b.url)
	execOn(t, partOfDB, "DROP SCHEMA "+strings.Join(projections.Names(), ", ")+" CASCADE")
	_, older := b.node(olderLog, "127.0.0.1:0")
	b.over(older, partOfDB).refuses("log-behind")

	before := pgtest.CopyOf(t, b.url)
	whole := b.over(older, b.url)
	whole.refuses("log-behind")
	if got := whole.unasked(); got.Reason != "log-behind" || got.Message == "" || !got.lacks(lost) {
		t.Errorf("where nobody is asked it tells %+v, want one lost import, %s", got, lost)
	}
	if got := whole.accepts(); got.Reason != "log-behind" || !got.Accepted || !got.lacks(lost) {
		t.Errorf("accepted %+v, want one lost import, %s", got, lost)
	}
	if got := whole.accepts(); got.Reason != "" || got.Lost == nil {
		t.Errorf("accepted once more: %+v", got)
	}
	whole.with(func(c *client) {
		if got := c.contacts(t); got != first.good() {
			t.Errorf("%d contacts of the older log, want %d", got, first.good())
		}
		third.importOf(t, c)
		c.verified(t)
	})
	// The log has grown past what was lost: the events there are others.
	grown := b.over(older, before)
	grown.refuses("log-behind")
	if got := grown.unasked(); got.Lost != nil {
		t.Errorf("what a log has lost that has grown past it is told as %+v", got.Lost)
	}
	if got := grown.accepts(); !got.lacks(lost) {
		t.Errorf("accepted %+v, want one lost import, %s", got, lost)
	}
	part := b.over(older, pgtest.CopyOf(t, partOfDB))
	part.refuses("log-behind")
	if got := part.accepts(); !got.Accepted || got.Lost != nil {
		t.Errorf("without a list of before %+v is told as lost", got.Lost)
	}
	if said, err := whole.run("doctor"); err != nil {
		t.Errorf("doctor: %v, %s", err, said)
	}
}

func TestAnotherLogIsRefusedAndAMovedOneAccepted(t *testing.T) {
	t.Parallel()
	b := newBackedUp(t)
	f := contactsOf{1, 300}
	_, at := b.node(b.folder, "127.0.0.1:0")
	var id string
	b.over(at, b.url).with(func(c *client) { id = f.importOf(t, c) })

	_, empty := b.node(t.TempDir(), "127.0.0.1:0")
	b.over(empty, b.url).refuses("log-behind")

	_, other := b.node(t.TempDir(), "127.0.0.1:0")
	b.over(other, pgtest.URL(t)).with(func(c *client) { contactsOf{2, 600}.importOf(t, c) })
	b.over(other, b.url).refuses("log-other")
	taken := b.over(other, pgtest.CopyOf(t, b.url))
	if got := taken.unasked(); got.Reason != "log-other" || got.Lost != nil {
		t.Errorf("of another log %+v is told", got)
	}
	if got := taken.accepts(); !got.lacks(id) {
		t.Errorf("accepted %+v, want one lost import, %s", got, id)
	}

	// Something of somebody else's stands before the copy: all positions are others.
	_, to := b.node(t.TempDir(), "127.0.0.1:0")
	appendForeign(t, to)
	copyLogs(t, at, to)
	moved := b.over(to, b.url)
	moved.refuses("log-moved")
	if got := moved.accepts(); got.Reason != "log-moved" || len(got.Lost) != 0 {
		t.Errorf("%+v", got)
	}
	moved.with(func(c *client) {
		f.whole(t, c, id)
		contactsOf{3, 300}.importOf(t, c)
		c.verified(t)
	})
}

func appendForeign(t *testing.T, connect string) {
	t.Helper()
	log, err := eventstore.Open(t.Context(), connect, eventstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	e, _, err := events.NewEncoder("elsewhere", events.Meta{}).Encode(events.Place{}, events.ImportCanceled{})
	if err == nil {
		_, err = log.Append(t.Context(), "elsewhere", 0, []events.Proposed{e})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A server whose log is put back under it to an earlier moment ends, and says why.
func TestAServerEndsWhenItsLogIsPutBackUnderIt(t *testing.T) {
	t.Parallel()
	b := newBackedUp(t)
	f := contactsOf{1, 300}
	node, at := b.node(b.folder, "127.0.0.1:0")
	b.over(at, b.url).with(func(c *client) { f.importOf(t, c) })
	node.stop()
	older := copyFolder(t, b.folder)
	node, at = b.node(b.folder, "127.0.0.1:0")
	serving, c := b.over(at, b.url).serve()
	c.patience = time.Minute
	contactsOf{2, 300}.importOf(t, c)
	listen := strings.TrimPrefix(strings.SplitN(at, "?", 2)[0], "esdb://")
	node.stop()
	b.node(older, listen)
	<-serving.exited
	if serving.status == nil || !strings.Contains(serving.output(), "importledger: log-behind: ") {
		t.Errorf("it ended with %v", serving.status)
	}
}
