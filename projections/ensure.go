package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Schemas beside the live one.
const (
	nextSuffix   = "_next"   // being filled by a rebuild
	oldSuffix    = "_old"    // replaced by a rebuild, about to be dropped
	verifySuffix = "_verify" // being filled to be compared
)

// Ensure makes the read models that are not there, empty, and drops what rebuilds
// left behind that were killed. Several processes may do it at once. It returns
// the names of those whose tables another version of the program has filled: they
// are not projected before they are rebuilt.
func (p *Projector) Ensure(ctx context.Context) (outdated []string, err error) {
	for _, t := range p.models {
		version, err := p.ensure(ctx, t.model)
		if err != nil {
			return nil, fmt.Errorf("read model %s: %w", t.name, err)
		}
		if version != t.version {
			outdated = append(outdated, t.name)
		}
		t.forget()
	}
	return outdated, nil
}

func (p *Projector) ensure(ctx context.Context, m *model) (version string, err error) {
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		// The projectors' lock, taken alone, also keeps a swap away.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", lockKey(projecting, m.name)); err != nil {
			return err
		}
		if err := dropAbandoned(ctx, tx, m.name); err != nil {
			return err
		}
		exists, err := schemaExists(ctx, tx, m.name)
		if err != nil {
			return err
		}
		if !exists {
			if err := m.create(ctx, tx, m.name); err != nil {
				return err
			}
			if err := m.index(ctx, tx, m.name); err != nil {
				return err
			}
		}
		c, err := readCheckpoint(ctx, tx, m.name)
		version = c.version
		return err
	})
	return version, err
}

// dropAbandoned drops the schemas beside a read model unless somebody is at work
// on them.
func dropAbandoned(ctx context.Context, tx pgx.Tx, name string) error {
	for what, suffixes := range map[string][]string{rebuilding: {nextSuffix, oldSuffix}, verifying: {verifySuffix}} {
		var free bool
		if err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", lockKey(what, name)).Scan(&free); err != nil {
			return err
		}
		for _, suffix := range suffixes {
			if !free {
				continue
			}
			if _, err := tx.Exec(ctx, "DROP SCHEMA IF EXISTS "+name+suffix+" CASCADE"); err != nil {
				return err
			}
		}
	}
	return nil
}

func schemaExists(ctx context.Context, q Querier, schema string) (exists bool, err error) {
	err = q.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema).Scan(&exists)
	return exists, err
}

func outdated(name string) *Stopped {
	return &Stopped{Model: name, Cause: "its tables were filled by another version of the program: rebuild it"}
}
