package projections

import (
	"context"
	"errors"

	"importledger/events"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// State is what a read model is doing.
type State string

// The states of a read model. One that is being rebuilt goes on serving.
const (
	StateLive       State = "live"
	StateRebuilding State = "rebuilding"
	StateStopped    State = "stopped"
)

// Status is how a read model stands.
type Status struct {
	Name            string
	State           State
	Position        events.Position // of the log, up to which events are in its tables
	Applied         uint64          // how many events of the ledger lie up to there
	EventsPerSecond float64         // by whichever process projects it, over the last seconds
	LastError       *Stopped        // state stopped; also beside a rebuild that mends it
	Rebuild         *RebuildStatus  // while somebody, maybe another process, rebuilds it
}

// RebuildStatus is how far a rebuild has come.
type RebuildStatus struct {
	Position events.Position
	Applied  uint64
}

// Status tells how every read model stands.
func (p *Projector) Status(ctx context.Context) ([]Status, error) {
	all := make([]Status, 0, len(p.models))
	for _, t := range p.models {
		c, err := readCheckpoint(ctx, p.pool, t.name)
		if err != nil {
			return nil, err
		}
		s := Status{Name: t.name, State: StateLive, Position: c.position, Applied: c.applied, LastError: c.stopped,
			EventsPerSecond: t.perSecond(p.config.Now())}
		if c.version != t.version {
			s.LastError = outdated(t.name)
		}
		if s.LastError != nil {
			s.State = StateStopped
		}
		if s.Rebuild, err = rebuildStatus(ctx, p.pool, t.name); err != nil {
			return nil, err
		}
		if s.Rebuild != nil {
			s.State = StateRebuilding
		}
		all = append(all, s)
	}
	return all, nil
}

// rebuildStatus is nil where no process rebuilds the read model.
func rebuildStatus(ctx context.Context, q Querier, name string) (*RebuildStatus, error) {
	var held bool
	err := q.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND (classid::bigint << 32 | objid::bigint) = $1 AND objsubid = 1)`, lockKey(rebuilding, name)).Scan(&held)
	if err != nil || !held {
		return nil, err
	}
	next, err := readCheckpoint(ctx, q, name+nextSuffix)
	var answered *pgconn.PgError
	if errors.As(err, &answered) && answered.Code == undefinedTable || errors.Is(err, pgx.ErrNoRows) {
		return &RebuildStatus{}, nil // about to begin, or just swapped
	}
	if err != nil {
		return nil, err
	}
	return &RebuildStatus{Position: next.position, Applied: next.applied}, nil
}

const undefinedTable = "42P01"
