package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"importledger/adapters/ingest"
	"importledger/adapters/notify"
	"importledger/adapters/postgres"
	"importledger/adapters/telemetry"
	"importledger/aggregate"
	"importledger/projections"
)

// ledger is all that works behind a server: storage, the projectors that keep the
// read models at the log's end, and the worker that imports rows.
type ledger struct {
	*storage
	identity   aggregate.Identity
	traces     *telemetry.Traces
	streams    *telemetry.Streams // the log, watched
	account    *account
	company    *company // nil with a private Postgres: nobody else can come
	projecting *projecting
	service    *ingest.Service
	worker     *ingest.Worker
	notifier   *notify.Notifier
	guard      logGuard
	logger     *slog.Logger

	stop    context.CancelFunc
	running sync.WaitGroup
}

// openLedger opens storage and starts projectors and worker, and where it is served the
// notifier. They stop at close. failed is told when the log is not this ledger's any
// more, or cannot be written.
func openLedger(ctx context.Context, s *settings, command string, dir *dataDir, secret []byte, logger *slog.Logger, failed chan<- error) (_ *ledger, err error) {
	l := &ledger{logger: logger, identity: aggregate.NewIdentity(derive(secret, "contact ids"))}
	if l.traces, err = openTraces(ctx, s, logger); err != nil {
		return nil, err
	}
	if l.storage, err = openStorage(ctx, s, dir, logger); err != nil {
		return nil, errors.Join(err, l.traces.Close(context.WithoutCancel(ctx)))
	}
	l.streams = telemetry.Watch(l.log, l.traces)
	defer func() {
		if err != nil {
			if l.company != nil {
				l.company.leave()
			}
			err = errors.Join(err, l.storage.close(context.WithoutCancel(ctx)), l.traces.Close(context.WithoutCancel(ctx)))
		}
	}()
	if l.cluster == nil {
		if l.company, err = joinCompany(ctx, l.storage, s, logger); err != nil {
			return nil, err
		}
	}
	if err := l.ensureSecretKey(ctx, secret); err != nil {
		return nil, err
	}
	// Before anything is written to the log, or read behind a position.
	l.guard = logGuard{log: l.log, pool: l.pool}
	if err := l.guard.check(ctx); err != nil {
		return nil, err
	}
	if err := l.setUpAccount(ctx, s); err != nil {
		return nil, err
	}
	if err := l.guard.tie(ctx); err != nil {
		return nil, err
	}
	if l.projecting, err = newProjecting(ctx, l.storage, l.guard, l.traces, logger); err != nil {
		return nil, err
	}
	if l.notifier, err = l.newNotifier(ctx, s, secret); err != nil {
		return nil, err
	}
	l.ingest(s)
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	if l.company != nil {
		l.running.Go(func() { l.company.stay(background) })
	}
	l.running.Go(func() {
		if err := l.guard.watch(background, logger); err != nil {
			failed <- err
		}
	})
	if l.node != nil {
		l.running.Go(func() {
			select {
			case <-l.node.Failed():
				failed <- logFailed(l.node)
			case <-background.Done():
			}
		})
	}
	l.running.Go(func() { l.worker.Run(background) })
	l.running.Go(func() { l.projecting.changes.Run(background) })
	l.running.Go(func() { l.projecting.run(background) })
	l.running.Go(func() { l.forget(background) })
	l.running.Go(func() { l.projecting.rebuild(background) })
	if command == serving {
		l.running.Go(func() { l.tell(background) })
	}
	return l, nil
}

// ensureSecretKey keeps a process from a ledger whose contacts it would give other
// ids.
func (l *ledger) ensureSecretKey(ctx context.Context, secret []byte) error {
	err := postgres.EnsureKey(ctx, l.pool, hex.EncodeToString(derive(secret, "fingerprint of the secret key")))
	if errors.Is(err, postgres.ErrOtherKey) {
		return fmt.Errorf("%w: set IMPORTLEDGER_SECRET_KEY to that key, which is IMPORTLEDGER_SECRET_KEY of the other processes or in the file secret.key of the data directory that the ledger was made with", err)
	}
	return err
}

func (l *ledger) ingest(s *settings) {
	deps := l.ingestDeps(s)
	l.worker = ingest.NewWorker(deps, ingest.WorkerDeps{
		Importing:   func(ctx context.Context) ([]string, error) { return projections.ImportingIDs(ctx, l.pool) },
		TryLock:     postgres.NewLocks(l.pool, "import", l.logger).TryLock,
		Concurrency: 16,
		Poll:        500 * time.Millisecond,
		RetryAfter:  500 * time.Millisecond,
	})
	l.service = ingest.NewService(deps, l.worker.Wake)
}

// close lets the worker finish its chunk and the projectors their batch, then
// closes storage.
func (l *ledger) close(ctx context.Context) error {
	l.stop()
	l.running.Wait()
	return errors.Join(l.storage.close(ctx), l.traces.Close(ctx))
}

// caughtUp waits until the read models have all that is in the log now.
func (l *ledger) caughtUp(ctx context.Context) error {
	head, err := l.log.Head(ctx)
	if err != nil {
		return err
	}
	return l.projecting.projector.WaitFor(ctx, head)
}

// quiet keeps of a library's log what an operator should see.
func quiet(logger *slog.Logger) *slog.Logger {
	return slog.New(atLeast{logger.Handler(), slog.LevelWarn})
}

type atLeast struct {
	slog.Handler
	level slog.Level
}

func (h atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level && h.Handler.Enabled(ctx, level)
}

func (h atLeast) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeast{h.Handler.WithAttrs(attrs), h.level}
}

func (h atLeast) WithGroup(name string) slog.Handler {
	return atLeast{h.Handler.WithGroup(name), h.level}
}

func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
