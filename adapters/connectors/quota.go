package connectors

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// seenEvery is after how many looks at its sessions a process says that they are open.
	seenEvery = 5
	// silentAfter is when a session does not count any more whose process says nothing.
	silentAfter = 20 * time.Second
)

// occupy counts a session in, unless its connector has as many as it may, in all
// processes together.
func (c *Connectors) occupy(ctx context.Context, s *Session) error {
	return pgx.BeginFunc(ctx, c.deps.DB, func(tx pgx.Tx) error {
		// One at a time: two that count at once would both find room.
		if _, err := tx.Exec(ctx, "SELECT FROM ledger.connectors WHERE id = $1 FOR NO KEY UPDATE", s.connectorID); err != nil {
			return fmt.Errorf("sessions of a connector: %w", err)
		}
		added, err := tx.Exec(ctx, `
			INSERT INTO ledger.connector_sessions (id, connector_id, seen_at)
			SELECT $1, $2, clock_timestamp() WHERE $3 > (
				SELECT count(*) FROM ledger.connector_sessions WHERE connector_id = $2 AND seen_at > clock_timestamp() - $4::interval)`,
			s.id, s.connectorID, c.deps.Limits.Sessions, silentAfter)
		if err != nil {
			return fmt.Errorf("sessions of a connector: %w", err)
		}
		if added.RowsAffected() == 0 {
			return errTooMany
		}
		return nil
	})
}

// vacate counts a session out. Where Postgres is away it soon does not count any more.
func (c *Connectors) vacate(s *Session) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := c.deps.DB.Exec(ctx, "DELETE FROM ledger.connector_sessions WHERE id = $1", s.id); err != nil {
		c.deps.Logger.Warn("a session that has ended counts for some seconds more", "connector", s.connectorID, "error", err)
	}
}

// sayOpen says that this process's sessions are open, also after Postgres has lost them.
func (c *Connectors) sayOpen(ctx context.Context) error {
	open := c.sessions.list()
	if len(open) == 0 {
		return nil
	}
	ids, connectors := make([]string, len(open)), make([]string, len(open))
	for i, s := range open {
		ids[i], connectors[i] = s.id, s.connectorID
	}
	_, err := c.deps.DB.Exec(ctx, `
		INSERT INTO ledger.connector_sessions (id, connector_id, seen_at) SELECT id, connector, clock_timestamp() FROM unnest($1::text[], $2::text[]) AS open (id, connector)
		ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`, ids, connectors)
	if err != nil {
		return fmt.Errorf("sessions of connectors: %w", err)
	}
	for _, s := range open {
		s.mu.Lock()
		over := s.over
		s.mu.Unlock()
		if over { // and was counted out while it was counted in again
			c.vacate(s)
		}
	}
	return nil
}

func (c *Connectors) sweepSessions(ctx context.Context) error {
	_, err := c.deps.DB.Exec(ctx, "DELETE FROM ledger.connector_sessions WHERE seen_at < clock_timestamp() - $1::interval", 2*silentAfter)
	if err != nil {
		return fmt.Errorf("sessions of connectors: %w", err)
	}
	return nil
}
