package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
)

func TestUnavailableIsTheWayToPostgresNotTheStatement(t *testing.T) {
	t.Parallel()
	sqlstate := func(code string) error { return &pgconn.PgError{Code: code} }
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{sqlstate("08006"), true},
		{sqlstate("08P01"), true},
		{sqlstate("57P01"), true},
		{sqlstate("57P02"), true},
		{sqlstate("57P03"), true},
		{sqlstate("57P04"), false},
		{sqlstate("57014"), false},
		{sqlstate("53300"), true},
		{sqlstate("53100"), false},
		{sqlstate("23505"), false},
		{sqlstate("40001"), false},
		{sqlstate("28P01"), false},
		{io.EOF, true},
		{io.ErrUnexpectedEOF, true},
		{pgconn.ErrConnClosed, true},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, true},
		{context.Canceled, false},
		{context.DeadlineExceeded, false},
		{pgx.ErrNoRows, false},
		{pgx.ErrTxClosed, false},
		{errors.New("conn closed"), false},
	} {
		for _, err := range []error{c.err, fmt.Errorf("a query: %w", c.err)} {
			if c.err == nil {
				err = nil
			}
			if got := postgres.IsUnavailable(err); got != c.want {
				t.Errorf("%v: got %v", err, got)
			}
		}
	}
}

func TestAConnectionThatPostgresEndsIsUnavailableFirstAndLast(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	victim, killer := connect(t, url), connect(t, url)
	var ended bool
	if err := killer.QueryRow(t.Context(), "SELECT pg_terminate_backend($1, 10000)", victim.PgConn().PID()).Scan(&ended); err != nil || !ended {
		t.Fatal(ended, err)
	}
	for range 2 { // told by Postgres, then known by the driver
		if _, err := victim.Exec(t.Context(), "SELECT 1"); !postgres.IsUnavailable(err) {
			t.Errorf("got %v", err)
		}
	}
}

func TestAStatementThatTakesTooLongIsNotUnavailable(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), 1)
	defer cancel()
	if _, err := pool.Exec(ctx, "SELECT pg_sleep(60)"); err == nil || postgres.IsUnavailable(err) {
		t.Errorf("got %v", err)
	}
	if _, err := pool.Exec(t.Context(), "SET statement_timeout = 1; SELECT pg_sleep(60)"); err == nil || postgres.IsUnavailable(err) {
		t.Errorf("got %v", err)
	}
}
