package eventstore

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"importledger/events"
)

// SubscriberConfig of a Subscriber.
type SubscriberConfig struct {
	// NackDelay is the pause before a nacked message comes again; it doubles with
	// every nack up to MaxNackDelay. Defaults 100 ms and 5 s.
	NackDelay    time.Duration
	MaxNackDelay time.Duration
}

// ahead is how many messages a Subscriber holds beyond the one being handled.
const ahead = 256

// Subscriber is a Watermill subscriber, the counterpart of Publisher: a topic is
// the name of a stream, and every event of it, from the first one on, is one
// message. Order is kept: the next message comes after the ack of the one before,
// and a nack brings the same message again. Each subscription gets all events and
// none is remembered as handled: there are no consumer groups. What must resume
// where it was, and anything that many events pass through, uses BatchSubscriber.
type Subscriber struct {
	log    *Log
	config SubscriberConfig
	runs   *subscriptions
}

var _ message.Subscriber = (*Subscriber)(nil)

// NewSubscriber makes a subscriber over a log, which must outlive it.
func NewSubscriber(log *Log, config SubscriberConfig) *Subscriber {
	config.NackDelay = orDefault(config.NackDelay, 100*time.Millisecond)
	config.MaxNackDelay = orDefault(config.MaxNackDelay, 5*time.Second)
	return &Subscriber{log: log, config: config, runs: newSubscriptions()}
}

// Subscribe starts a subscription; its channel is closed when ctx ends or the
// subscriber is closed. The stream need not exist yet.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	f := &feed{
		log:    s.log,
		source: stream(topic),
		logger: s.log.config.Logger,
		into:   newCollector(limits{events: ahead, bytes: 4 << 20, linger: time.Millisecond, progress: time.Hour}),
	}
	err := s.runs.start(ctx, func(ctx context.Context) {
		defer close(out)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var receiving sync.WaitGroup
		receiving.Go(func() {
			defer cancel() // it ends by itself where the log has become another one
			f.run(ctx)
		})
		defer receiving.Wait()
		s.run(ctx, f, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Subscriber) run(ctx context.Context, f *feed, out chan<- *message.Message) {
	for {
		batch, err := f.into.take(ctx)
		if err != nil {
			return
		}
		for _, e := range batch.Events {
			if s.deliver(ctx, out, e) != nil {
				return
			}
		}
	}
}

func (s *Subscriber) deliver(ctx context.Context, out chan<- *message.Message, e events.Recorded) error {
	pause := backoff{first: s.config.NackDelay, max: s.config.MaxNackDelay}
	return deliver(ctx, out, pause, func() *message.Message { return received(e) })
}

// Close ends all subscriptions and waits until their goroutines are gone.
func (s *Subscriber) Close() error {
	s.runs.close()
	return nil
}
