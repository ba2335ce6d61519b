package web

import (
	"context"
	"fmt"
	"sync"
	"time"

	"importledger/projections"
)

// upkeep is the work on read models that outlives its request, and what came of the
// last of each kind. It ends with the pages.
type upkeep struct {
	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup

	mu       sync.Mutex
	ended    bool
	retry    task
	verify   task
	verified projections.Verification
}

// task is a retry or a verification.
type task struct {
	Running bool
	Ended   time.Time // zero: not once
	Fault   string    // of the last one
}

func newUpkeep() *upkeep {
	u := &upkeep{}
	u.ctx, u.stop = context.WithCancel(context.Background())
	return u
}

// begin starts work, unless the same kind is under way or the pages are ending.
func (u *upkeep) begin(t *task, now func() time.Time, work func(context.Context) error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended || t.Running {
		return
	}
	*t = task{Running: true}
	u.work.Go(func() {
		err := work(u.ctx)
		u.mu.Lock()
		defer u.mu.Unlock()
		*t = task{Ended: now()}
		if err != nil {
			t.Fault = withoutValues(err)
		}
	})
}

func (u *upkeep) end(ctx context.Context) error {
	u.mu.Lock()
	u.ended = true
	u.mu.Unlock()
	u.stop()
	ended := make(chan struct{})
	go func() {
		u.work.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("work on read models has not ended: %w", ctx.Err())
	}
}
