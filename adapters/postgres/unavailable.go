package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// IsUnavailable tells failures of the way to Postgres, which pass when it is
// back (lost and refused connections, a server that starts, stops or is full),
// from failures of what was asked, and from the caller's own end of patience.
func IsUnavailable(err error) bool {
	var answered *pgconn.PgError
	var connect *pgconn.ConnectError
	var network *net.OpError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &answered):
		return unavailableCode(answered.Code)
	case errors.As(err, &connect):
		return true
	case errors.Is(err, context.DeadlineExceeded): // while connected: the statement took too long
		return false
	}
	return errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, pgconn.ErrConnClosed)
}

// unavailableCode is true for SQLSTATEs that speak of the connection or the
// server, not of the statement.
func unavailableCode(code string) bool {
	return strings.HasPrefix(code, "08") || // connection exception
		strings.HasPrefix(code, "57P0") && code != "57P04" || // stopping, crashed, starting; not: database dropped
		code == "53300" // too many connections
}
