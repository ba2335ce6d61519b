package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"importledger/aggregate"
)

// errClosed is returned for calls after Close.
var errClosed = errors.New("the event log has been closed")

// clients lends esdb clients, each to one call at a time.
//
// A client cannot be shared across an outage. It gives up for good once its
// discovery has failed; callers that are waiting for a connection at that moment
// wait for ever, without regard to their context; and a connection that it
// replaces is never closed. With one call at a time none of this can happen, if
// the client is thrown away at the first sign of trouble.
type clients struct {
	settings *esdb.Configuration
	logger   *slog.Logger
	slots    chan struct{}
	closing  context.Context
	shut     context.CancelFunc
	attempts sync.WaitGroup // to connect

	mu      sync.Mutex
	idle    []*esdb.Client
	closed  bool
	pause   backoff
	retryAt time.Time // no attempt to connect before it
	lastErr error     // why the last attempt failed
}

func newClients(settings *esdb.Configuration, config Config) *clients {
	closing, cancel := context.WithCancel(context.Background())
	return &clients{
		settings: settings,
		logger:   config.Logger,
		slots:    make(chan struct{}, config.MaxCalls),
		closing:  closing,
		shut:     cancel,
		pause:    reconnecting(config),
	}
}

// call runs one call to the server under the configured timeout. Errors come out
// in our words, behind what was being done.
func (l *Log) call(ctx context.Context, doing string, do func(context.Context, *esdb.Client) error) error {
	limited, cancel := context.WithTimeout(ctx, l.config.Timeout)
	defer cancel()
	client, err := l.clients.take(limited)
	if err == nil {
		err = do(limited, client)
		l.clients.giveBack(client, err)
	}
	return translate(ctx, doing, err)
}

// take lends an idle client, or a new one that is connected.
func (c *clients) take(ctx context.Context) (*esdb.Client, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.mu.Lock()
	if n := len(c.idle); n > 0 {
		client := c.idle[n-1]
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		return client, nil
	}
	c.mu.Unlock()
	client, err := c.connect(ctx)
	if err != nil {
		<-c.slots
		return nil, err
	}
	return client, nil
}

// giveBack ends a loan. A client whose call failed in a way that puts its
// connection in doubt is closed, and with it the idle ones: they have mostly lost
// their server too, and each would cost a call to find that out.
func (c *clients) giveBack(client *esdb.Client, err error) {
	defer func() { <-c.slots }()
	inDoubt := err != nil && connectionInDoubt(err)
	c.mu.Lock()
	if !inDoubt && !c.closed {
		c.idle = append(c.idle, client)
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.discard(client)
	if inDoubt {
		c.discardIdle()
	}
}

func (c *clients) discardIdle() {
	c.mu.Lock()
	idle := c.idle
	c.idle = nil
	c.mu.Unlock()
	for _, client := range idle {
		c.discard(client)
	}
}

// discard closes a client that nobody uses any more: a call that is still under
// way in it could panic. The connection ends in the background.
func (c *clients) discard(client *esdb.Client) {
	if err := client.Close(); err != nil {
		c.logger.Warn("a connection to the event log was not closed well", "error", err)
	}
}

// connect gives a new client that is connected. Soon after a failed attempt it
// fails at once, with that attempt's reason.
func (c *clients) connect(ctx context.Context) (*esdb.Client, error) {
	client, err := esdb.NewClient(c.settings)
	if err != nil {
		return nil, err
	}
	if err := c.beginAttempt(); err != nil {
		c.discard(client)
		return nil, err
	}
	// The client does not heed a context while it connects: wait for it beside.
	connected := make(chan error)
	go func() {
		defer c.attempts.Done()
		_, err := client.GetServerVersion()
		c.noteAttempt(err)
		select {
		case connected <- err:
		case <-ctx.Done():
			c.discard(client)
		case <-c.closing.Done():
			c.discard(client)
		}
	}()
	select {
	case err := <-connected:
		if err != nil {
			c.discard(client)
			return nil, err
		}
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.closing.Done():
		return nil, errClosed
	}
}

func (c *clients) beginAttempt() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errClosed
	}
	if c.lastErr != nil && time.Now().Before(c.retryAt) {
		return fmt.Errorf("%w (just tried): %w", aggregate.ErrLogUnavailable, c.lastErr)
	}
	c.attempts.Add(1)
	return nil
}

func (c *clients) noteAttempt(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastErr = err
	if err == nil {
		c.pause.reset()
		return
	}
	// Attempts that ran side by side count as one.
	if now := time.Now(); now.After(c.retryAt) {
		c.retryAt = now.Add(c.pause.next())
	}
}

func (c *clients) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.shut()
	c.discardIdle()
	c.attempts.Wait()
}

func reconnecting(config Config) backoff {
	return backoff{first: min(20*time.Millisecond, config.MaxBackoff), max: config.MaxBackoff}
}

// backoff gives growing pauses: first, doubled each time, at most max.
type backoff struct {
	first, max, now time.Duration
}

func (b *backoff) next() time.Duration {
	b.now = min(max(b.now*2, b.first), b.max)
	return b.now
}

func (b *backoff) reset() { b.now = 0 }

// wait sleeps until the next attempt is due, or ctx is done.
func (b *backoff) wait(ctx context.Context) error {
	timer := time.NewTimer(b.next())
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
