package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"importledger/aggregate"
	"importledger/events"
)

// TypeKey is the key of a message's metadata that holds the event's type. A
// message without it becomes an event of type DefaultType.
const (
	TypeKey     = "event_type"
	DefaultType = "message"
)

// maxPublished bounds the messages that one append carries.
const maxPublished = 1000

// maxOvertaken bounds how often Publish tries again because somebody else has
// written to the stream in between.
const maxOvertaken = 1000

// Publisher is a Watermill publisher. A topic is the name of a stream; a message
// becomes one event: its UUID the event's id, its payload the data, its metadata
// the event's metadata as a JSON object of strings, but for TypeKey.
type Publisher struct {
	log *Log

	mu     sync.Mutex
	closed bool
	topic  string // published to last
	length uint64 // of that stream, as far as is known
}

var _ message.Publisher = (*Publisher)(nil)

// NewPublisher makes a publisher over a log, which must outlive it.
func NewPublisher(log *Log) *Publisher { return &Publisher{log: log} }

// Publish appends messages to the stream in order. Up to 1,000 messages that fit
// one append are recorded together or not at all; of more, the first ones may
// have been recorded when it fails. Publishing the same messages again after
// aggregate.ErrLogUnavailable is safe as long as nobody else writes to the topic.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	if len(messages) == 0 {
		return nil
	}
	batch := make([]events.Proposed, len(messages))
	for i, m := range messages {
		var err error
		if batch[i], err = proposed(m); err != nil {
			return err
		}
	}
	ctx := messages[0].Context()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errors.New("the publisher has been closed")
	}
	for chunk := range Chunk(batch, maxPublished) {
		if err := p.append(ctx, topic, chunk); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return nil
}

// append adds a chunk at the end of the stream, wherever that is by then. The
// place is remembered also when the outcome is unknown, so that a repeat goes to
// the same place and is recognized.
func (p *Publisher) append(ctx context.Context, topic string, chunk []events.Proposed) error {
	for range maxOvertaken {
		if p.topic != topic {
			length, err := p.log.length(ctx, topic)
			if err != nil {
				return err
			}
			p.topic, p.length = topic, length
		}
		_, err := p.log.Append(ctx, topic, p.length, chunk)
		if err == nil {
			p.length += uint64(len(chunk))
			return nil
		}
		if !errors.Is(err, aggregate.ErrOvertaken) {
			return err
		}
		p.topic = ""
	}
	return fmt.Errorf("%w again and again", aggregate.ErrOvertaken)
}

// Close makes further calls of Publish fail. The log stays open.
func (p *Publisher) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

func proposed(m *message.Message) (events.Proposed, error) {
	id, err := uuid.Parse(m.UUID)
	if err != nil || id == uuid.Nil {
		return events.Proposed{}, fmt.Errorf("message %q: its UUID must be one, it becomes the event's id", m.UUID)
	}
	e := events.Proposed{ID: id, Type: DefaultType, Data: m.Payload}
	metadata := make(map[string]string, len(m.Metadata))
	for key, value := range m.Metadata {
		if key == TypeKey && value != "" {
			e.Type = value
			continue
		}
		metadata[key] = value
	}
	if e.Metadata, err = json.Marshal(metadata); err != nil {
		return events.Proposed{}, fmt.Errorf("message %q: metadata: %w", m.UUID, err)
	}
	return e, nil
}

// received is the message for a recorded event, of ours or another writer's:
// metadata that is not a string comes as its JSON text.
func received(e events.Recorded) *message.Message {
	m := message.NewMessage(e.ID.String(), e.Data)
	defer m.Metadata.Set(TypeKey, e.Type)
	var metadata map[string]json.RawMessage
	if json.Unmarshal(e.Metadata, &metadata) != nil {
		return m // metadata need not be JSON; then there is none to carry over
	}
	for key, raw := range metadata {
		var value string
		if json.Unmarshal(raw, &value) != nil {
			value = string(raw)
		}
		m.Metadata.Set(key, value)
	}
	return m
}
