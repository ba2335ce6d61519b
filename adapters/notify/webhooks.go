package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/oklog/ulid/v2"

	"importledger/commands"
)

// Webhook is an address that is called when an import has ended.
type Webhook struct {
	ID            string
	Name          string
	URL           string
	Enabled       bool
	CreatedAt     time.Time
	PreviousUntil *time.Time // messages are signed with the secret before too; nil: they are not
}

// WebhookChange says what is to be otherwise; nil stays.
type WebhookChange struct {
	Name    *string
	URL     *string
	Enabled *bool
}

// What is refused of webhooks.
var (
	errNoWebhook = &commands.Refusal{Kind: commands.NotFound, Code: "webhook-not-found", Message: "There is no such webhook."}
	errTooMany   = &commands.Refusal{Kind: commands.Conflict, Code: "too-many-webhooks",
		Message: fmt.Sprintf("There are %d webhooks, which is the most there can be. Remove one first.", mostWebhooks)}
)

// mostWebhooks bounds what one import's end sets off.
const mostWebhooks = 20

// longestOverlap bounds how long a secret that was replaced is still signed with.
const longestOverlap = 7 * 24 * time.Hour

// webhookSecret derives a secret: so none is stored, and a copy of the database signs
// nothing.
func (n *Notifier) webhookSecret(id string, generation int) string {
	mac := hmac.New(sha256.New, n.Key)
	mac.Write([]byte("webhook\x00" + id + "\x00" + strconv.Itoa(generation)))
	return "whsec_" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

const webhookColumns = "id, name, url, enabled, created_at, CASE WHEN previous_until > $1 THEN previous_until END"

// Webhooks lists them, the oldest first.
func (n *Notifier) Webhooks(ctx context.Context) ([]Webhook, error) {
	rows, err := n.DB.Query(ctx, "SELECT "+webhookColumns+" FROM ledger.webhooks ORDER BY id", n.Now())
	if err != nil {
		return nil, fmt.Errorf("webhooks: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Webhook])
	if err != nil {
		return nil, fmt.Errorf("webhooks: %w", err)
	}
	return all, nil
}

// Webhook gives one.
func (n *Notifier) Webhook(ctx context.Context, id string) (Webhook, error) {
	return n.one(ctx, n.DB, "SELECT "+webhookColumns+" FROM ledger.webhooks WHERE id = $2", n.Now(), id)
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// one reads the webhook of a query; none is errNoWebhook.
func (n *Notifier) one(ctx context.Context, db querier, sql string, args ...any) (Webhook, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return Webhook{}, fmt.Errorf("webhook: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Webhook])
	if err != nil {
		return Webhook{}, fmt.Errorf("webhook: %w", err)
	}
	if len(found) == 0 {
		return Webhook{}, errNoWebhook
	}
	return found[0], nil
}

// CreateWebhook makes one, and the secret that its messages are signed with.
func (n *Notifier) CreateWebhook(ctx context.Context, by, name, url string) (made Webhook, secret string, err error) {
	if problem := n.checkURL(url); problem != "" {
		return Webhook{}, "", badURL(problem)
	}
	err = pgx.BeginFunc(ctx, n.DB, func(tx pgx.Tx) error {
		// Those who make one at the same time wait for each other, or there could be more.
		if _, err := tx.Exec(ctx, "LOCK TABLE ledger.webhooks IN SHARE ROW EXCLUSIVE MODE"); err != nil {
			return fmt.Errorf("webhook: %w", err)
		}
		var count int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM ledger.webhooks").Scan(&count); err != nil {
			return fmt.Errorf("webhook: %w", err)
		}
		if count >= mostWebhooks {
			return errTooMany
		}
		var err error
		made, err = n.one(ctx, tx, "INSERT INTO ledger.webhooks (created_at, id, name, url, created_by) VALUES ($1, $2, $3, $4, $5) RETURNING "+webhookColumns,
			n.Now(), ulid.Make().String(), name, url, by)
		return err
	})
	return made, n.webhookSecret(made.ID, 1), err
}

func badURL(problem string) error {
	return &commands.Refusal{Kind: commands.Unacceptable, Code: "webhook-url-refused", Message: "This address cannot be called. " + problem,
		Details: []commands.Detail{{Field: "url", Code: "refused", Message: problem}}}
}

// ChangeWebhook changes one. What is queued for it goes to where it is then.
func (n *Notifier) ChangeWebhook(ctx context.Context, id string, c WebhookChange) (Webhook, error) {
	if c.URL != nil {
		if problem := n.checkURL(*c.URL); problem != "" {
			return Webhook{}, badURL(problem)
		}
	}
	return n.one(ctx, n.DB, `
		UPDATE ledger.webhooks SET name = coalesce($3, name), url = coalesce($4, url), enabled = coalesce($5, enabled)
		WHERE id = $2 RETURNING `+webhookColumns, n.Now(), id, c.Name, c.URL, c.Enabled)
}

// RotateWebhook gives a webhook another secret. For the overlap, at most a week,
// messages are signed with both.
func (n *Notifier) RotateWebhook(ctx context.Context, id string, overlap time.Duration) (is Webhook, secret string, err error) {
	overlap = min(max(overlap, 0), longestOverlap)
	err = pgx.BeginFunc(ctx, n.DB, func(tx pgx.Tx) error {
		is, err = n.one(ctx, tx, "UPDATE ledger.webhooks SET generation = generation + 1, previous_until = $3 WHERE id = $2 RETURNING "+webhookColumns,
			n.Now(), id, n.Now().Add(overlap))
		if err != nil {
			return err
		}
		var generation int
		if err := tx.QueryRow(ctx, "SELECT generation FROM ledger.webhooks WHERE id = $1", id).Scan(&generation); err != nil {
			return fmt.Errorf("webhook: %w", err)
		}
		secret = n.webhookSecret(id, generation)
		return nil
	})
	return is, secret, err
}

// RemoveWebhook removes one, with what is queued for it and its attempts.
func (n *Notifier) RemoveWebhook(ctx context.Context, id string) error {
	removed, err := n.DB.Exec(ctx, "DELETE FROM ledger.webhooks WHERE id = $1", id)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	if removed.RowsAffected() == 0 {
		return errNoWebhook
	}
	return nil
}
