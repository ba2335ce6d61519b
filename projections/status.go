package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"importledger/events"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// State is what a read model is doing.
type State string

// The states of a read model. One that is to be rebuilt goes on serving.
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
	Rebuild         *RebuildStatus  // while one is asked for, of whichever process
	Previous        *Previous       // nil: there is nothing to roll back to
}

// Status tells how every read model stands.
func (p *Projector) Status(ctx context.Context) ([]Status, error) {
	rebuilds, err := p.rebuildStatuses(ctx)
	if err != nil {
		return nil, err
	}
	previous, err := p.previous(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Status, 0, len(p.models))
	for _, t := range p.models {
		c, err := readCheckpoint(ctx, p.pool, t.name)
		if err != nil {
			return nil, err
		}
		s := Status{Name: t.name, State: StateLive, Position: c.position, Applied: c.applied, LastError: c.stopped,
			EventsPerSecond: t.perSecond(p.config.Now()), Rebuild: rebuilds[t.name], Previous: previous[t.name]}
		if c.version != t.version {
			s.LastError = outdated(t.name)
		}
		if s.LastError != nil {
			s.State = StateStopped
		}
		// One that is paused mends nothing for now.
		if r := s.Rebuild; r != nil && r.State != RebuildFailed && (r.State != RebuildPaused || s.LastError == nil) {
			s.State = StateRebuilding
		}
		all = append(all, s)
	}
	return all, nil
}

// RebuildState is what becomes of a rebuild that was asked for.
type RebuildState string

// The states of a rebuild.
const (
	RebuildWaiting RebuildState = "waiting" // for another one to end, or for a process to come to it
	RebuildRunning RebuildState = "running"
	RebuildPaused  RebuildState = "paused"
	RebuildFailed  RebuildState = "failed" // at an event; the old tables serve
)

// RebuildStatus is how far a rebuild has come.
type RebuildStatus struct {
	State           RebuildState
	Stage           string // waiting, reading, indexing or swapping
	Back            bool   // it brings the tables of before back
	Position        events.Position
	Applied         uint64
	EventsPerSecond float64
	Failed          *Stopped
	Trouble         string // why it does not go on at the moment, though it is tried again
}

// Left is how long the reading takes yet where the log has so many events; false:
// nobody knows.
func (r *RebuildStatus) Left(total uint64) (time.Duration, bool) {
	if r.State != RebuildRunning || r.EventsPerSecond <= 0 || r.Stage == "indexing" || r.Stage == "swapping" {
		return 0, false
	}
	if r.Applied >= total {
		return 0, true
	}
	return time.Duration(float64(total-r.Applied) / r.EventsPerSecond * float64(time.Second)), true
}

// Percent is how much of a log with so many events is read; 100 only when all is.
func (r *RebuildStatus) Percent(total uint64) int {
	if total == 0 {
		return 0
	}
	return int(min(100, r.Applied*100/total))
}

// Previous are the tables that a read model had before it was swapped.
type Previous struct {
	ReplacedAt time.Time
	Until      time.Time // then they are dropped
	Usable     bool      // this program can go on with them
}

// rebuildStatuses gives what is asked for, by model.
func (p *Projector) rebuildStatuses(ctx context.Context) (map[string]*RebuildStatus, error) {
	rows, err := p.pool.Query(ctx, `
		SELECT model, back, paused, failed, stage, events_per_second, coalesce(trouble, ''), ARRAY(
			SELECT classid::bigint << 32 | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted
				AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
		FROM ledger.rebuilds WHERE NOT canceled`)
	if err != nil {
		return nil, fmt.Errorf("rebuilds: %w", err)
	}
	all := map[string]*RebuildStatus{}
	var model string
	var paused bool
	var held []int64
	s := RebuildStatus{}
	_, err = pgx.ForEachRow(rows, []any{&model, &s.Back, &paused, &s.Failed, &s.Stage, &s.EventsPerSecond, &s.Trouble, &held}, func() error {
		one := s
		switch {
		case s.Failed != nil:
			one.State = RebuildFailed
		case paused:
			one.State = RebuildPaused
		case slices.Contains(held, lockKey(rebuilding, model)):
			one.State = RebuildRunning
		default:
			one.State, one.EventsPerSecond = RebuildWaiting, 0
		}
		all[model], s.Failed = &one, nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("rebuilds: %w", err)
	}
	for model, one := range all {
		found, err := one.find(ctx, p.pool, model)
		if err != nil {
			return nil, err
		}
		if !found && one.Stage == "swapping" { // it has just ended
			delete(all, model)
		}
	}
	return all, nil
}

// find looks up how far the tables are; false: there are none.
func (r *RebuildStatus) find(ctx context.Context, q Querier, model string) (bool, error) {
	schema := model + nextSuffix
	if r.Back {
		schema = model + oldSuffix
	}
	next, err := readCheckpoint(ctx, q, schema)
	if isGone(err) || errors.Is(err, pgx.ErrNoRows) {
		return false, nil // about to begin, or just swapped
	}
	r.Position, r.Applied = next.position, next.applied
	return true, err
}

// previous gives the tables that were replaced, by model.
func (p *Projector) previous(ctx context.Context) (map[string]*Previous, error) {
	rows, err := p.pool.Query(ctx, "SELECT model, version, replaced_at, replaced_at + interval '1 day' FROM ledger.replaced_models")
	if err != nil {
		return nil, fmt.Errorf("replaced tables: %w", err)
	}
	all := map[string]*Previous{}
	var model, version string
	var one Previous
	_, err = pgx.ForEachRow(rows, []any{&model, &version, &one.ReplacedAt, &one.Until}, func() error {
		if t := p.tracked(model); t != nil {
			all[model] = &Previous{one.ReplacedAt, one.Until, version == t.version}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("replaced tables: %w", err)
	}
	return all, nil
}

const undefinedTable = "42P01"

// isGone tells that a table is not there, or not any more.
func isGone(err error) bool {
	answered, ok := errors.AsType[*pgconn.PgError](err)
	return ok && answered.Code == undefinedTable
}
