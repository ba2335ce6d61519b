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

	Chain Chain `json:"-"` // over this event and all before it in its stream
}

// metaReader decodes metadata and remembers the last: neighbours in a stream mostly
// carry the same members behind their chains.
type metaReader struct {
	members []byte
	meta    Meta
}

func (m *metaReader) read(raw []byte) (Meta, error) {
	chain, members := cutChain(raw)
	if m.members == nil || !bytes.Equal(m.members, members) {
		var meta Meta
		if err := json.Unmarshal(raw, &meta); err != nil {
			return Meta{}, fmt.Errorf("metadata: %w", err)
		}
		m.members, m.meta = append(m.members[:0], members...), meta
	}
	meta := m.meta
	meta.Chain = chain
	return meta, nil
}
