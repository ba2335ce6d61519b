package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Dependency is something that the service cannot work without.
type Dependency struct {
	Name  string // such as postgres
	Check func(ctx context.Context) error
}

type liveness struct {
	Live bool `json:"live"`
}

type readiness struct {
	Ready        bool              `json:"ready"`
	Draining     bool              `json:"draining" doc:"The service is shutting down."`
	Dependencies []dependencyState `json:"dependencies"`
	Projections  []projectionState `json:"projections"`
}

type dependencyState struct {
	Name      string `json:"name"`
	Reachable bool   `json:"reachable"`
}

type projectionState struct {
	Name      string  `json:"name"`
	State     string  `json:"state" enum:"live,rebuilding,stopped"`
	Lag       uint64  `json:"lag" doc:"Events not applied yet."`
	LastError *string `json:"lastError" doc:"In state stopped: the event that cannot be applied, and why."`
}

const (
	checkFor   = 2 * time.Second
	checkEvery = time.Second // an answer serves everybody who asks within it
)

// health answers /readyz, which needs no token: it looks at most once a second,
// however many ask, and tells names and numbers, no errors of dependencies.
type health struct {
	api          *API
	dependencies []Dependency
	drain        sync.Once
	drained      chan struct{} // closed when the service is going

	mu     sync.Mutex
	looked time.Time
	last   readiness
}

func (h *health) look(ctx context.Context) readiness {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := h.api.now(); h.looked.IsZero() || now.Sub(h.looked) >= checkEvery {
		// For everybody who waits, so not ended by the one who asked first.
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkFor)
		h.last = h.check(limited)
		cancel()
		h.looked = h.api.now()
	}
	r := h.last
	select {
	case <-h.drained:
		r.Draining, r.Ready = true, false
	default:
	}
	return r
}

func (h *health) check(ctx context.Context) readiness {
	r := readiness{Ready: true, Dependencies: make([]dependencyState, len(h.dependencies)), Projections: []projectionState{}}
	var checks sync.WaitGroup
	for i, d := range h.dependencies {
		checks.Go(func() { r.Dependencies[i] = dependencyState{Name: d.Name, Reachable: d.Check(ctx) == nil} })
	}
	checks.Wait()
	for _, d := range r.Dependencies {
		r.Ready = r.Ready && d.Reachable
	}
	// Without the log's end the lag is what is known of it; the dependency says why.
	all, end, err := h.api.standing(ctx)
	r.Ready = r.Ready && err == nil
	for _, s := range all {
		p := projectionOf(s, end)
		r.Projections = append(r.Projections, projectionState{Name: p.Name, State: p.State, Lag: p.Lag, LastError: p.LastError})
		r.Ready = r.Ready && s.LastError == nil
	}
	return r
}

func (h *health) serveLive(w http.ResponseWriter, r *http.Request) {
	h.api.sendJSON(w, r, http.StatusOK, liveness{Live: true})
}

func (h *health) serveReady(w http.ResponseWriter, r *http.Request) {
	state := h.look(r.Context())
	status := http.StatusOK
	if !state.Ready {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "2")
	}
	h.api.sendJSON(w, r, status, state)
}

// addHealth serves both where the API is served; NewOps does on the operations address.
func (a *API) addHealth() {
	known := a.huma.OpenAPI().Components.Schemas
	for _, r := range []struct {
		path, id, summary string
		serve             http.HandlerFunc
		content           map[string]*huma.MediaType
	}{
		{"/livez", "livez", "See whether the process runs", a.health.serveLive, jsonOf[liveness](known)},
		{"/readyz", "readyz", "See each dependency and each projection's lag; 503 while one is out", a.health.serveReady, jsonOf[readiness](known)},
	} {
		if _, listed := a.admit("GET " + r.path); !listed {
			continue
		}
		a.mux.HandleFunc("GET "+r.path, r.serve)
		a.huma.OpenAPI().AddOperation(&huma.Operation{Method: http.MethodGet, Path: r.path, OperationID: r.id, Summary: r.summary, Tags: []string{"Health"},
			Responses: map[string]*huma.Response{"200": {Description: "OK", Content: r.content}, "503": {Description: "Not ready", Content: r.content}}})
	}
}
