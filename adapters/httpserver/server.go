// Package httpserver is how HTTP is served to strangers: nobody holds a connection
// without using it, and nothing that flows is cut off.
package httpserver

import (
	"log/slog"
	"net/http"
	"time"
)

// New gives a handler the limits of a server that faces strangers. Bodies and
// answers have no fixed time: their deadlines move on with what flows, so that
// streams and uploads may last and nothing can stall.
func New(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           paced(handler),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// paced moves deadlines on for whatever handler does.
func paced(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = newPacedBody(r.Body, control)
		}
		handler.ServeHTTP(&pacedWriter{ResponseWriter: w, control: control}, r)
	})
}
