package main

import (
	"context"

	"importledger/adapters/notify"
	"importledger/adapters/web"
)

// bell is the notifier as the pages know it.
type bell struct{ *notify.Notifier }

func (b bell) SendsMail() bool { return b.Mail != nil }

func (b bell) Inbox(ctx context.Context, userID string, offset, limit int) ([]web.Notice, int, error) {
	page, total, err := b.Notifier.Inbox(ctx, userID, offset, limit)
	return each(page, func(n notify.Notice) web.Notice {
		e := n.Ending
		return web.Notice{Number: n.Number, ImportID: e.ID, Name: e.Name, State: e.State, Sentence: e.Sentence(), EndedAt: e.EndedAt, Unread: n.Unread}
	}), total, err
}

func (b bell) Wishes(ctx context.Context, userID string) (web.MailWish, error) {
	w, err := b.Notifier.Wishes(ctx, userID)
	wish := web.MailWish{When: string(w.When), Used: w.Address}
	if w.Own {
		wish.Address = w.Address
	}
	return wish, err
}

func (b bell) SetWishes(ctx context.Context, userID string, w web.MailWish) error {
	return b.Notifier.SetWishes(ctx, userID, notify.When(w.When), w.Address)
}
