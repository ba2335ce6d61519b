package postgres

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"importledger/projections"
)

// Changes hears what projectors announce, those of all processes, over one
// connection, and passes it on to whoever follows imports in this process.
//
// Announcements can get lost: with a connection that breaks, with a process that is
// killed between its commit and its word. Followers are told after the first that
// anything may have changed, and look for themselves now and then for the second.
type Changes struct {
	pool  *pgxpool.Pool
	heard func(projections.Announcement)
	log   *slog.Logger

	mu        sync.Mutex
	followers map[*follower]struct{}
}

// follower has at most one Changed waiting for it, which grows until it is taken.
type follower struct {
	importID string // empty: all
	changed  chan projections.Changed
}

// NewChanges makes Changes that hear nothing before Run. heard is told of every
// announcement and must not block.
func NewChanges(pool *pgxpool.Pool, heard func(projections.Announcement), log *slog.Logger) *Changes {
	return &Changes{pool: pool, heard: heard, log: log, followers: map[*follower]struct{}{}}
}

// Follow tells when an import, or with an empty id any import, has changed in the
// imports list. What comes before the last was taken is merged with it, so a slow
// follower costs nothing. stop ends it.
func (c *Changes) Follow(importID string) (changed <-chan projections.Changed, stop func()) {
	f := &follower{importID: importID, changed: make(chan projections.Changed, 1)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.followers[f] = struct{}{}
	return f.changed, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.followers, f)
	}
}

// Pauses between attempts to hear again.
const (
	firstListenPause = 50 * time.Millisecond
	maxListenPause   = 2 * time.Second
)

// Run hears until ctx ends, over a new connection whenever one is lost.
func (c *Changes) Run(ctx context.Context) {
	pause, silent := firstListenPause, false
	for {
		err := c.listen(ctx, func() {
			if silent {
				c.log.Info("hearing of changes again")
			}
			pause, silent = firstListenPause, false
		})
		if ctx.Err() != nil {
			return
		}
		if !silent {
			c.log.Warn("changes are not heard of at the moment; they show a little later", "error", err)
			silent = true
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
			pause = min(2*pause, maxListenPause)
		}
	}
}

// listen hears over one connection, which does not come from the pool: it would
// never go back.
func (c *Changes) listen(ctx context.Context, begun func()) error {
	conn, err := pgx.ConnectConfig(ctx, c.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := conn.Close(ending); err != nil && !IsUnavailable(err) {
			c.log.Warn("closing the connection that heard of changes", "error", err)
		}
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+projections.Channel); err != nil {
		return err
	}
	begun()
	// Nobody heard what was announced until now.
	c.pass(projections.Announcement{Changed: projections.Changed{All: true}})
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		a, err := projections.ParseAnnouncement(n.Payload)
		if err != nil {
			c.log.Warn("an announcement cannot be read", "error", err)
			a.All = true
		}
		c.pass(a)
	}
}

func (c *Changes) pass(a projections.Announcement) {
	if !a.Changed.Empty() {
		c.tellFollowers(a.Changed)
	}
	c.heard(a)
}

func (c *Changes) tellFollowers(changed projections.Changed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for f := range c.followers {
		f.tell(changed)
	}
}

// tell puts a change in the place of the one that waits. Nobody else sends, so
// there is room for it.
func (f *follower) tell(changed projections.Changed) {
	if f.importID != "" {
		if !changed.Of(f.importID, 0) {
			return
		}
		changed = changed.Only(f.importID)
	}
	select {
	case waiting := <-f.changed:
		changed = waiting.Merge(changed)
	default:
	}
	f.changed <- changed
}
