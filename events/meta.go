package events

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Meta is what is known about an event beside its content. It holds no personal
// data: actors are ids.
type Meta struct {
	Version       int    `json:"v"`                        // of the event's schema
	At            int64  `json:"at"`                       // when it was decided, Unix epoch, milliseconds
	Actor         string `json:"actor,omitempty"`          // id of the user or API client
	CorrelationID string `json:"$correlationId,omitempty"` // all that came of one request
	CausationID   string `json:"$causationId,omitempty"`   // the event or request it followed from
	TraceParent   string `json:"traceparent,omitempty"`    // W3C Trace Context
}

// metaReader decodes metadata and remembers the last: neighbours in a stream
// mostly carry the same bytes.
type metaReader struct {
	raw  []byte
	meta Meta
}

func (m *metaReader) read(raw []byte) (Meta, error) {
	if m.raw != nil && bytes.Equal(m.raw, raw) {
		return m.meta, nil
	}
	var meta Meta
	if err := json.Unmarshal(raw, &meta); err != nil {
		return Meta{}, fmt.Errorf("metadata: %w", err)
	}
	m.raw, m.meta = append(m.raw[:0], raw...), meta
	return meta, nil
}
