package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"importledger/commands"
)

// following is an open stream of an import's progress.
type following struct {
	t     *testing.T
	res   *http.Response
	lines *bufio.Scanner
	leave context.CancelFunc
}

func (w *world) follow(id string) *following {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	w.t.Cleanup(cancel)
	r := w.request("GET", "/people/imports/"+id+"/progress", "").WithContext(ctx)
	res, err := w.server.Client().Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := res.Body.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return &following{w.t, res, bufio.NewScanner(res.Body), cancel}
}

// next is the next Import that is sent; nil at the stream's end.
func (f *following) next() map[string]any {
	f.t.Helper()
	id := ""
	for f.lines.Scan() {
		if rest, ok := strings.CutPrefix(f.lines.Text(), "id: "); ok {
			id = rest
		}
		data, ok := strings.CutPrefix(f.lines.Text(), "data: ")
		if !ok {
			continue
		}
		var o map[string]any
		if err := json.Unmarshal([]byte(data), &o); err != nil {
			f.t.Fatal(err)
		}
		if revision, err := json.Marshal(o["revision"]); err != nil || string(revision) != id {
			f.t.Errorf("id %s of revision %s", id, revision)
		}
		return o
	}
	return nil
}

func TestProgressTellsEveryChangeUntilTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows}, part{name: "mapping", content: mapping}).is(201)
	f := w.follow(importID)
	if f.res.StatusCode != http.StatusOK || f.res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(f.res.Status, f.res.Header)
	}
	if o := f.next(); o["state"] != "importing" || o["rowsImported"] != 0.0 || len(o) != len(importKeys) {
		t.Fatal(o)
	}
	w.rows(accepted(1, "ann@x.org", ""))
	if o := f.next(); o["rowsImported"] != 1.0 {
		t.Fatal(o)
	}
	w.rows(rejected(2), rejected(3), commands.Complete{})
	if o := f.next(); o["state"] != "imported" || o["rowsInError"] != 2.0 {
		t.Fatal(o)
	}
	if o := f.next(); o != nil {
		t.Fatal("the stream goes on after the end:", o)
	}
}

func TestProgressOfAnEndedImportIsOneAnswerAndThenNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	f := w.follow(importID)
	if o := f.next(); o["state"] != "imported" || f.next() != nil {
		t.Fatal(o)
	}
	r := w.request("GET", "/people/imports/"+importID+"/progress", "")
	r.Header.Set("Last-Event-ID", "5")
	w.send(r).is(204)
	w.get("/people/imports/01JDABCDEFGHJKMNPQRSTVWXYY/progress").fails(404, "import-not-found")
}

func TestTooManyFollowersAreToldToComeBackAndLeaversMakeRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	var all []*following
	for range 128 {
		f := w.follow(importID)
		if f.next() == nil {
			t.Fatal("not followed")
		}
		all = append(all, f)
	}
	if got := w.get("/people/imports/" + importID + "/progress"); got.header.Get("Retry-After") == "" {
		got.fails(429, "too-many-streams")
	}
	for _, f := range all {
		f.leave()
	}
	w.do("POST", "/people/imports/"+importID+"/cancel", "").is(200)
	for { // a server learns of a client that leaves in its own time
		if got := w.get("/people/imports/" + importID + "/progress"); got.status == 200 {
			return
		}
	}
}

func TestFollowersAreLetGoWhenTheServiceDrains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	f := w.follow(importID)
	if f.next() == nil {
		t.Fatal("not followed")
	}
	w.api.Drain()
	w.api.Drain()
	if o := f.next(); o != nil {
		t.Fatal(o)
	}
	got := w.get("/readyz").is(503)
	if o := got.json(); o["draining"] != true || o["ready"] != false {
		t.Error(o)
	}
	w.get("/livez").is(200)
}

// A follower is told what happens by a connection to Postgres. When that breaks, and
// every other one, the stream stays and misses nothing.
func TestFollowersOutliveConnectionsThatBreak(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows}, part{name: "mapping", content: mapping}).is(201)
	f := w.follow(importID)
	if f.next() == nil {
		t.Fatal("not followed")
	}
	pool := w.cfg.DB.(*pgxpool.Pool)
	for row, c := range []commands.Command{accepted(1, "ann@x.org", ""), accepted(2, "bob@x.org", "")} {
		var ended int
		err := pool.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&ended)
		if err != nil || ended == 0 {
			t.Fatal(ended, err)
		}
		pool.Reset()
		w.rows(c)
		if o := f.next(); o["rowsImported"] != float64(row+1) {
			t.Fatal(o)
		}
	}
}
