package web

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	stall     = 30 * time.Second // how long a client may take to read what it is sent next
	bodyStart = 30 * time.Second // until a body must have begun to arrive at the rate below
	bodyRate  = 8 << 10          // bytes a second, at least
)

// answer remembers what was answered, for the log, and gives a client that stops
// reading a deadline that moves on with every write: streams may last, a stalled
// connection may not.
type answer struct {
	http.ResponseWriter
	control  *http.ResponseController
	status   int // 0: nothing sent yet
	deadline time.Time
}

func newAnswer(w http.ResponseWriter) *answer {
	return &answer{ResponseWriter: w, control: http.NewResponseController(w)}
}

// Unwrap lets http.ResponseController reach the connection.
func (w *answer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *answer) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *answer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if now := time.Now(); w.deadline.Sub(now) < stall-time.Second {
		w.deadline = now.Add(stall)
		if w.control.SetWriteDeadline(w.deadline) != nil {
			w.deadline = now.Add(24 * time.Hour) // a recorder of a test has none
		}
	}
	n, err := w.ResponseWriter.Write(p)
	if err != nil {
		return n, fmt.Errorf("answer a browser: %w", err)
	}
	return n, nil
}

// pacedBody gives a request's body a deadline that moves on with what arrives, so
// that a large upload over a slow line is fine and a trickle is not. At its end it
// takes the deadline away: the server goes on reading to learn of a browser that
// leaves, and a deadline there would cancel a handler that is still at work.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
	started time.Time
	read    int64
	until   time.Time
}

func paced(w http.ResponseWriter, r *http.Request) io.ReadCloser {
	if r.Body == nil || r.Body == http.NoBody {
		return r.Body
	}
	return &pacedBody{ReadCloser: r.Body, control: http.NewResponseController(w), started: time.Now()}
}

func (b *pacedBody) Read(p []byte) (int, error) {
	until := b.started.Add(bodyStart + time.Duration(b.read/bodyRate)*time.Second)
	if until != b.until && b.control.SetReadDeadline(until) == nil {
		b.until = until
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if err != nil && b.control.SetReadDeadline(time.Time{}) == nil {
		b.until = time.Time{}
	}
	return n, err
}
