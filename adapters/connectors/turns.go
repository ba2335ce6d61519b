package connectors

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// turnWithin is how long a turn lasts at most whose process has died.
	turnWithin = 15 * time.Second
	// turnAsked is how often a process asks whether another one's turn is over.
	turnAsked = 100 * time.Millisecond
)

// beginTurn lets one password of a username from an address be looked at at a time, by
// all processes together, so that trying many at once is not faster.
func (c *Connectors) beginTurn(ctx context.Context, key []byte) (done func(), err error) {
	doneHere, err := c.turns.begin(ctx, string(key))
	if err != nil {
		return nil, err
	}
	for {
		taken, err := c.takeTurn(ctx, key)
		if err == nil && !taken {
			err = wait(ctx, turnAsked)
		}
		if err != nil {
			doneHere()
			return nil, err
		}
		if taken {
			return func() {
				c.endTurn(ctx, key)
				doneHere()
			}, nil
		}
	}
}

func (c *Connectors) takeTurn(ctx context.Context, key []byte) (taken bool, err error) {
	err = c.deps.DB.QueryRow(ctx, `
		INSERT INTO ledger.connector_attempts AS a (key, failures, last_at, turn_until) VALUES ($1, 0, $2, clock_timestamp() + $3::interval)
		ON CONFLICT (key) DO UPDATE SET turn_until = excluded.turn_until WHERE a.turn_until IS NULL OR a.turn_until < clock_timestamp()
		RETURNING true`, key, c.deps.Now(), turnWithin).Scan(&taken)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("wrong passwords: %w", err)
	}
	return taken, nil
}

// keepTurn keeps a turn for as long as a wrong password is answered late, even if its
// process dies meanwhile.
func (c *Connectors) keepTurn(ctx context.Context, key []byte, delay time.Duration) error {
	if _, err := c.deps.DB.Exec(ctx, "UPDATE ledger.connector_attempts SET turn_until = clock_timestamp() + $2::interval WHERE key = $1", key, delay+turnWithin); err != nil {
		return fmt.Errorf("wrong passwords: %w", err)
	}
	return nil
}

// endTurn lets the next one be looked at. Where Postgres is away the turn ends by itself.
func (c *Connectors) endTurn(ctx context.Context, key []byte) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, err := c.deps.DB.Exec(ctx, "UPDATE ledger.connector_attempts SET turn_until = NULL WHERE key = $1", key); err != nil {
		c.deps.Logger.Warn("a login could not let the next one be looked at yet", "error", err)
	}
}

// turns are those of this process, so that one of those who wait asks Postgres.
type turns struct {
	mu    sync.Mutex
	taken map[string]chan struct{}
}

func newTurns() *turns { return &turns{taken: map[string]chan struct{}{}} }

func (t *turns) begin(ctx context.Context, key string) (done func(), err error) {
	for {
		t.mu.Lock()
		before, busy := t.taken[key]
		if !busy {
			mine := make(chan struct{})
			t.taken[key] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.taken, key)
				t.mu.Unlock()
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
