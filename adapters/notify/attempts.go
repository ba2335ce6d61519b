package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"importledger/commands"
)

// Attempt is one call of a webhook.
type Attempt struct {
	ID        int64
	ImportID  string
	At        time.Time
	Took      time.Duration
	Status    *int    // of the answer; nil: there was none
	Problem   *string // nil: delivered
	ByHand    bool
	Delivery  string     // what became of the message so far: waiting, delivered, failed, dropped
	NextTryAt *time.Time // of the message; nil: it is not tried again
}

var errNoAttempt = &commands.Refusal{Kind: commands.NotFound, Code: "attempt-not-found", Message: "There is no such attempt of this webhook."}

// Attempts lists a webhook's, the newest first, and how many there are.
func (n *Notifier) Attempts(ctx context.Context, webhookID string, offset, limit int) (page []Attempt, total int, err error) {
	if _, err := n.Webhook(ctx, webhookID); err != nil {
		return nil, 0, err
	}
	err = n.DB.QueryRow(ctx, "SELECT count(*) FROM ledger.delivery_attempts a JOIN ledger.deliveries d ON d.id = a.delivery_id WHERE d.webhook_id = $1", webhookID).Scan(&total)
	if err != nil {
		return nil, 0, fmt.Errorf("attempts: %w", err)
	}
	rows, err := n.DB.Query(ctx, `
		SELECT a.id, d.import_id, a.at, a.took_ms::bigint * 1000000, a.status, a.problem, a.by_hand, d.state, d.next_at
		FROM ledger.delivery_attempts a JOIN ledger.deliveries d ON d.id = a.delivery_id
		WHERE d.webhook_id = $1 ORDER BY a.id DESC OFFSET $2 LIMIT $3`, webhookID, offset, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("attempts: %w", err)
	}
	page, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Attempt])
	if err != nil {
		return nil, 0, fmt.Errorf("attempts: %w", err)
	}
	return page, total, nil
}

// Resend queues the message of an attempt once more, whatever became of it.
func (n *Notifier) Resend(ctx context.Context, webhookID string, attempt int64) error {
	var delivery int64
	var enabled bool
	rows, err := n.DB.Query(ctx, `
		SELECT d.id, w.enabled FROM ledger.delivery_attempts a
		JOIN ledger.deliveries d ON d.id = a.delivery_id JOIN ledger.webhooks w ON w.id = d.webhook_id
		WHERE a.id = $1 AND w.id = $2`, attempt, webhookID)
	if err != nil {
		return fmt.Errorf("attempt: %w", err)
	}
	found, err := pgx.ForEachRow(rows, []any{&delivery, &enabled}, func() error { return nil })
	switch {
	case err != nil:
		return fmt.Errorf("attempt: %w", err)
	case found.RowsAffected() == 0:
		return errNoAttempt
	case !enabled:
		return &commands.Refusal{Kind: commands.Conflict, Code: "webhook-disabled", Message: "This webhook is disabled. Enable it first."}
	}
	_, err = n.queue.Insert(ctx, deliver{Delivery: delivery, ByHand: true}, &river.InsertOpts{Queue: webhookQueue, MaxAttempts: 3})
	if err != nil {
		return fmt.Errorf("resend: %w", err)
	}
	return nil
}
