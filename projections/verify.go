package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Verification is what Verify found.
type Verification struct {
	Projections []Verified
	Imports     Conservation
}

// Verified is how a read model compares with the log.
type Verified struct {
	Name        string
	Rows        int // compared
	Differences int // rows that are missing, too many or otherwise than the log says
	// Differing are the first of them, table by table in the order of their keys. They
	// hold values of contacts.
	Differing []Difference
}

// mostDiffering is how many differing rows of a read model are named.
const mostDiffering = 100

// Verify makes read models (none named: all) anew beside the live ones, compares
// the two at one and the same position of the log, and drops its own. Imports may
// go on meanwhile. In the same reading it counts the outcomes of rows. Errors are
// as for Rebuild.
func (p *Projector) Verify(ctx context.Context, names []string) (v Verification, err error) {
	models, err := p.named(names)
	if err != nil {
		return Verification{}, err
	}
	// A rebuild's swap would put other tables under the names while we compare.
	reserved, err := p.reserveSoon(ctx, models, shared(rebuilding), alone(verifying))
	if err != nil {
		return Verification{}, err
	}
	defer reserved.release(ctx)
	var shadows []*shadow
	for _, t := range models {
		shadows = append(shadows, p.shadow(t.model, verifySuffix))
	}
	defer func() { err = errors.Join(err, p.dropAll(context.WithoutCancel(ctx), shadows)) }()
	for _, s := range shadows {
		if err := s.begin(ctx, p); err != nil {
			return Verification{}, err
		}
		if _, err := p.limit(ctx, s); err != nil {
			return Verification{}, err
		}
	}
	var rows rowCount
	if err := p.fill(ctx, reading{shadows: shadows, each: rows.add}); err != nil {
		return Verification{}, fmt.Errorf("verify: %w", err)
	}
	for _, s := range shadows {
		if s.failed != nil {
			return Verification{}, fmt.Errorf("verify: %w", s.failed)
		}
	}
	v.Imports = rows.result
	if err := p.settleAll(ctx, shadows); err != nil {
		return Verification{}, fmt.Errorf("verify: %w", err)
	}
	for _, s := range shadows {
		verified, err := p.compare(ctx, reserved, s)
		if err != nil {
			return Verification{}, fmt.Errorf("verify %s: %w", s.name, err)
		}
		v.Projections = append(v.Projections, verified)
	}
	return v, nil
}

// reserveSoon waits a moment for who is just leaving: a rebuild ends with its swap, and
// its locks a little later.
func (p *Projector) reserveSoon(ctx context.Context, models []*tracked, claims ...claim) (*reservation, error) {
	for enough := p.config.After(time.Second); ; {
		reserved, err := p.reserve(ctx, models, claims...)
		busy, is := errors.AsType[*BusyError](err)
		if !is {
			return reserved, err
		}
		all, failed := readAsked(ctx, p.pool)
		if _, asked := all[busy.Name]; failed != nil || asked {
			return nil, err
		}
		select {
		case <-p.config.After(20 * time.Millisecond):
		case <-enough:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// compare holds projectors still until it has a snapshot of both, and then
// compares in that.
func (p *Projector) compare(ctx context.Context, reserved *reservation, s *shadow) (Verified, error) {
	// Most of what was projected while the log was read, with nobody waiting.
	if err := p.toLimit(ctx, s); err != nil {
		return Verified{}, err
	}
	verified := Verified{Name: s.name}
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, p.pool, snapshot, func(tx pgx.Tx) error {
		if err := p.meet(ctx, reserved, s, tx); err != nil {
			return err
		}
		tables, err := tablesOf(ctx, tx, s.name)
		if err != nil {
			return err
		}
		for _, table := range tables {
			if err := table.compare(ctx, tx, s, &verified); err != nil {
				return err
			}
		}
		return nil
	})
	return verified, err
}

// meet brings a shadow exactly to the live checkpoint and takes the snapshot
// while no projector can move it.
func (p *Projector) meet(ctx context.Context, reserved *reservation, s *shadow, tx pgx.Tx) (err error) {
	key := lockKey(projecting, s.name)
	if _, err := reserved.conn.Exec(ctx, "SELECT pg_advisory_lock($1)", key); err != nil {
		return err
	}
	defer func() {
		_, unlocked := reserved.conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", key)
		err = errors.Join(err, unlocked)
	}()
	if err := p.toLimit(ctx, s); err != nil {
		return err
	}
	live, err := readCheckpoint(ctx, tx, s.name) // its first statement fixes a transaction's snapshot
	if err != nil {
		return err
	}
	if live.position != s.position {
		return fmt.Errorf("the log ends at %s, the checkpoint is %s", s.position, live.position)
	}
	return nil
}

// toLimit brings a shadow to where the live read model is now.
func (p *Projector) toLimit(ctx context.Context, s *shadow) error {
	live, err := p.limit(ctx, s)
	if err != nil {
		return err
	}
	return s.reach(ctx, p, live)
}

// limit makes the live checkpoint, as it is now, the end of a shadow.
func (p *Projector) limit(ctx context.Context, s *shadow) (checkpoint, error) {
	live, err := readCheckpoint(ctx, p.pool, s.name)
	if err == nil && live.version != s.version {
		err = outdated(s.name)
	}
	s.limit = &live.position
	return live, err
}

// table is a table of a read model and the columns of its primary key.
type table struct {
	name string
	key  []string
}

// tablesOf asks Postgres, so that no table is forgotten. The checkpoint is not the
// log's.
func tablesOf(ctx context.Context, q Querier, schema string) ([]table, error) {
	rows, err := q.Query(ctx, `
		SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum)
		FROM pg_class c
		JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
		WHERE c.relnamespace = to_regnamespace($1) AND c.relname <> 'checkpoint'
		GROUP BY c.relname ORDER BY c.relname`, schema)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t table, err error) {
		err = row.Scan(&t.name, &t.key)
		return t, err
	})
}
