package httpserver

import (
	"io"
	"net/http"
	"time"
)

const (
	bodyStart = 30 * time.Second // until a body must have begun to arrive at the rate below
	bodyRate  = 8 << 10          // bytes a second, at least
)

// pacedBody gives a request's body a deadline that moves on with what arrives, so
// that a large upload over a slow line is fine and a trickle is not. It stands from
// the beginning, since the server itself waits for a body that a handler leaves. At
// the body's end it is taken away: the server goes on reading to learn of a client
// that leaves, and a deadline there would cancel a handler that is still at work.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
	started time.Time // later by the time in which nobody wanted to read
	idle    time.Time // since when that is so
	read    int64
	until   time.Time
}

func newPacedBody(body io.ReadCloser, control *http.ResponseController) *pacedBody {
	now := time.Now()
	b := &pacedBody{ReadCloser: body, control: control, started: now, idle: now}
	b.extend()
	return b
}

func (b *pacedBody) Read(p []byte) (int, error) {
	b.started = b.started.Add(time.Since(b.idle)) // the client cannot help a handler that is slow
	b.extend()
	n, err := b.ReadCloser.Read(p)
	b.read, b.idle = b.read+int64(n), time.Now()
	if err == io.EOF {
		b.keep(time.Time{})
	} else {
		b.extend()
	}
	return n, err //nolint:wrapcheck // only the deadline is ours
}

func (b *pacedBody) extend() {
	b.keep(b.started.Add(bodyStart + time.Duration(b.read/bodyRate)*time.Second))
}

// keep sets the deadline. A connection without any (a test's recorder) has none to
// keep.
func (b *pacedBody) keep(until time.Time) {
	if until != b.until && b.control.SetReadDeadline(until) == nil {
		b.until = until
	}
}
