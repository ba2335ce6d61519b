package httpserver

import (
	"net/http"
	"time"
)

// stall is how long a client may take to read what it is sent next.
const stall = 30 * time.Second

// pacedWriter gives a client that stops reading a deadline that moves on with every
// write: streams may last, a stalled connection may not.
type pacedWriter struct {
	http.ResponseWriter
	control  *http.ResponseController
	deadline time.Time
}

// Unwrap lets http.ResponseController reach the connection.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *pacedWriter) Write(p []byte) (int, error) {
	w.extend()
	return w.ResponseWriter.Write(p) //nolint:wrapcheck // only the deadline is ours
}

// extend moves the deadline when a good part of it has passed. A server without
// deadlines (a test's recorder) has none to move.
func (w *pacedWriter) extend() {
	now := time.Now()
	if w.deadline.Sub(now) > stall-time.Second {
		return
	}
	w.deadline = now.Add(stall)
	if w.control.SetWriteDeadline(w.deadline) != nil {
		w.deadline = now.Add(24 * time.Hour)
	}
}
