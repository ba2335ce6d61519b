package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// stopLeftover shuts down a server that outlived the process that started it.
// The folder is locked by us, so nobody uses it.
func stopLeftover(ctx context.Context, spec serverSpec, log *slog.Logger) error {
	pidFile := filepath.Join(spec.pgdata, "postmaster.pid")
	text, err := os.ReadFile(pidFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return explainPath(err, spec.pgdata)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 0 || !servesDir(ctx, pid, spec.pgdata) {
		// Postgres trusts the file where its number has gone to another process of its user.
		if err := os.Remove(pidFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return explainPath(err, spec.pgdata)
		}
		return nil
	}
	log.Warn("a Postgres of an earlier run is still there; shutting it down", "pid", pid)
	return endLeftover(ctx, spec, pid)
}

func endLeftover(ctx context.Context, spec serverSpec, pid int) error {
	for _, signal := range []serverSignal{fastShutdown, immediateShutdown} {
		if err := signalServer(ctx, spec.bin, pid, signal); err != nil {
			return fmt.Errorf("a Postgres (process %d) of an earlier run still uses %s and cannot be stopped: stop it, then start again (%w)", pid, spec.pgdata, err)
		}
		for patience := time.Now().Add(20 * time.Second); time.Now().Before(patience); {
			if !servesDir(ctx, pid, spec.pgdata) {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("waiting for the Postgres of an earlier run was interrupted: %w", ctx.Err())
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	return fmt.Errorf("a Postgres (process %d) of an earlier run does not leave %s: end it, then start again", pid, spec.pgdata)
}
