package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// reservation is a connection whose advisory locks keep others off read models.
// When the connection breaks, the locks are gone, and what is to be done on it
// fails.
type reservation struct{ conn *pgxpool.Conn }

// claim is what somebody wants of each of some read models.
type claim struct{ tryLock, what string }

func alone(what string) claim  { return claim{"pg_try_advisory_lock", what} }
func shared(what string) claim { return claim{"pg_try_advisory_lock_shared", what} }

// reserve makes claims on read models, or returns a *BusyError.
func (p *Projector) reserve(ctx context.Context, models []*tracked, claims ...claim) (_ *reservation, err error) {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	r := &reservation{conn}
	defer func() {
		if err != nil {
			r.release(ctx)
		}
	}()
	if err := r.noticeOurEnd(ctx); err != nil {
		return nil, err
	}
	for _, m := range models {
		for _, c := range claims {
			taken, err := r.try(ctx, c, m.name)
			if err != nil {
				return nil, err
			}
			if !taken {
				return nil, &BusyError{m.name}
			}
		}
	}
	return r, nil
}

// readingAll stands, as a name, for the reading of the log that all rebuilds share.
const readingAll = ""

// try claims one more thing.
func (r *reservation) try(ctx context.Context, c claim, name string) (taken bool, err error) {
	if err := r.conn.QueryRow(ctx, "SELECT "+c.tryLock+"($1)", lockKey(c.what, name)).Scan(&taken); err != nil {
		return false, fmt.Errorf("reserve %s: %w", name, err)
	}
	return taken, nil
}

// noticeOurEnd has Postgres give the locks away within some ten seconds of our
// machine's vanishing from the network; by itself it takes two hours. Of a process
// that dies it learns at once.
func (r *reservation) noticeOurEnd(ctx context.Context) error {
	_, err := r.conn.Exec(ctx, "SELECT set_config('tcp_keepalives_idle', '4', false), set_config('tcp_keepalives_interval', '2', false), set_config('tcp_keepalives_count', '3', false)")
	return err
}

// giveBack gives one lock back that was claimed alone. Where that fails the connection is
// gone, and the lock with it.
func (r *reservation) giveBack(ctx context.Context, what, name string) {
	_, _ = r.conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", lockKey(what, name))
}

// release gives the locks back.
func (r *reservation) release(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if _, err := r.conn.Exec(ctx, "SELECT pg_advisory_unlock_all()"); err != nil {
		// The pool drops a connection that is closed, and Postgres its locks.
		_ = r.conn.Conn().Close(ctx)
	}
	r.conn.Release()
}

// BusyError says that a read model is to be rebuilt, or is being verified, already.
type BusyError struct{ Name string }

func (e *BusyError) Error() string {
	return fmt.Sprintf("read model %s is being rebuilt or verified already", e.Name)
}
