package eventstore

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"importledger/events"
)

// BatchConfig of a BatchSubscriber. Only From is required.
type BatchConfig struct {
	// From gives the position after which a subscription begins: the checkpoint
	// of the read model. It is asked once for every Subscribe, again after a pause
	// while it fails. Connections that are lost later do not ask it: the
	// subscription goes on behind what it has received.
	From func(context.Context) (events.Position, error)

	// MaxEvents and MaxBytes close a batch. Bytes are those of events as they are
	// stored; the event that crosses the limit is still taken in. Up to one batch
	// more than the one being handled is held in memory. Defaults 2,000 and 4 MiB.
	MaxEvents int
	MaxBytes  int

	// Linger is how long a batch that is not full waits for more, while the
	// subscription is behind the log. A subscription that has caught up never
	// waits. Default 20 ms.
	Linger time.Duration

	// ProgressEvery is the shortest time between two batches that carry no events
	// but only a later Until. Default 5 s.
	ProgressEvery time.Duration

	// NackDelay is the pause before a nacked batch comes again; it doubles with
	// every nack up to MaxNackDelay. Defaults 100 ms and 5 s.
	NackDelay    time.Duration
	MaxNackDelay time.Duration
}

func (c BatchConfig) withDefaults() BatchConfig {
	c.MaxEvents = orDefault(c.MaxEvents, 2000)
	c.MaxBytes = orDefault(c.MaxBytes, 4<<20)
	c.Linger = orDefault(c.Linger, 20*time.Millisecond)
	c.ProgressEvery = orDefault(c.ProgressEvery, 5*time.Second)
	c.NackDelay = orDefault(c.NackDelay, 100*time.Millisecond)
	c.MaxNackDelay = orDefault(c.MaxNackDelay, 5*time.Second)
	return c
}

// State of a subscription, for metrics and readiness.
type State struct {
	CaughtUp bool            // connected, and every event in the log has been acked
	Seen     events.Position // received so far
	Acked    events.Position // Until of the last batch that was acked
}

// BatchSubscriber is a Watermill subscriber for projectors. A message's payload
// is an events.Batch (UnmarshalBatch reads it): the ledger's events of all
// streams, in log order. The next message comes only after the ack of the one
// before; a nack brings the same batch again. Batches follow each other without
// a gap and without overlap, across lost connections and restarts of the server.
//
// A batch is what has come in while the last one was handled, so that batches are
// small and prompt when there is little to do, and large when there is much. Long
// stretches of the log that hold nothing of ours become batches without events.
type BatchSubscriber struct {
	log    *Log
	config BatchConfig
	runs   *subscriptions

	mu    sync.Mutex
	feed  *feed // of the one subscription, nil when there is none
	acked events.Position
}

var _ message.Subscriber = (*BatchSubscriber)(nil)

// NewBatchSubscriber makes a subscriber over a log, which must outlive it.
func NewBatchSubscriber(log *Log, config BatchConfig) (*BatchSubscriber, error) {
	if config.From == nil {
		return nil, errors.New("a batch subscriber needs to know from where on to read: From is nil")
	}
	return &BatchSubscriber{log: log, config: config.withDefaults(), runs: newSubscriptions()}, nil
}

// Subscribe starts the subscription; its channel is closed when ctx ends, the
// subscriber is closed, or the log turns out to be another one (Recognize) after a
// connection was lost. The topic names the subscription in logs; what is read is
// always the whole ledger. A BatchSubscriber has one subscription at a time.
func (s *BatchSubscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	f := &feed{
		log:    s.log,
		source: all,
		logger: s.log.config.Logger.With("subscription", topic),
		into: newCollector(limits{
			events: s.config.MaxEvents, bytes: s.config.MaxBytes,
			linger: s.config.Linger, progress: s.config.ProgressEvery,
		}),
	}
	if err := s.occupy(f); err != nil {
		return nil, err
	}
	out := make(chan *message.Message)
	err := s.runs.start(ctx, func(ctx context.Context) {
		defer close(out)
		defer s.vacate()
		s.run(ctx, f, out)
	})
	if err != nil {
		s.vacate()
		return nil, err
	}
	return out, nil
}

// Close ends the subscription and waits until its goroutines are gone. A message
// that has been handed out counts as not acked from then on.
func (s *BatchSubscriber) Close() error {
	s.runs.close()
	return nil
}

// State tells how far the subscription is; all zero when there is none.
func (s *BatchSubscriber) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.feed == nil {
		return State{}
	}
	seen, last, live := s.feed.progress()
	return State{CaughtUp: live && !s.acked.Before(last), Seen: seen, Acked: s.acked}
}

func (s *BatchSubscriber) run(ctx context.Context, f *feed, out chan<- *message.Message) {
	from, err := s.from(ctx, f.logger)
	if err != nil {
		return
	}
	f.begin(from)
	s.setAcked(from)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var receiving sync.WaitGroup
	receiving.Go(func() {
		defer cancel() // it ends by itself where the log has become another one
		f.run(ctx)
	})
	defer receiving.Wait()
	for {
		batch, err := f.into.take(ctx)
		if err != nil {
			return
		}
		id, payload := batch.Until.String(), batch.Marshal()
		err = deliver(ctx, out, s.nacking(), func() *message.Message {
			return message.NewMessage(id, payload)
		})
		if err != nil {
			return
		}
		s.setAcked(batch.Until)
	}
}

// from asks for the starting position until there is one, or ctx ends.
func (s *BatchSubscriber) from(ctx context.Context, logger *slog.Logger) (events.Position, error) {
	pause := s.nacking()
	for {
		from, err := s.config.From(ctx)
		if err == nil {
			return from, nil
		}
		if ctx.Err() == nil {
			logger.Warn("the position to subscribe from is not known yet", "error", err)
		}
		if err := pause.wait(ctx); err != nil {
			return from, err
		}
	}
}

func (s *BatchSubscriber) nacking() backoff {
	return backoff{first: s.config.NackDelay, max: s.config.MaxNackDelay}
}

func (s *BatchSubscriber) occupy(f *feed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.feed != nil {
		return errors.New("this batch subscriber has a subscription already")
	}
	s.feed, s.acked = f, events.Position{}
	return nil
}

func (s *BatchSubscriber) vacate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed = nil
}

func (s *BatchSubscriber) setAcked(p events.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked = p
}
