package main

import (
	"context"
	"time"

	"importledger/adapters/postgres"
)

const (
	forgetEvery = time.Hour
	// draftsKept is how long choices wait for somebody to come back to them.
	draftsKept = 90 * 24 * time.Hour
)

// forget removes drafts that nobody comes back to, until ctx ends. What this process
// does not come to, another one does, or the next.
func (l *ledger) forget(ctx context.Context) {
	drafts := postgres.NewDrafts(l.pool)
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		if _, err := drafts.Expire(ctx, time.Now().Add(-draftsKept)); err != nil && ctx.Err() == nil {
			l.logger.Warn("old drafts could not be removed; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
