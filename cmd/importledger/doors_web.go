package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"importledger/adapters/auth"
	"importledger/adapters/connectors"
	"importledger/adapters/ingest"
	"importledger/adapters/notify"
	"importledger/adapters/web"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// webConnectors are connectors, doors and samples as the pages know them.
type webConnectors struct {
	doors   *doors
	imports *ingest.Service
	audit   softAudit
}

// softAudit tells the audit log. What was done stays done when it cannot be told: a
// password that was made would be lost with the answer.
type softAudit struct {
	log    *auth.Audit
	logger *slog.Logger
}

func (a softAudit) note(ctx context.Context, action string, by web.By, target, detail string) {
	if err := a.log.Note(ctx, action, byVisitor(by), target, detail); err != nil {
		a.logger.Warn("the audit log could not be written", "action", action, "error", err)
	}
}

func (c webConnectors) List(ctx context.Context) ([]web.Connector, error) {
	found, err := c.doors.connectors.List(ctx)
	if err != nil {
		return nil, err
	}
	return c.complete(ctx, found...)
}

func (c webConnectors) Find(ctx context.Context, id string) (web.Connector, error) {
	found, err := c.doors.connectors.Get(ctx, id)
	if err != nil {
		return web.Connector{}, err
	}
	all, err := c.complete(ctx, found)
	if err != nil {
		return web.Connector{}, err
	}
	return all[0], nil
}

// complete adds what files have come of connectors, and where their doors are.
func (c webConnectors) complete(ctx context.Context, found ...connectors.Connector) ([]web.Connector, error) {
	tallies, err := c.doors.connectors.Tallies(ctx, each(found, func(one connectors.Connector) string { return one.ID }))
	return each(found, func(one connectors.Connector) web.Connector {
		t := tallies[one.ID]
		return web.Connector{ID: one.ID, Name: one.Name, Protocol: one.Protocol, Username: one.Username, HasPassword: one.HasPassword,
			PublicKeys: one.PublicKeys, Enabled: one.Enabled, Template: one.Template, CreatedAt: one.CreatedAt,
			Imported: t.Imported, Failed: t.Failed, LastAt: t.LastAt, LastFile: t.LastFile, Door: c.door(one.Protocol)}
	}), err
}

func (c webConnectors) door(protocol string) web.Door {
	at := c.doors.at[protocol]
	return web.Door{Protocol: protocol, Host: at.host, Port: at.port, Fingerprint: at.digest, SelfSigned: at.selfSigned != nil, Certificate: at.selfSigned}
}

func (c webConnectors) Doors() []web.Door {
	return []web.Door{c.door(connectors.SFTP), c.door(connectors.FTPS)}
}

func (c webConnectors) Username(name, salt string) string { return connectors.Username(name, salt) }

func (c webConnectors) Names(ctx context.Context, ids []string) (map[string]web.ConnectorName, error) {
	found, err := c.doors.connectors.Called(ctx, ids)
	names := make(map[string]web.ConnectorName, len(found))
	for _, n := range found {
		names[n.ID] = web.ConnectorName{Name: n.Name, Removed: n.Removed}
	}
	return names, err
}

func (c webConnectors) Files(ctx context.Context, id string, offset, limit int) ([]web.ConnectorFile, int, error) {
	page, total, err := c.doors.connectors.FilesOf(ctx, id, offset, limit)
	return each(page, func(f connectors.File) web.ConnectorFile { return web.ConnectorFile(f) }), total, err
}

func (c webConnectors) Activity(ctx context.Context, id string, offset, limit int) ([]web.ConnectorActivity, int, error) {
	page, total, err := c.doors.connectors.Activity(ctx, id, offset/limit+1, limit)
	return each(page, func(a connectors.Activity) web.ConnectorActivity { return web.ConnectorActivity(a) }), total, err
}

func (c webConnectors) Create(ctx context.Context, by web.By, w web.ConnectorWish) (web.Connector, string, error) {
	made, password, err := c.doors.connectors.Create(ctx, connectors.Wish{ID: w.ID, Name: w.Name, Protocol: w.Protocol, Username: w.Username,
		PublicKeys: w.PublicKeys, Password: w.Password, Template: w.Template, By: by.User.ID})
	if err != nil {
		return web.Connector{}, "", err
	}
	c.audit.note(ctx, "connector.created", by, made.ID, made.Protocol)
	all, err := c.complete(ctx, made)
	if err != nil {
		return web.Connector{}, "", err
	}
	return all[0], password, nil
}

func (c webConnectors) Change(ctx context.Context, by web.By, id string, ch web.ConnectorChange) error {
	if _, err := c.doors.connectors.Change(ctx, id, connectors.Change{Name: ch.Name, Username: ch.Username, PublicKeys: ch.PublicKeys,
		Template: ch.Template, Enabled: ch.Enabled}); err != nil {
		return err
	}
	what := "name, public keys, username"
	switch {
	case ch.Template != nil:
		what = "template"
	case ch.Enabled != nil && *ch.Enabled:
		what = "enabled"
	case ch.Enabled != nil:
		what = "disabled"
	}
	c.audit.note(ctx, "connector.changed", by, id, what)
	return nil
}

func (c webConnectors) SetPassword(ctx context.Context, by web.By, id string) (string, error) {
	password, err := c.doors.connectors.SetPassword(ctx, id)
	if err == nil {
		c.audit.note(ctx, "connector.password-renewed", by, id, "")
	}
	return password, err
}

func (c webConnectors) Remove(ctx context.Context, by web.By, id string) error {
	err := c.doors.connectors.Remove(ctx, id)
	if err == nil {
		c.audit.note(ctx, "connector.removed", by, id, "")
	}
	return err
}

func (c webConnectors) KeepSample(ctx context.Context, userID, connectorID string, choices []byte,
	read func(store func(string, io.Reader) error) (commands.Start, error)) (web.Sample, error) {
	var kept connectors.Sample
	err := c.imports.KeepSample(ctx, read, func(started events.ImportStarted) (key string, err error) {
		kept, err = c.doors.connectors.AnnounceSample(ctx, userID, connectors.Sample{ConnectorID: connectorID, Started: started, Choices: choices})
		return kept.Key(), err
	})
	if err == nil {
		err = c.doors.connectors.StoredSample(ctx, kept.ID)
	}
	if err != nil && kept.ID != "" {
		err = errors.Join(err, c.doors.connectors.RemoveSample(context.WithoutCancel(ctx), userID, kept.ID))
	}
	return web.Sample(kept), err
}

func (c webConnectors) Sample(ctx context.Context, userID, id string) (web.Sample, error) {
	s, err := c.doors.connectors.Sample(ctx, userID, id)
	return web.Sample(s), err
}

func (c webConnectors) PreviewSample(ctx context.Context, s web.Sample, as commands.Reading) (aggregate.Preview, error) {
	return c.imports.PreviewSample(ctx, connectors.Sample(s).Key(), s.Started, as)
}

func (c webConnectors) SaveSample(ctx context.Context, userID, id string, choices []byte) error {
	return c.doors.connectors.SaveSample(ctx, userID, id, choices)
}

func (c webConnectors) RemoveSample(ctx context.Context, userID, id string) error {
	return c.doors.connectors.RemoveSample(ctx, userID, id)
}

// webWebhooks are webhooks as the pages know them.
type webWebhooks struct {
	notifier *notify.Notifier
	audit    softAudit
}

func (w webWebhooks) List(ctx context.Context) ([]web.Webhook, error) {
	all, err := w.notifier.Webhooks(ctx)
	return each(all, func(is notify.Webhook) web.Webhook { return web.Webhook(is) }), err
}

func (w webWebhooks) Find(ctx context.Context, id string) (web.Webhook, error) {
	is, err := w.notifier.Webhook(ctx, id)
	return web.Webhook(is), err
}

func (w webWebhooks) Create(ctx context.Context, by web.By, name, url string) (web.Webhook, string, error) {
	made, secret, err := w.notifier.CreateWebhook(ctx, by.User.ID, name, url)
	if err == nil {
		w.audit.note(ctx, "webhook.created", by, made.ID, "")
	}
	return web.Webhook(made), secret, err
}

func (w webWebhooks) Change(ctx context.Context, by web.By, id string, c web.WebhookChange) error {
	_, err := w.notifier.ChangeWebhook(ctx, id, notify.WebhookChange(c))
	if err == nil {
		w.audit.note(ctx, "webhook.changed", by, id, "")
	}
	return err
}

func (w webWebhooks) Rotate(ctx context.Context, by web.By, id string, overlap time.Duration) (web.Webhook, string, error) {
	is, secret, err := w.notifier.RotateWebhook(ctx, id, overlap)
	if err == nil {
		w.audit.note(ctx, "webhook.secret-rotated", by, id, "")
	}
	return web.Webhook(is), secret, err
}

func (w webWebhooks) Remove(ctx context.Context, by web.By, id string) error {
	err := w.notifier.RemoveWebhook(ctx, id)
	if err == nil {
		w.audit.note(ctx, "webhook.removed", by, id, "")
	}
	return err
}

func (w webWebhooks) Attempts(ctx context.Context, id string, offset, limit int) ([]web.WebhookAttempt, int, error) {
	page, total, err := w.notifier.Attempts(ctx, id, offset, limit)
	return each(page, func(a notify.Attempt) web.WebhookAttempt { return web.WebhookAttempt(a) }), total, err
}

func (w webWebhooks) Resend(ctx context.Context, id string, attempt int64) error {
	return w.notifier.Resend(ctx, id, attempt)
}
