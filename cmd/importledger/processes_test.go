package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"importledger/adapters/postgres/pgtest"
)

// shared is what several processes of one ledger share: a log, a database, an S3
// store and a secret key.
type shared struct {
	t   testing.TB
	env []string
}

func newShared(t testing.TB) *shared {
	t.Helper()
	node := startProcess(t, nil, "node", "--data", t.TempDir(), "--listen", "127.0.0.1:0")
	log, ok := node.address()
	if !ok {
		t.Fatal(node.output())
	}
	files, _ := newS3(t, nil)
	key := make([]byte, secretKeyBytes)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	return &shared{t: t, env: []string{
		"IMPORTLEDGER_EVENTSTORE_URL=" + log,
		"IMPORTLEDGER_DATABASE_URL=" + pgtest.URL(t),
		"IMPORTLEDGER_BLOB_URL=" + files,
		"AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret",
		"IMPORTLEDGER_SECRET_KEY=" + base64.StdEncoding.EncodeToString(key),
		"IMPORTLEDGER_MAX_ROWS=100000",
	}}
}

// serve starts one more process, with a data directory of its own.
func (s *shared) serve() (*process, *client) {
	s.t.Helper()
	p := startProcess(s.t, s.env, "serve", "--data", s.t.TempDir(), "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0")
	return p, p.serving()
}

// A process that works an import off and projects is killed in the middle of it.
// Another one, which did neither, takes over both, and whoever follows the import
// there sees it to its end.
func TestAnotherProcessTakesOverFromOneThatIsKilled(t *testing.T) {
	t.Parallel()
	draw, long := drawFaults(t)
	kills := 2
	if long {
		kills = 20
	}
	s := newShared(t)
	working, at := s.serve()
	decided := map[string]bool{}
	for generation := range kills {
		next, survivor := s.serve()
		f := contactsOf{generation, 20_000}
		i, err := f.send(t.Context(), at, f.name())
		if err != nil {
			t.Fatal(err)
		}
		var killed time.Time
		enough := draw.IntN(f.rows * 3 / 5)
		last := f.followed(t, survivor, i.ID, func(now importObject) {
			if killed.IsZero() && now.settled() >= enough {
				working.kill()
				killed = time.Now()
				t.Logf("killed with %d rows to be seen", now.settled())
			}
		})
		t.Logf("finished by the other process %s after", time.Since(killed))
		if last.State != "imported" || last.RowsImported != f.good() || last.RowsInError != f.bad() {
			t.Errorf("who followed it saw at last: %s", last.raw)
		}
		decided[f.whole(t, survivor, i.ID)] = true
		if got, want := survivor.contacts(t), (generation+1)*f.good(); got != want {
			t.Errorf("%d contacts, want %d", got, want)
		}
		survivor.verified(t)
		working, at = next, survivor
	}
	if len(decided) != kills {
		t.Errorf("%d files of other contacts have %d outcomes", kills, len(decided))
	}
}

// followed follows an import to its end, and gives the last that is seen of it.
func (f contactsOf) followed(t *testing.T, c *client, id string, see func(importObject)) (last importObject) {
	t.Helper()
	err := c.follow(t.Context(), id, func(now importObject) bool {
		if now.settled() < last.settled() || now.Revision < last.Revision {
			t.Errorf("it was seen as %s\nand then as %s", last.raw, now.raw)
		}
		last = now
		see(now)
		return false
	})
	if err != nil {
		t.Fatal(err)
	}
	return last
}

func TestProcessesAreOneLedger(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	_, projecting := s.serve()
	_, other := s.serve()

	// A token of one is good at the other.
	token, err := projecting.bearer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other.token, other.tokenExpires = token, time.Now().Add(time.Minute)

	// One key sent to both at once is one import.
	const rounds = 5
	for generation := range rounds {
		f := contactsOf{generation, 500}
		var ids [4]string
		var sending sync.WaitGroup
		for n := range ids {
			sending.Go(func() {
				i, err := f.send(t.Context(), []*client{projecting, other}[n%2], f.name())
				if err != nil {
					t.Errorf("request %d of %d with one key: %v", n, len(ids), err)
				}
				ids[n] = i.ID
			})
		}
		sending.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("one key made the imports %v", ids)
			}
		}
		f.whole(t, other, ids[0])
	}
	if got, want := other.contacts(t), rounds*(contactsOf{rows: 500}.good()); got != want {
		t.Errorf("%d contacts, want %d", got, want)
	}

	// A process that does not project shows how those stand that do, rebuilds and verifies.
	big := contactsOf{rounds, 40_000}
	i, err := big.send(t.Context(), other, big.name())
	if err != nil {
		t.Fatal(err)
	}
	big.whole(t, projecting, i.ID)
	rebuiltAt(t, other, projecting)
	big.whole(t, other, i.ID)
	other.verified(t)
	for _, c := range []*client{projecting, other} {
		all, err := c.projections(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if m.State != "live" || m.Lag != 0 {
				t.Errorf("%+v", m)
			}
		}
		if err := c.isReady(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// rebuiltAt rebuilds everything at one process until the other shows it.
func rebuiltAt(t *testing.T, c, other *client) {
	t.Helper()
	seen := false
	for done := false; !seen || !done; {
		if done = true; !seen {
			_, err := c.send(t.Context(), call{method: http.MethodPost, path: "/ops/projections/all/rebuild", repeat: true}, nil, nil)
			if err != nil && !isStatus(err, http.StatusConflict) {
				t.Fatal(err)
			}
		}
		all, err := other.projections(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			seen = seen || m.State == "rebuilding"
			done = done && m.State == "live"
		}
	}
}

// isReady says what /readyz does.
func (c *client) isReady(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := c.answer(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func TestProcessesThatDoNotFitTogetherAreToldSo(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.serve()
	key := make([]byte, secretKeyBytes)
	for what, c := range map[string]struct{ env, says string }{
		"another key":       {"IMPORTLEDGER_SECRET_KEY=" + base64.StdEncoding.EncodeToString(key), "set IMPORTLEDGER_SECRET_KEY to that key"},
		"files of its own":  {"IMPORTLEDGER_BLOB_URL=", "name the log and the files of all processes"},
		"a log of its own":  {"IMPORTLEDGER_EVENTSTORE_URL=", "name the log and the files of all processes"},
		"no keys of the S3": {"AWS_ACCESS_KEY_ID=", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"},
	} {
		t.Run(what, func(t *testing.T) {
			p := startProcess(t, append(s.env[:len(s.env):len(s.env)], c.env), "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0")
			<-p.exited
			if p.status == nil || !strings.Contains(p.output(), c.says) {
				t.Errorf("it ended with %v and said: %s", p.status, p.output())
			}
		})
	}
}
