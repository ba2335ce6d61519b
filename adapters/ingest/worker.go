package ingest

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// WorkerDeps is what a worker needs beside Deps.
type WorkerDeps struct {
	// Importing lists the imports that have rows to be worked off, oldest first.
	Importing func(ctx context.Context) ([]string, error)
	// TryLock claims an import for this process, until release is called or the
	// process dies; lost is closed when the claim is lost before that.
	TryLock func(ctx context.Context, importID string) (release func(), lost <-chan struct{}, ok bool, err error)
	// Imports that are worked on at once.
	Concurrency int
	// Poll is how often Importing is asked for what no Wake told of: imports left
	// behind by another process.
	Poll time.Duration
	// RetryAfter is the pause after a failure that may pass, such as a database away.
	RetryAfter time.Duration
}

// Worker works imports off. Any number of workers in any number of processes may
// run: a claim keeps them apart, and the log's expected revision makes a row's
// second outcome impossible even if a claim fails to.
type Worker struct {
	deps  Deps
	needs WorkerDeps
	wake  chan string
	seats chan struct{}

	mu      sync.Mutex
	running map[string]bool
	ended   map[string]bool // that Importing still lists: it is behind the log
}

// NewWorker makes a worker that does nothing before Run.
func NewWorker(deps Deps, needs WorkerDeps) *Worker {
	return &Worker{deps: deps, needs: needs, wake: make(chan string, 64), seats: make(chan struct{}, needs.Concurrency), running: map[string]bool{}, ended: map[string]bool{}}
}

// Wake tells of an import that has rows to be worked off. It never blocks: what
// does not fit is found by the next poll.
func (w *Worker) Wake(importID string) {
	select {
	case w.wake <- importID:
	default:
	}
}

// firstPause is between the first two looks for imports that an earlier process left
// behind: the list may itself have to catch up first. Pauses grow up to Poll.
const firstPause = 20 * time.Millisecond

// Run works imports off until ctx ends, then waits for each to stop at the end of
// a chunk.
func (w *Worker) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	poll := time.NewTimer(0)
	defer poll.Stop()
	pause := min(firstPause, w.needs.Poll)
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-w.wake:
			w.begin(ctx, &all, id)
		case <-poll.C:
			poll.Reset(pause)
			pause = min(2*pause, w.needs.Poll)
			ids, err := w.needs.Importing(ctx)
			if err != nil && ctx.Err() == nil {
				w.deps.Logger.Warn("cannot list the imports to work on; trying again", "error", err)
			}
			if err == nil {
				w.forget(ids)
			}
			for _, id := range ids {
				w.begin(ctx, &all, id)
			}
		}
	}
}

// forget drops the imports that have ended and are listed no more.
func (w *Worker) forget(listed []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.ended {
		if !slices.Contains(listed, id) {
			delete(w.ended, id)
		}
	}
}

// begin works an import off beside the others, unless it is being worked on or
// all seats are taken; the next poll comes back to it then.
func (w *Worker) begin(ctx context.Context, all *sync.WaitGroup, id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running[id] || w.ended[id] { // to look at one that has ended is to read all of it
		return
	}
	select {
	case w.seats <- struct{}{}:
	default:
		return
	}
	w.running[id] = true
	all.Go(func() {
		defer func() {
			w.mu.Lock()
			delete(w.running, id)
			w.mu.Unlock()
			<-w.seats
		}()
		w.work(ctx, id, w.deps.Logger.With("import", id))
	})
}

// work claims an import and works it off.
func (w *Worker) work(ctx context.Context, id string, logger *slog.Logger) {
	release, lost, ok, err := w.needs.TryLock(ctx, id)
	if err != nil {
		w.pause(ctx, logger, "cannot claim the import; trying again", err)
		return
	}
	if !ok {
		return
	}
	defer release()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-lost:
			stop()
		case <-ctx.Done():
		}
	}()
	run := run{deps: w.deps, id: id, logger: logger, ended: func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ended[id] = true
	}}
	if err := run.toTheEnd(ctx); err != nil && ctx.Err() == nil {
		w.pause(ctx, logger, "the import could not go on; trying again", err)
	}
}

func (w *Worker) pause(ctx context.Context, logger *slog.Logger, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	logger.Warn(what, "error", err)
	timer := time.NewTimer(w.needs.RetryAfter)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
