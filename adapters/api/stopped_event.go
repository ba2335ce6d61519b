package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"unicode/utf8"

	"importledger/events"
	"importledger/projections"
)

// stoppedEventObject is the event that a projection cannot apply, as the log has it.
type stoppedEventObject struct {
	Projection string      `json:"projection"`
	Rebuild    bool        `json:"rebuild" doc:"It is a rebuild that it stops; the rows of before go on."`
	Cause      string      `json:"cause"`
	Stream     string      `json:"stream"`
	Revision   uint64      `json:"revision" doc:"Number in the stream, from 0."`
	Position   string      `json:"position" doc:"In the log."`
	Type       string      `json:"type" doc:"The event's name."`
	EventID    string      `json:"eventId"`
	RecordedAt int64       `json:"recordedAt"`
	Data       bytesObject `json:"data"`
	Metadata   bytesObject `json:"metadata"`
}

type bytesObject struct {
	Encoding  string `json:"encoding" enum:"utf-8,base64"`
	Content   string `json:"content"`
	Size      int    `json:"size" doc:"Bytes in all."`
	Truncated bool   `json:"truncated" doc:"Only the first 65,536 bytes are in content."`
}

func (a *API) addStoppedEvent() {
	register(a, operation{route: "GET /ops/projections/{name}/event", id: "get-stopped-event", tag: "Operations", errors: []int{http.StatusNotFound, http.StatusConflict},
		summary: "See the event at which a projection, or its rebuild, has stopped", about: "Byte for byte as it was recorded: it may hold what a file said about people."}, a.stoppedEvent)
}

func (a *API) stoppedEvent(ctx context.Context, in *projectionPath) (*struct{ Body stoppedEventObject }, error) {
	all, err := a.projections.Status(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.Name != in.Name {
			continue
		}
		stopped, rebuild := s.StoppedAt()
		if stopped == nil || stopped.Event == "" {
			return nil, answer(http.StatusConflict, "projection-not-stopped", "The projection "+in.Name+" has not stopped at an event.")
		}
		event, err := a.recordedAt(ctx, stopped)
		if err != nil {
			return nil, err
		}
		return &struct{ Body stoppedEventObject }{stoppedEventObject{Projection: s.Name, Rebuild: rebuild, Cause: stopped.Cause,
			Stream: event.Stream, Revision: event.Revision, Position: event.Position.String(), Type: event.Type, EventID: event.ID.String(),
			RecordedAt: event.Recorded.UnixMilli(), Data: bytesOf(event.Data), Metadata: bytesOf(event.Metadata)}}, nil
	}
	return nil, &projections.UnknownModelError{Name: in.Name}
}

// recordedAt reads an event from the log itself.
func (a *API) recordedAt(ctx context.Context, at *projections.Stopped) (events.Recorded, error) {
	for event, err := range a.streams.Read(ctx, at.Stream, at.Revision) {
		return event, err
	}
	return events.Recorded{}, answer(http.StatusNotFound, "event-not-found", "The log does not have the event any more.")
}

// mostBytes is how much of an event's data is shown.
const mostBytes = 64 << 10

// bytesOf gives bytes as text, where they are one.
func bytesOf(b []byte) bytesObject {
	o := bytesObject{Encoding: "utf-8", Size: len(b), Truncated: len(b) > mostBytes}
	text := utf8.Valid(b)
	b = b[:min(len(b), mostBytes)]
	if !text {
		o.Encoding, o.Content = "base64", base64.StdEncoding.EncodeToString(b)
		return o
	}
	for len(b) > 0 && !utf8.Valid(b) { // cut in the middle of a character
		b = b[:len(b)-1]
	}
	o.Content = string(b)
	return o
}
