package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"importledger/adapters/postgres/pgtest"
)

// told counts messages about each import.
type told struct {
	mu    sync.Mutex
	times map[string]int
	came  chan string
	away  bool
}

func (r *told) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var message struct{ Data struct{ ID string } }
	if err == nil {
		err = json.Unmarshal(body, &message)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil || r.away {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	r.times[message.Data.ID]++
	r.came <- message.Data.ID
}

func (r *told) setAway(away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = away
}

// wait waits until an import was told of.
func (r *told) wait(t *testing.T, id string) {
	t.Helper()
	for deadline := time.After(2 * time.Minute); ; {
		select {
		case got := <-r.came:
			if got == id {
				return
			}
		case <-deadline:
			t.Fatalf("import %s was not told of", id)
		}
	}
}

// TestAnImportIsToldOnceAcrossKillsAndRebuilds kills the process right after an import
// has ended, whatever it is doing then about telling of it, while nobody listens; what
// ended is told once by the process that comes after it, and never by a rebuild.
func TestAnImportIsToldOnceAcrossKillsAndRebuilds(t *testing.T) {
	t.Parallel()
	receiver := &told{times: map[string]int{}, came: make(chan string, 100)}
	server := httptest.NewServer(receiver)
	t.Cleanup(server.Close)
	env := []string{"IMPORTLEDGER_WEBHOOKS_ALLOW_HTTP=true", "IMPORTLEDGER_WEBHOOKS_ALLOW_PRIVATE=true"}
	serve := []string{"serve", "--data", pgtest.Dir(t), "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"}

	p := startProcess(t, env, serve...)
	c := p.serving()
	var hook webhookObject
	if _, err := c.send(t.Context(), call{method: http.MethodPost, path: "/ops/webhooks"}, map[string]any{"url": server.URL}, &hook); err != nil {
		t.Fatal(err)
	}
	receiver.setAway(true)
	var ended []string
	for generation := range 3 {
		f := contactsOf{generation, 100}
		i, err := f.send(t.Context(), c, f.name())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.follow(t.Context(), i.ID, func(importObject) bool { return false }); err != nil {
			t.Fatal(err)
		}
		ended = append(ended, i.ID)
		p.kill()
		if generation == 2 {
			receiver.setAway(false)
		}
		p = startProcess(t, env, serve...)
		c = p.serving()
	}
	for range ended {
		select {
		case <-receiver.came:
		case <-time.After(3 * time.Minute):
			t.Fatalf("told of %v, want each of %v", receiver.times, ended)
		}
	}
	if _, err := c.send(t.Context(), call{method: http.MethodPost, path: "/ops/projections/all/rebuild"}, nil, nil); err != nil {
		t.Fatal(err)
	}
	for busy := true; busy; {
		all, err := c.projections(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		busy = slices.ContainsFunc(all, func(s projectionStatus) bool { return s.Rebuild != nil })
	}
	c.verified(t)
	last, err := contactsOf{9, 100}.send(t.Context(), c, "last")
	if err != nil {
		t.Fatal(err)
	}
	receiver.wait(t, last.ID)
	receiver.mu.Lock()
	defer receiver.mu.Unlock()
	for _, id := range append(ended, last.ID) {
		if receiver.times[id] != 1 {
			t.Errorf("told %d times of import %s, want once", receiver.times[id], id)
		}
	}
}
