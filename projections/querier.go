package projections

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// Querier is what queries need of Postgres: a pool, a connection or a
// transaction. In a transaction that keeps one snapshot (repeatable read), a
// rebuild that ends meanwhile shows empty tables.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// ErrNotFound is returned for what the read model does not have.
var ErrNotFound = errors.New("not found")

// found turns no rows into ErrNotFound.
func found[T any](v T, err error) (T, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return v, err
}

// offset of a page; pages count from 1.
func offset(page, pageSize int) int { return (max(page, 1) - 1) * pageSize }
