package web

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	lookEvery     = time.Second            // a page looks for itself so often, should it not be told of a change
	lookPause     = 250 * time.Millisecond // and not more often than this, however much changes
	heartbeat     = 15 * time.Second       // keeps proxies from closing a quiet stream
	longestStream = 15 * time.Minute       // then the browser connects again, and its session is looked at again
	maxStreams    = 128                    // at once: each asks the database up to four times a second
)

// watch sends a part of a page as Server-Sent Events, at once and whenever it has
// changed, until make says that it will not change any more. A browser that loses the
// stream, also to a restart of the server, connects again and gets the part as it is
// then. The bell goes with it. importID is the import that the part is about, empty: any.
func (v *visit) watch(importID string, make func() (part []byte, last bool, err error)) error {
	select {
	case v.streaming <- struct{}{}:
		defer func() { <-v.streaming }()
	default:
		return errTooManyStreams
	}
	changed, stop := v.Changes.Follow(importID)
	defer stop()
	part, last, err := make()
	if err != nil {
		return err
	}
	bell, err := v.bell()
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no")
	out := stream{v.w, http.NewResponseController(v.w)}
	err = errors.Join(out.send("part", part), out.send("bell", bell))
	beat, end := time.NewTicker(heartbeat), time.NewTimer(longestStream)
	defer beat.Stop()
	defer end.Stop()
	look := time.NewTimer(lookEvery)
	defer look.Stop()
	for err == nil && !last {
		select {
		case <-v.ctx().Done():
			return nil
		case <-v.drained:
			return nil
		case <-end.C:
			return nil
		case <-beat.C:
			err = out.write([]byte(":\n\n"))
			continue
		case <-changed:
		case <-look.C:
		}
		var now []byte
		if now, last, err = make(); err != nil {
			v.interrupted(err)
			return nil
		}
		if !bytes.Equal(now, part) {
			part = now
			err = out.send("part", part)
		}
		if now, bellErr := v.bell(); bellErr != nil {
			err = errors.Join(err, bellErr)
		} else if !bytes.Equal(now, bell) {
			bell = now
			err = errors.Join(err, out.send("bell", bell))
		}
		look.Reset(lookEvery)
		v.rest(lookPause)
	}
	if err == nil {
		err = out.send("end", nil)
	}
	if err != nil {
		v.interrupted(err)
	}
	return nil
}

// rest waits, unless the browser leaves or the server is going.
func (v *visit) rest(d time.Duration) {
	select {
	case <-time.After(d):
	case <-v.ctx().Done():
	case <-v.drained:
	}
}

// interrupted is told to the log alone: the browser connects again, and is told then
// if it is still so.
func (v *visit) interrupted(err error) {
	if v.ctx().Err() == nil {
		v.Logger.InfoContext(v.ctx(), "live page interrupted", "request", v.id, "error", withoutValues(err))
	}
}

// stream writes Server-Sent Events and sends each away at once.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s stream) send(event string, data []byte) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "event: %s\n", event)
	for line := range bytes.Lines(data) {
		b.WriteString("data: ")
		b.Write(bytes.TrimRight(line, "\r\n"))
		b.WriteByte('\n')
	}
	if len(data) == 0 {
		b.WriteString("data:\n")
	}
	b.WriteByte('\n')
	return s.write(b.Bytes())
}

func (s stream) write(p []byte) error {
	if _, err := s.w.Write(p); err != nil {
		return err
	}
	return s.control.Flush()
}
