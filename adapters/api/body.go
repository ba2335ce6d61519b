package api

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
// that a large upload over a slow line is fine and a trickle is not. At its end it
// takes the deadline away: the server goes on reading to learn of a client that
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
