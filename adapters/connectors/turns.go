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

// turn is the right to have a password looked at.
type turn struct {
	connectors *Connectors
	key        []byte
	until      time.Time // by the clock of Postgres; it also says whose the turn is
	endHere    func()
}

// beginTurn lets one password of a username from an address be looked at at a time, by
// all processes together, so that trying many at once is not faster.
func (c *Connectors) beginTurn(ctx context.Context, key []byte) (*turn, error) {
	endHere, err := c.turns.begin(ctx, string(key))
	if err != nil {
		return nil, err
	}
	for {
		until, taken, err := c.takeTurn(ctx, key)
		if err == nil && !taken {
			err = wait(ctx, turnAsked)
		}
		if err != nil {
			endHere()
			return nil, err
		}
		if taken {
			return &turn{c, key, until, endHere}, nil
		}
	}
}

func (c *Connectors) takeTurn(ctx context.Context, key []byte) (until time.Time, taken bool, err error) {
	err = c.deps.DB.QueryRow(ctx, `
		INSERT INTO ledger.connector_attempts AS a (key, failures, last_at, turn_until) VALUES ($1, 0, $2, clock_timestamp() + $3::interval)
		ON CONFLICT (key) DO UPDATE SET turn_until = excluded.turn_until WHERE a.turn_until IS NULL OR a.turn_until < clock_timestamp()
		RETURNING turn_until`, key, c.deps.Now(), turnWithin).Scan(&until)
	if errors.Is(err, pgx.ErrNoRows) {
		return until, false, nil
	}
	if err != nil {
		return until, false, fmt.Errorf("wrong passwords: %w", err)
	}
	return until, true, nil
}

// keep keeps a turn for as long as a wrong password is answered late, even if its
// process dies meanwhile. One that has passed to somebody else is theirs.
func (t *turn) keep(ctx context.Context, delay time.Duration) error {
	err := t.connectors.deps.DB.QueryRow(ctx, `
		UPDATE ledger.connector_attempts SET turn_until = clock_timestamp() + $3::interval WHERE key = $1 AND turn_until = $2 RETURNING turn_until`,
		t.key, t.until, delay+turnWithin).Scan(&t.until)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("wrong passwords: %w", err)
	}
	return nil
}

// end lets the next one be looked at. Where Postgres is away the turn ends by itself.
func (t *turn) end(ctx context.Context) {
	defer t.endHere()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err := t.connectors.deps.DB.Exec(ctx, "UPDATE ledger.connector_attempts SET turn_until = NULL WHERE key = $1 AND turn_until = $2", t.key, t.until)
	if err != nil {
		t.connectors.deps.Logger.Warn("a login could not let the next one be looked at yet", "error", err)
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
