package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"
)

// local is a ledger that this process opened for itself, on a free port of this
// machine.
type local struct {
	URL, ClientID, ClientSecret string

	server *server
}

// catchUpFor is how long a command waits at most for read models that are behind,
// because the process before it was killed.
const catchUpFor = 10 * time.Second

// openLocal opens the data directory as serve does, and returns when what it shows
// is what the log holds.
func openLocal(ctx context.Context, s *settings) (*local, error) {
	logger := newLogger(os.Stderr, max(s.LogLevel, slog.LevelWarn))
	srv, err := startServer(ctx, s, "command", "127.0.0.1:0", "", logger)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, catchUpFor)
	defer cancel()
	if err := srv.ledger.caughtUp(waiting); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, errors.Join(err, srv.close(context.WithoutCancel(ctx)))
	}
	return &local{URL: srv.address.URL, ClientID: srv.address.ClientID, ClientSecret: srv.address.ClientSecret, server: srv}, nil
}

// Close ends what openLocal started.
func (l *local) Close(ctx context.Context) error { return l.server.close(ctx) }
