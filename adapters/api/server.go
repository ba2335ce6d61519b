package api

import (
	"log/slog"
	"net/http"
	"net/http/pprof"
	"time"
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

// NewServer gives a handler the limits of a server that faces strangers. Bodies and
// answers have no deadline here: the API gives them deadlines that move on with
// what flows, so that streams and uploads may last and nothing can stall.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
