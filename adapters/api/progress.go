package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"importledger/aggregate"
	"importledger/projections"
)

const (
	lookEvery     = 5 * time.Second        // at the read model, for changes that nobody told of
	lookPause     = 100 * time.Millisecond // between two looks: an import that runs changes all the time
	heartbeat     = 15 * time.Second       // keeps proxies from closing a quiet stream
	longestStream = 15 * time.Minute       // then the client connects again, with a token that is still good
	maxStreams    = 128                    // at once: each asks the database up to ten times a second
	eventStream   = "text/event-stream"
)

// Changes tells which imports have changed in the imports list, whichever process
// has projected it. It may miss one.
type Changes interface {
	// Follow gives what has changed of an import since it was last taken, until stop.
	Follow(importID string) (changed <-chan projections.Changed, stop func())
}

type progressQuery struct {
	ImportPath
	AfterQuery
	LastEventID string `header:"Last-Event-ID" doc:"The revision that the client has seen; browsers send it when they connect again."`
}

func (a *API) addProgress() {
	register(a, operation{route: "GET /people/imports/{id}/progress", id: "follow-import", tag: "Imports",
		summary: "Follow an import: the Import object on each change, until a final state",
		about:   "Server-Sent Events; the id of each is the import's revision. A client that has seen the final state already gets 204.",
		errors:  []int{http.StatusNotFound, http.StatusTooManyRequests}, stream: []string{eventStream}}, a.progress)
}

func (a *API) progress(ctx context.Context, in *progressQuery) (*huma.StreamResponse, error) {
	if err := a.reached(ctx, in.After, projections.ImportsList); err != nil {
		return nil, err
	}
	s, err := a.currentImport(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if s.State.Final() && in.LastEventID == number(s.Events-1) {
		// The one answer after which a browser does not connect again.
		return &huma.StreamResponse{Body: func(ctx huma.Context) { ctx.SetStatus(http.StatusNoContent) }}, nil
	}
	select {
	case a.streaming <- struct{}{}:
	default:
		return nil, tooMany("too-many-streams", "Too many clients follow imports at the moment. Try again shortly.")
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		defer func() { <-a.streaming }()
		r, w := humago.Unwrap(ctx)
		if r.Method == http.MethodHead {
			w.Header().Set("Content-Type", eventStream)
			return
		}
		if err := a.follow(r.Context(), w, s); err != nil {
			a.cut(r, err)
		}
	}}, nil
}

// follow sends the import as it is and then every change of it.
func (a *API) follow(ctx context.Context, w http.ResponseWriter, s aggregate.Import) error {
	ctx, cancel := context.WithTimeout(ctx, longestStream)
	defer cancel()
	out := sse{w: w, control: http.NewResponseController(w)}
	w.Header().Set("Content-Type", eventStream)
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if err := out.send(s); err != nil {
		return err
	}
	changed, stop := a.changes.Follow(s.ID)
	defer stop()
	look, beat := time.NewTimer(0), time.NewTicker(heartbeat) // at once: for what changed before we followed
	defer look.Stop()
	defer beat.Stop()
	for sent := s.Events; !s.State.Final(); {
		select {
		case <-ctx.Done():
			return nil // the client has gone, or comes back with a new token
		case <-a.health.drained:
			return nil
		case <-beat.C:
			if err := out.comment(); err != nil {
				return err
			}
			continue
		case c := <-changed:
			if !c.Of(s.ID, sent) {
				continue
			}
		case <-look.C:
		}
		now, err := a.currentImport(ctx, s.ID)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && a.isUnavailable(err):
			look.Reset(time.Second) // the stream outlives a database that restarts
			continue
		case err != nil:
			return err
		}
		if s = now; s.Events > sent {
			if err := out.send(s); err != nil {
				return err
			}
			sent = s.Events
		}
		look.Reset(lookEvery)
		a.rest(ctx, lookPause)
	}
	return nil
}

// rest waits, unless the client leaves or the service is going.
func (a *API) rest(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	case <-a.health.drained:
	}
}

// sse writes Server-Sent Events and sends each away at once.
type sse struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s sse) send(state aggregate.Import) error {
	data, err := json.Marshal(importOf(state))
	if err != nil {
		return fmt.Errorf("write an import: %w", err)
	}
	return s.write("id: %d\ndata: %s\n\n", state.Events-1, data)
}

func (s sse) comment() error { return s.write(":\n\n") }

func (s sse) write(format string, args ...any) error {
	if _, err := fmt.Fprintf(s.w, format, args...); err != nil {
		return fmt.Errorf("send an event: %w", err)
	}
	if err := s.control.Flush(); err != nil {
		return fmt.Errorf("send an event: %w", err)
	}
	return nil
}
