package eventstore

import (
	"context"
	"errors"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
)

var errSubscriberClosed = errors.New("the subscriber has been closed")

// subscriptions are what a subscriber runs, until it is closed.
type subscriptions struct {
	closing context.Context
	shut    context.CancelFunc

	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
}

func newSubscriptions() *subscriptions {
	closing, cancel := context.WithCancel(context.Background())
	return &subscriptions{closing: closing, shut: cancel}
}

// start runs a subscription until it returns; its context ends with the caller's,
// or when the subscriber is closed.
func (s *subscriptions) start(ctx context.Context, run func(context.Context)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errSubscriberClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(s.closing, cancel) //nolint:contextcheck // it is the subscriber's own
	s.work.Go(func() {
		defer unhook()
		defer cancel()
		run(ctx)
	})
	return nil
}

func (s *subscriptions) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.shut()
	s.work.Wait()
}

// deliver hands out one message, again after every nack, until it is acked.
func deliver(ctx context.Context, out chan<- *message.Message, pause backoff, make func() *message.Message) error {
	for {
		done, err := deliverOnce(ctx, out, make())
		if done || err != nil {
			return err
		}
		if err := pause.wait(ctx); err != nil {
			return err
		}
	}
}

func deliverOnce(ctx context.Context, out chan<- *message.Message, m *message.Message) (acked bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m.SetContext(ctx)
	select {
	case out <- m:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	select {
	case <-m.Acked():
		return true, nil
	case <-m.Nacked():
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
