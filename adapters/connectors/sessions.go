package connectors

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"importledger/commands"
)

// watchEvery is how often sessions are compared with who may come in. It bounds how
// long a session outlives its connector's access, in every process.
const watchEvery = time.Second

var (
	errNotAllowed  = refuse(commands.NotFound, "login-refused", "The username, password or key is wrong, or the connector is disabled.")
	errTooMany     = refuse(commands.Conflict, "too-many-sessions", "This connector has too many sessions. End one, then sign in again.")
	errManyRefused = refuse(commands.Conflict, "too-many-attempts", "Too many wrong passwords came from here. Try again later.")
)

// sessions are those of this process.
type sessions struct {
	mu   sync.Mutex
	open map[*Session]struct{}
}

func newSessions() *sessions { return &sessions{open: map[*Session]struct{}{}} }

func (all *sessions) add(s *Session) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.open[s] = struct{}{}
}

func (all *sessions) remove(s *Session) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.open, s)
}

func (all *sessions) list() []*Session {
	all.mu.Lock()
	defer all.mu.Unlock()
	list := make([]*Session, 0, len(all.open))
	for s := range all.open {
		list = append(list, s)
	}
	return list
}

// Enter opens a session of a connector whose client has shown who it is. cut is
// called, once and at any time, when the connector may not come in any longer.
func (c *Connectors) Enter(ctx context.Context, connectorID string, from netip.Addr, how string, cut func()) (*Session, error) {
	found, err := c.access(ctx, []string{connectorID})
	if err != nil {
		return nil, err
	}
	access, enabled := found[connectorID]
	if !enabled {
		return nil, errNotAllowed
	}
	s := &Session{id: c.deps.NewID(), connectors: c, connectorID: connectorID, access: access, network: networkOf(from), cut: sync.OnceFunc(cut), sent: map[string]int64{}}
	if err := c.occupy(ctx, s); err != nil {
		if errors.Is(err, errTooMany) {
			c.note(ctx, connectorID, activity{action: loginRefused, detail: errTooMany.Code, network: s.network})
		}
		return nil, err
	}
	c.sessions.add(s)
	c.note(ctx, connectorID, activity{action: loggedIn, detail: how, network: s.network})
	return s, nil
}

// Leave ends a session. What it was receiving does not count.
func (s *Session) Leave() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.connectors.sessions.remove(s)
	s.connectors.vacate(s)
}

// access gives, of these connectors, those that may come in, and since which change.
func (c *Connectors) access(ctx context.Context, ids []string) (map[string]int, error) {
	rows, err := c.deps.DB.Query(ctx, "SELECT id, access FROM ledger.connectors WHERE id = ANY($1) AND enabled AND removed_at IS NULL", ids)
	if err != nil {
		return nil, err
	}
	found := map[string]int{}
	var id string
	var access int
	_, err = pgx.ForEachRow(rows, []any{&id, &access}, func() error {
		found[id] = access
		return nil
	})
	return found, err
}

// watch cuts the sessions of connectors that may not come in any longer, until ctx
// ends.
func (c *Connectors) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			err := c.cutSessions(ctx)
			if n%seenEvery == 0 {
				err = errors.Join(err, c.sayOpen(ctx))
			}
			if err != nil && ctx.Err() == nil {
				c.deps.Logger.Warn("cannot see which connectors may come in; trying again", "error", err)
			}
		}
	}
}

func (c *Connectors) cutSessions(ctx context.Context) error {
	open := c.sessions.list()
	if len(open) == 0 {
		return nil
	}
	ids := make([]string, len(open))
	for i, s := range open {
		ids[i] = s.connectorID
	}
	found, err := c.access(ctx, ids)
	if err != nil {
		return err
	}
	for _, s := range open {
		if access, may := found[s.connectorID]; !may || access != s.access {
			s.Leave()
			s.cut()
			c.note(ctx, s.connectorID, activity{action: sessionCut, network: s.network})
		}
	}
	return nil
}

// Run takes files, cuts sessions and tidies up until ctx ends.
func (c *Connectors) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { c.take(ctx) })
	all.Go(func() { c.watch(ctx) })
	all.Go(func() { c.tidy(ctx) })
	all.Wait()
}

// tidyEvery is how often what is left over is swept.
const tidyEvery = time.Minute

func (c *Connectors) tidy(ctx context.Context) {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		if err := c.sweep(ctx); err != nil && ctx.Err() == nil {
			c.deps.Logger.Warn("connectors could not be tidied up; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

const (
	sweptAfter   = 10 * time.Minute    // a file is stored within storeWithin, or its process has died
	activityKept = 90 * 24 * time.Hour // and at most
	activityMost = 10_000              // entries of a connector
	attemptsKept = 24 * time.Hour
)

// sweep removes the bytes of files that never counted, and entries that are old.
func (c *Connectors) sweep(ctx context.Context) error {
	now := c.deps.Now()
	_, err := c.deps.DB.Exec(ctx, `
		UPDATE ledger.connector_files SET state = 'sweeping' WHERE state = 'storing' AND received_at < $1
			OR state = 'held' AND connector_id IN (SELECT id FROM ledger.connectors WHERE removed_at IS NOT NULL)`, now.Add(-sweptAfter))
	if err != nil {
		return fmt.Errorf("files that never counted: %w", err)
	}
	left, err := queryFiles(ctx, c.deps.DB, "state = 'sweeping' LIMIT 1000")
	if err != nil {
		return err
	}
	for _, f := range left {
		if err := c.sweepFiles(ctx, f.importID); err != nil {
			return err
		}
	}
	errSamples := errors.Join(c.sweepSamples(ctx), c.sweepSessions(ctx))
	_, err = c.deps.DB.Exec(ctx, "DELETE FROM ledger.connector_activity WHERE at < $1", now.Add(-activityKept))
	_, errMost := c.deps.DB.Exec(ctx, `
		DELETE FROM ledger.connector_activity a USING ledger.connectors c
		WHERE a.connector_id = c.id AND a.id <= (
			SELECT id FROM ledger.connector_activity WHERE connector_id = c.id ORDER BY id DESC LIMIT 1 OFFSET $1)`, activityMost)
	_, errAttempts := c.deps.DB.Exec(ctx, "DELETE FROM ledger.connector_attempts WHERE last_at < $1 AND coalesce(banned_until, last_at) < $2", now.Add(-attemptsKept), now)
	return errors.Join(errSamples, err, errMost, errAttempts)
}
