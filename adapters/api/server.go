package api

import (
	"log/slog"
	"net/http"
	"time"
)

// NewOps serves the operations address: /livez, /readyz and /metrics, to whoever
// reaches it.
func NewOps(a *API) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", a.health.serveLive)
	mux.HandleFunc("GET /readyz", a.health.serveReady)
	mux.Handle("GET /metrics", a.metrics.handler())
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
