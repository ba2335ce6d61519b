package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"importledger/aggregate"
	"importledger/projections"
)

const (
	progressEvery = 200 * time.Millisecond // between looks at the read model
	heartbeat     = 15 * time.Second       // keeps proxies from closing a quiet stream
	longestStream = 15 * time.Minute       // then the client connects again, with a token that is still good
	maxStreams    = 128                    // at once: each asks the database a few times a second
	eventStream   = "text/event-stream"
)

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
		return nil, answer(http.StatusTooManyRequests, "too-many-streams", "Too many clients follow imports at the moment. Try again shortly.").
			with("Retry-After", strconv.Itoa(retryAfter))
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		defer func() { <-a.streaming }()
		r, w := humago.Unwrap(ctx)
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
	look, beat := time.NewTicker(progressEvery), time.NewTicker(heartbeat)
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
		case <-look.C:
		}
		var err error
		if s, err = a.currentImport(ctx, s.ID); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if s.Events == sent {
			continue
		}
		if err := out.send(s); err != nil {
			return err
		}
		sent = s.Events
	}
	return nil
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
