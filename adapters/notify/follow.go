package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"importledger/events"
	"importledger/projections"
)

const (
	// lookEvery is how often the imports list is looked at, should nobody have told of
	// a change.
	lookEvery = 2 * time.Second
	// atOnce bounds the imports that one transaction notices.
	atOnce = 100
	// patience is how long a message is worth sending: it is tried for so long, and of
	// an import that ended before that only the bell tells.
	patience = 72 * time.Hour
)

// follow notices ended imports until ctx ends.
func (n *Notifier) follow(ctx context.Context) {
	changed, stop := n.Changed()
	defer stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for failing := false; ; {
		err := n.catchUp(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			failing = false
		case !failing:
			failing = true
			n.Logger.Warn("ended imports cannot be told of at the moment; trying on", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-look.C:
		}
	}
}

// catchUp notices all that has ended so far.
func (n *Notifier) catchUp(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = n.notice(ctx); err != nil {
			return err
		}
	}
	return nil
}

// errOvertaken: another process has noticed these imports.
var errOvertaken = errors.New("another process was faster")

// notice writes down the imports that ended next in the log, those who are told and a
// job for each of them, and how far it has come, all or nothing.
func (n *Notifier) notice(ctx context.Context) (more bool, err error) {
	err = pgx.BeginFunc(ctx, n.DB, func(tx pgx.Tx) error {
		var from events.Position
		err := tx.QueryRow(ctx, "SELECT log_commit, log_prepare FROM ledger.notified").Scan(&from.Commit, &from.Prepare)
		if err != nil {
			return err
		}
		ended, until, last, err := projections.EndedImports(ctx, tx, from, atOnce)
		if err != nil || until == from {
			return err
		}
		more = len(ended) == atOnce
		// First the position: its row makes another process wait, and give up.
		moved, err := tx.Exec(ctx, `
			UPDATE ledger.notified SET log_commit = $1, log_prepare = $2, last_event = coalesce($5, last_event), updated_at = now()
			WHERE log_commit = $3 AND log_prepare = $4`, until.Commit, until.Prepare, from.Commit, from.Prepare, last)
		if err == nil && moved.RowsAffected() == 0 {
			err = errOvertaken
		}
		if err != nil {
			return err
		}
		for _, i := range ended {
			if err := n.write(ctx, tx, endingOf(i)); err != nil {
				return err
			}
		}
		if len(ended) > 0 {
			if err := n.at("noticed"); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errOvertaken) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("notice ended imports: %w", err)
	}
	return more, n.at("committed")
}

// write puts one import into the outbox, unless it is there.
func (n *Notifier) write(ctx context.Context, tx pgx.Tx, e Ending) error {
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("ending of import %s: %w", e.ID, err)
	}
	now := n.Now()
	written, err := tx.Exec(ctx, `
		INSERT INTO ledger.notifications (import_id, ending, ended_at, noticed_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (import_id) DO NOTHING`, e.ID, text, time.UnixMilli(e.EndedAt), now)
	if err != nil || written.RowsAffected() == 0 {
		return err
	}
	if now.Sub(time.UnixMilli(e.EndedAt)) > patience {
		return nil
	}
	rows, err := tx.Query(ctx, `
		INSERT INTO ledger.deliveries (import_id, webhook_id, created_at)
		SELECT $1, id, $2 FROM ledger.webhooks WHERE enabled ORDER BY id
		RETURNING id`, e.ID, now)
	if err != nil {
		return err
	}
	hooks, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	mails, err := n.addressed(ctx, tx, e, now)
	if err != nil {
		return err
	}
	return n.enqueue(ctx, tx, hooks, mails)
}

// addressed writes a delivery for each user who wants mail about an import.
func (n *Notifier) addressed(ctx context.Context, tx pgx.Tx, e Ending, now time.Time) ([]int64, error) {
	if n.Mail == nil {
		return nil, nil
	}
	rows, err := tx.Query(ctx, `
		INSERT INTO ledger.deliveries (import_id, user_id, created_at)
		SELECT $1, u.id, $2 FROM ledger.users u LEFT JOIN ledger.user_notices w ON w.user_id = u.id
		WHERE u.disabled_at IS NULL AND u.password_hash IS NOT NULL
		  AND (w.address IS NOT NULL OR u.name LIKE '%_@_%')
		  AND (w.mail_when = 'any' OR coalesce(w.mail_when, 'mine') = 'mine' AND u.id = $3)
		ORDER BY u.id
		RETURNING id`, e.ID, now, e.UserID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}
