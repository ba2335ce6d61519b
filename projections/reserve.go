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
	for _, m := range models {
		for _, c := range claims {
			var taken bool
			if err := conn.QueryRow(ctx, "SELECT "+c.tryLock+"($1)", lockKey(c.what, m.name)).Scan(&taken); err != nil {
				return nil, fmt.Errorf("reserve %s: %w", m.name, err)
			}
			if !taken {
				return nil, &BusyError{m.name}
			}
		}
	}
	return r, nil
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

// BusyError says that a read model is being rebuilt or verified by somebody
// already.
type BusyError struct{ Name string }

func (e *BusyError) Error() string {
	return fmt.Sprintf("read model %s is being rebuilt or verified already", e.Name)
}
