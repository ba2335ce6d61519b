package api

import (
	"context"
	"sync"
)

// background is work that outlives its request, and ends with the API.
type background struct {
	ctx  context.Context
	stop context.CancelFunc

	mu    sync.Mutex
	ended bool
	work  sync.WaitGroup
}

func newBackground() *background {
	b := &background{}
	b.ctx, b.stop = context.WithCancel(context.Background())
	return b
}

// Go starts work; false: the API is ending.
func (b *background) Go(work func(context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return false
	}
	b.work.Go(func() { work(b.ctx) })
	return true
}

func (b *background) end() {
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
	b.stop()
}
