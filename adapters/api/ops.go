package api

import (
	"net/http"
	"net/http/pprof"
)

// NewOps serves the operations address: /livez, /readyz and /metrics, to whoever
// reaches it, and with profiling also /debug/pprof, which shows what the process
// does and costs it time.
func NewOps(a *API, profiling bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", a.health.serveLive)
	mux.HandleFunc("GET /readyz", a.health.serveReady)
	mux.Handle("GET /metrics", a.metrics.handler())
	if profiling {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}
