package api

import (
	"fmt"
	"net/http"
	"time"
)

// stall is how long a client may take to read what it is sent next.
const stall = 30 * time.Second

// responseWriter remembers what was answered, for the log, and gives a client that
// stops reading a deadline that moves on with every write: streams may last, a
// stalled connection may not.
type responseWriter struct {
	http.ResponseWriter
	control  *http.ResponseController
	status   int // 0: nothing sent yet
	deadline time.Time
}

func newResponseWriter(w http.ResponseWriter) *responseWriter {
	return &responseWriter{ResponseWriter: w, control: http.NewResponseController(w)}
}

// Unwrap lets http.ResponseController reach the connection.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *responseWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *responseWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.extend()
	n, err := w.ResponseWriter.Write(p)
	if err != nil {
		return n, fmt.Errorf("answer a client: %w", err)
	}
	return n, nil
}

// extend moves the deadline when a good part of it has passed. A server without
// deadlines (a test's recorder) has none to move.
func (w *responseWriter) extend() {
	now := time.Now()
	if w.deadline.Sub(now) > stall-time.Second {
		return
	}
	w.deadline = now.Add(stall)
	if w.control.SetWriteDeadline(w.deadline) != nil {
		w.deadline = now.Add(24 * time.Hour)
	}
}
