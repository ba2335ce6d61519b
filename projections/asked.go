package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// asked is a rebuild or a rollback that somebody has asked for: a row of
// ledger.rebuilds, which any process of this version works off.
type asked struct {
	Model    string
	Back     bool // the tables that were replaced come back
	Version  string
	Paused   bool
	Canceled bool
	Failed   *Stopped
}

// readAsked gives all that is asked for, by model.
func readAsked(ctx context.Context, q Querier) (map[string]asked, error) {
	rows, err := q.Query(ctx, "SELECT model, back, version, paused, canceled, failed FROM ledger.rebuilds")
	if err != nil {
		return nil, fmt.Errorf("rebuilds asked for: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[asked])
	if err != nil {
		return nil, fmt.Errorf("rebuilds asked for: %w", err)
	}
	of := make(map[string]asked, len(all))
	for _, a := range all {
		of[a.Model] = a
	}
	return of, nil
}

// goesOn tells that a process with this read model may go on with it.
func (a asked) goesOn(m *model) bool {
	return a.Version == m.version && !a.Paused && !a.Canceled && a.Failed == nil
}

// AskRebuild has read models (none named: all) made anew from the log's beginning,
// by whichever process comes to it: in one reading all that were asked for when it
// began, then all that were asked for meanwhile. A *BusyError says that one of them
// is asked for already, and then none of them is.
func (p *Projector) AskRebuild(ctx context.Context, names []string) error {
	return p.ask(ctx, names, `
		INSERT INTO ledger.rebuilds AS r (model, version) VALUES ($1, $2)
		ON CONFLICT (model) DO UPDATE SET back = false, version = excluded.version, paused = false, failed = NULL, trouble = NULL, stage = 'waiting'
		WHERE NOT r.canceled AND NOT r.back AND (r.failed IS NOT NULL OR r.version <> excluded.version)`)
}

// adopt asks for rebuilds whatever was asked for before: what was paused or has
// failed goes on, a rollback that this program can do too.
func (p *Projector) adopt(ctx context.Context, names []string) error {
	return p.ask(ctx, names, `
		INSERT INTO ledger.rebuilds AS r (model, version) VALUES ($1, $2)
		ON CONFLICT (model) DO UPDATE SET back = r.back AND r.version = excluded.version, version = excluded.version, paused = false, failed = NULL, trouble = NULL
		WHERE NOT r.canceled`)
}

func (p *Projector) ask(ctx context.Context, names []string, statement string) error {
	models, err := p.named(names)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		for _, t := range models {
			tag, err := tx.Exec(ctx, statement, t.name, t.version)
			if err != nil {
				return fmt.Errorf("ask for a rebuild: %w", err)
			}
			if tag.RowsAffected() == 0 {
				return &BusyError{t.name}
			}
		}
		return nil
	})
	if err == nil {
		p.asking.broadcast()
	}
	return err
}

// AskRollback has the tables that the last rebuild replaced brought to the log's
// end and put back; those that serve now are kept in their place. A
// *NoRollbackError says why that cannot be.
func (p *Projector) AskRollback(ctx context.Context, name string) error {
	if err := checkNames([]string{name}); err != nil {
		return err
	}
	var version string
	err := p.pool.QueryRow(ctx, "SELECT version FROM ledger.replaced_models WHERE model = $1", name).Scan(&version)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return &NoRollbackError{Name: name}
	case err != nil:
		return fmt.Errorf("replaced tables: %w", err)
	case version != p.tracked(name).version:
		return &NoRollbackError{Name: name, OtherVersion: true}
	}
	return p.ask(ctx, []string{name}, `
		INSERT INTO ledger.rebuilds AS r (model, version, back) VALUES ($1, $2, true)
		ON CONFLICT (model) DO UPDATE SET version = excluded.version, paused = false, failed = NULL, trouble = NULL
		WHERE NOT r.canceled AND r.back AND (r.failed IS NOT NULL OR r.version <> excluded.version)`)
}

// PauseRebuild has what is asked for of read models (none named: all) wait until it
// is resumed, also by processes that start later. What was filled stays. A
// *NotRebuildingError says that nothing is asked for.
func (p *Projector) PauseRebuild(ctx context.Context, names []string) error {
	return p.change(ctx, names, "UPDATE ledger.rebuilds SET paused = true, events_per_second = 0 WHERE model = ANY($1) AND NOT canceled")
}

// ResumeRebuild goes on with what was paused or has failed, from where it is.
func (p *Projector) ResumeRebuild(ctx context.Context, names []string) error {
	return p.change(ctx, names, "UPDATE ledger.rebuilds SET paused = false, failed = NULL, trouble = NULL WHERE model = ANY($1) AND NOT canceled")
}

// CancelRebuild drops what was filled; the live tables go on serving. Tables that
// were to be rolled back to are kept. It returns when that is done, or will be a
// little later.
func (p *Projector) CancelRebuild(ctx context.Context, names []string) error {
	models, err := p.named(names)
	if err != nil {
		return err
	}
	if err := p.change(ctx, names, "UPDATE ledger.rebuilds SET canceled = true WHERE model = ANY($1)"); err != nil {
		return err
	}
	for enough := p.config.After(cancelWithin); ; {
		if err := p.dropCanceled(ctx); err != nil {
			return err
		}
		all, err := readAsked(ctx, p.pool)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(models, func(t *tracked) bool { return all[t.name].Canceled }) {
			return nil
		}
		select { // whoever works on it leaves it first
		case <-p.config.After(controlEvery):
		case <-enough:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// cancelWithin is how long a cancellation waits for whoever works on the rebuild.
const cancelWithin = 10 * time.Second

func (p *Projector) change(ctx context.Context, names []string, statement string) error {
	models, err := p.named(names)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		names = Names()
	}
	tag, err := p.pool.Exec(ctx, statement, names)
	if err != nil {
		return fmt.Errorf("change a rebuild: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return &NotRebuildingError{models[0].name}
	}
	p.asking.broadcast()
	return nil
}

// LimitRebuilds says how many events a second all rebuilds together may read, from
// now on and until it is said otherwise; 0: as many as they can.
func (p *Projector) LimitRebuilds(ctx context.Context, perSecond int) error {
	_, err := p.pool.Exec(ctx, "UPDATE ledger.rebuild_limit SET events_per_second = nullif($1, 0)", perSecond)
	if err != nil {
		return fmt.Errorf("limit rebuilds: %w", err)
	}
	return nil
}

// RebuildLimit is what LimitRebuilds has said last.
func (p *Projector) RebuildLimit(ctx context.Context) (perSecond int, err error) {
	err = p.pool.QueryRow(ctx, "SELECT coalesce(events_per_second, 0) FROM ledger.rebuild_limit").Scan(&perSecond)
	if err != nil {
		return 0, fmt.Errorf("limit of rebuilds: %w", err)
	}
	return perSecond, nil
}

// NotRebuildingError says that there is no rebuild to pause, resume or cancel.
type NotRebuildingError struct{ Name string }

func (e *NotRebuildingError) Error() string {
	return fmt.Sprintf("read model %s is not being rebuilt", e.Name)
}

// NoRollbackError says why a read model cannot have its tables of before back.
type NoRollbackError struct {
	Name         string
	OtherVersion bool // they are there, but this program cannot go on with them
}

func (e *NoRollbackError) Error() string {
	if e.OtherVersion {
		return fmt.Sprintf("the tables that %s had before were filled by another version of the program, which alone can go on with them", e.Name)
	}
	return fmt.Sprintf("there are no tables of before for read model %s: none was rebuilt within the last day", e.Name)
}
