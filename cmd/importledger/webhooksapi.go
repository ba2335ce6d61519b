package main

import (
	"context"
	"time"

	"importledger/adapters/api"
	"importledger/adapters/notify"
)

// webhooksAPI are webhooks as the API knows them.
type webhooksAPI struct{ notifier *notify.Notifier }

func apiWebhook(w notify.Webhook) api.Webhook        { return api.Webhook(w) }
func apiAttempt(a notify.Attempt) api.WebhookAttempt { return api.WebhookAttempt(a) }

func (w webhooksAPI) List(ctx context.Context) ([]api.Webhook, error) {
	all, err := w.notifier.Webhooks(ctx)
	return each(all, apiWebhook), err
}

func (w webhooksAPI) Get(ctx context.Context, id string) (api.Webhook, error) {
	is, err := w.notifier.Webhook(ctx, id)
	return api.Webhook(is), err
}

func (w webhooksAPI) Create(ctx context.Context, by, name, url string) (api.Webhook, string, error) {
	made, secret, err := w.notifier.CreateWebhook(ctx, by, name, url)
	return api.Webhook(made), secret, err
}

func (w webhooksAPI) Change(ctx context.Context, id string, c api.WebhookChange) (api.Webhook, error) {
	is, err := w.notifier.ChangeWebhook(ctx, id, notify.WebhookChange(c))
	return api.Webhook(is), err
}

func (w webhooksAPI) Rotate(ctx context.Context, id string, overlap time.Duration) (api.Webhook, string, error) {
	is, secret, err := w.notifier.RotateWebhook(ctx, id, overlap)
	return api.Webhook(is), secret, err
}

func (w webhooksAPI) Remove(ctx context.Context, id string) error {
	return w.notifier.RemoveWebhook(ctx, id)
}

func (w webhooksAPI) Attempts(ctx context.Context, id string, offset, limit int) ([]api.WebhookAttempt, int, error) {
	page, total, err := w.notifier.Attempts(ctx, id, offset, limit)
	return each(page, apiAttempt), total, err
}

func (w webhooksAPI) Resend(ctx context.Context, id string, attempt int64) error {
	return w.notifier.Resend(ctx, id, attempt)
}
