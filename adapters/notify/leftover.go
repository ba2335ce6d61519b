package notify

import (
	"context"
	"fmt"
	"time"
)

const (
	// leftoversEvery is how often deliveries are looked for that nobody will try again.
	leftoversEvery = time.Minute
	// youngest is how old such a delivery is at least: its job was queued with it.
	youngest = time.Minute
	// leftUnsent is what is said of a delivery whose last attempt nobody lived to record.
	leftUnsent = "the process that sent it last has died meanwhile: it may have arrived"
)

// giveUpLeftovers ends deliveries that wait for a job which is not there any more: the
// queue gives up a job whose last attempt a process did not survive, and knows nothing of
// deliveries.
func (n *Notifier) giveUpLeftovers(ctx context.Context) (count int64, err error) {
	now := n.Now()
	given, err := n.DB.Exec(ctx, `
		WITH given AS (
			UPDATE ledger.deliveries d SET state = 'failed', ended_at = $1, next_at = NULL
			WHERE state = 'waiting' AND created_at < $2 AND NOT EXISTS (
				SELECT FROM queue.river_job j WHERE j.kind = $3 AND j.args @> jsonb_build_object('delivery', d.id)
				  AND j.state IN ('available', 'pending', 'retryable', 'running', 'scheduled'))
			RETURNING id)
		INSERT INTO ledger.delivery_attempts (delivery_id, at, took_ms, problem, by_hand)
		SELECT id, $1, 0, $4, false FROM given`, now, now.Add(-youngest), deliver{}.Kind(), leftUnsent)
	if err != nil {
		return 0, fmt.Errorf("deliveries that are left over: %w", err)
	}
	return given.RowsAffected(), nil
}

// tidy gives up what is left over until ctx ends.
func (n *Notifier) tidy(ctx context.Context) {
	look := time.NewTicker(leftoversEvery)
	defer look.Stop()
	for {
		if count, err := n.giveUpLeftovers(ctx); err != nil && ctx.Err() == nil {
			n.Logger.Warn("deliveries that nobody will try again could not be looked for; trying again", "error", err)
		} else if count > 0 {
			n.Logger.Warn("deliveries were given up whose last attempt nobody recorded", "count", count)
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}
