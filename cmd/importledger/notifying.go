package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"importledger/adapters/notify"
	"importledger/projections"
)

// newNotifier makes what tells that imports have ended. Commands that open a ledger for
// themselves only make it begin: what ends in them is told by the next serve.
func (l *ledger) newNotifier(ctx context.Context, s *settings, secret []byte) (*notify.Notifier, error) {
	server, err := s.mailServer()
	if err != nil {
		return nil, err
	}
	n, err := notify.New(notify.Config{
		DB: l.pool, Key: derive(secret, "notifications"), Head: l.log.Head,
		Changed: func() (<-chan projections.Changed, func()) { return l.projecting.changes.Follow("") },
		Mail:    server, PublicURL: strings.TrimSuffix(s.PublicURL, "/"), AllowHTTP: s.WebhooksAllowHTTP, AllowPrivate: s.WebhooksAllowPrivate,
		Poll: 2 * time.Second, Now: time.Now, Logger: l.logger,
	})
	if err != nil {
		return nil, fmt.Errorf("notifications: %w", err)
	}
	return n, n.Begin(ctx)
}

// mailServer is nil where no mail is to be sent.
func (s *settings) mailServer() (*notify.MailServer, error) {
	switch {
	case s.SMTPURL == "":
		return nil, nil
	case s.MailFrom == "" || s.PublicURL == "":
		return nil, errors.New("IMPORTLEDGER_SMTP_URL sends mail, which needs IMPORTLEDGER_MAIL_FROM, whom it is from, and IMPORTLEDGER_PUBLIC_URL, which its links lead to: set both")
	}
	return notify.NewMailServer(s.SMTPURL, s.SMTPPassword, s.MailFrom, nil)
}

// tell sends notifications until ctx ends. Imports go on without them.
func (l *ledger) tell(ctx context.Context) {
	if err := l.notifier.Run(ctx); err != nil {
		l.logger.Error("notifications are not sent any more: start importledger again", "error", err)
	}
}

// mail signs in to the mail server and leaves.
func (d *doctor) mail(ctx context.Context) finding {
	server, err := d.settings.mailServer()
	if err != nil {
		return mustMend("set IMPORTLEDGER_MAIL_FROM and IMPORTLEDGER_PUBLIC_URL, or no IMPORTLEDGER_SMTP_URL", "%s", err)
	}
	if server == nil {
		return allWell("none is sent: IMPORTLEDGER_SMTP_URL is not set")
	}
	if err := server.Check(ctx); err != nil {
		return mustMend("correct IMPORTLEDGER_SMTP_URL and IMPORTLEDGER_SMTP_PASSWORD; a server without encryption needs ?tls=off behind its address", "no session with the mail server: %s", cause(err))
	}
	return allWell("the mail server lets us in")
}
