package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Notice is an entry of the bell.
type Notice struct {
	Number int64 // rises with every entry
	Ending Ending
	Unread bool
}

// mostUnread is how far unread entries are counted: a bell says 99+ before.
const mostUnread = 100

// Unread counts what a user has not read, up to 100.
func (n *Notifier) Unread(ctx context.Context, userID string) (int, error) {
	var count int
	err := n.DB.QueryRow(ctx, `
		SELECT count(*) FROM (
			SELECT FROM ledger.notifications
			WHERE number > coalesce((SELECT read_until FROM ledger.user_notices WHERE user_id = $1), 0) LIMIT $2
		) unread`, userID, mostUnread).Scan(&count)
	if err != nil {
		return 0, fmt.Errorf("unread notifications: %w", err)
	}
	return count, nil
}

// Inbox lists a user's entries, the newest first, and how many there are.
func (n *Notifier) Inbox(ctx context.Context, userID string, offset, limit int) (page []Notice, total int, err error) {
	var until int64
	err = n.DB.QueryRow(ctx, "SELECT read_until FROM ledger.user_notices WHERE user_id = $1", userID).Scan(&until)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, 0, fmt.Errorf("notifications: %w", err)
	}
	if err := n.DB.QueryRow(ctx, "SELECT count(*) FROM ledger.notifications").Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("notifications: %w", err)
	}
	rows, err := n.DB.Query(ctx, "SELECT number, ending FROM ledger.notifications ORDER BY number DESC OFFSET $1 LIMIT $2", offset, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("notifications: %w", err)
	}
	page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Notice, error) {
		var one Notice
		var text []byte
		if err := row.Scan(&one.Number, &text); err != nil {
			return one, err
		}
		one.Unread = one.Number > until
		return one, json.Unmarshal(text, &one.Ending)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("notifications: %w", err)
	}
	return page, total, nil
}

// MarkRead marks what a user has seen: all up to a number.
func (n *Notifier) MarkRead(ctx context.Context, userID string, until int64) error {
	_, err := n.DB.Exec(ctx, `
		INSERT INTO ledger.user_notices (user_id, read_until)
		SELECT $1, coalesce(max(number), 0) FROM ledger.notifications WHERE number <= $2
		ON CONFLICT (user_id) DO UPDATE SET read_until = greatest(user_notices.read_until, excluded.read_until)`, userID, until)
	if err != nil {
		return fmt.Errorf("mark notifications as read: %w", err)
	}
	return nil
}
