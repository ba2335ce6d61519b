package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"importledger/adapters/eventstore"
	"importledger/adapters/postgres"
	"importledger/adapters/telemetry"
	"importledger/projections"
)

// projecting keeps the read models at the log's end. Of all processes one at a time
// does; the others are ready to take over from it.
type projecting struct {
	projector *projections.Projector
	changes   *postgres.Changes // what projectors of all processes have done
	log       *eventstore.Log
	guard     logGuard
	locks     *postgres.Locks
	logger    *slog.Logger

	feed atomic.Pointer[eventstore.BatchSubscriber] // nil while another process projects
}

const (
	// projectedEvents closes a batch for the projectors: large enough to make a
	// transaction worth it, small enough to show progress.
	projectedEvents = 4000
	// takeOverEvery is how often a process asks whether it is its turn to project.
	takeOverEvery = 300 * time.Millisecond
)

// newProjecting prepares the read models; run has them projected.
func newProjecting(ctx context.Context, st *storage, guard logGuard, traces *telemetry.Traces, logger *slog.Logger) (*projecting, error) {
	p := &projecting{log: st.log, guard: guard, logger: logger, locks: postgres.NewLocks(st.pool, "projecting", logger)}
	p.projector = newProjector(st, traces.Projected, logger)
	p.changes = postgres.NewChanges(st.pool, p.projector.Heard, logger)
	return p, p.prepare(ctx)
}

func newProjector(st *storage, watch func(context.Context, projections.Transaction) (context.Context, func(error)), logger *slog.Logger) *projections.Projector {
	return projections.New(st.pool, st.log, projections.Config{
		IsTransient: postgres.IsUnavailable, Now: time.Now, After: time.After, Logger: logger, Trails: true, Watch: watch})
}

// prepare makes read models that are not there, and rebuilds those that another
// version made: this program has no use for their tables. Processes that start
// together do that once, and one that is killed meanwhile goes on where it was.
func (p *projecting) prepare(ctx context.Context) error {
	for {
		outdated, err := p.projector.Ensure(ctx)
		if err != nil || len(outdated) == 0 {
			return err
		}
		p.logger.Info("rebuilding read models that another version made", "models", outdated)
		err = p.projector.Rebuild(ctx, outdated, nil)
		if _, busy := errors.AsType[*projections.BusyError](err); !busy {
			return err
		}
		p.logger.Info("their rebuild was just canceled; asking for it again")
		select {
		case <-time.After(takeOverEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// run projects whenever it is this process's turn, until ctx ends. Processes whose
// read models differ do not wait for each other: neither can do the other's work.
func (p *projecting) run(ctx context.Context) {
	p.locks.Own(ctx, projections.Version(), takeOverEvery, p.turn)
}

// rebuild works off the rebuilds that are asked for, at whichever process, until ctx
// ends.
func (p *projecting) rebuild(ctx context.Context) { p.projector.RunRebuilds(ctx) }

// turn projects until ctx ends.
func (p *projecting) turn(ctx context.Context) (err error) {
	// Another log would be read behind the checkpoints, and what it has before them left out.
	if err := p.guard.check(ctx); err != nil {
		return err
	}
	feed, err := eventstore.NewBatchSubscriber(p.log, eventstore.BatchConfig{From: p.projector.From, MaxEvents: projectedEvents})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, feed.Close()) }()
	router, err := p.router(feed)
	if err != nil {
		return err
	}
	p.feed.Store(feed)
	defer p.feed.Store(nil)
	trailing, halt := context.WithCancel(ctx)
	var trail sync.WaitGroup
	trail.Go(func() { p.projector.Trail(trailing) })
	defer trail.Wait()
	defer halt()
	p.logger.Info("this process projects from now on")
	return router.Run(ctx)
}

// router hands what feed brings to the projector.
func (p *projecting) router(feed message.Subscriber) (*message.Router, error) {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 10 * time.Second}, watermill.NewSlogLogger(quiet(p.logger)))
	if err != nil {
		return nil, fmt.Errorf("message router: %w", err)
	}
	router.AddMiddleware(middleware.Recoverer)
	router.AddConsumerHandler("read-models", "read-models", feed, p.projector.Handle)
	return router, nil
}
