package postgres

import (
	"context"
	"time"
)

// Own runs work while this process has the lock of a key, so that of all processes
// one at a time does the work and another takes over when it ends. It asks for the
// lock every so often, which is all that waiting costs, runs work with a context
// that ends when ctx does or the lock is lost, waits until work has returned, gives
// the lock back, and begins again until ctx ends. An error of work is logged.
//
// A lock that is lost is free for others before work here has come to its end: what
// work writes must be safe from that.
func (l *Locks) Own(ctx context.Context, key string, every time.Duration, work func(context.Context) error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for failing := false; ; {
		switch release, lost, ok, err := l.TryLock(ctx, key); {
		case err != nil && ctx.Err() == nil && !failing:
			failing = true
			l.log.Warn("cannot ask for a lock; trying on", "namespace", l.namespace, "error", err)
		case ok:
			failing = false
			if err := whileHeld(ctx, lost, work); err != nil && ctx.Err() == nil {
				l.log.Error("work that this process had taken over ended", "namespace", l.namespace, "error", err)
			}
			release()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// whileHeld runs work with a context that ends with the lock.
func whileHeld(ctx context.Context, lost <-chan struct{}, work func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-lost:
			cancel()
		case <-ctx.Done():
		}
	}()
	return work(ctx)
}
