package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"importledger/commands"
	"importledger/events"
)

// Notifications tell people that imports have ended. Refusals that a person can act on
// are *commands.Refusal.
type Notifications interface {
	// Unread counts what a user has not read, up to 100.
	Unread(ctx context.Context, userID string) (int, error)
	// Inbox gives a page of a user's entries, the newest first, and how many there are.
	Inbox(ctx context.Context, userID string, offset, limit int) (page []Notice, total int, err error)
	// MarkRead marks all up to a number as read.
	MarkRead(ctx context.Context, userID string, until int64) error
	// SendsMail tells whether mail is sent at all.
	SendsMail() bool
	Wishes(ctx context.Context, userID string) (MailWish, error)
	SetWishes(ctx context.Context, userID string, w MailWish) error
	// CheckUnsubscribe tells whether the token of a mail's link is good.
	CheckUnsubscribe(token string) error
	Unsubscribe(ctx context.Context, token string) error
}

// Notice is an import that has ended.
type Notice struct {
	Number   int64 // rises with every entry
	ImportID string
	Name     string
	State    events.State
	Sentence string
	EndedAt  int64 // Unix epoch, milliseconds
	Unread   bool
}

// MailWish is what mail a user wants.
type MailWish struct {
	When    string // mine, any, never
	Address string // set by the user; empty: their name
	Used    string // where mail goes; empty: nowhere
}

type noticesView struct {
	Notices []Notice
	Unread  int
	Newest  int64 // number of the newest on this page
	Pages   pages
	Mail    bool
	Wish    MailWish
	Fault   *fault
}

const noticesOnPage = 50

func (v *visit) noticesPage() error { return v.showNotices(http.StatusOK, nil, nil) }

// showNotices shows the page, with a wish that was refused where there is one.
func (v *visit) showNotices(status int, f *fault, refused *MailWish) error {
	page, err := v.notices()
	if err != nil {
		return err
	}
	if page.Mail {
		if page.Wish, err = v.Notifications.Wishes(v.ctx(), v.user.ID); err != nil {
			return err
		}
	}
	if page.Fault = f; refused != nil {
		page.Wish.When, page.Wish.Address = refused.When, refused.Address
	}
	return v.render(status, "notifications", view{Title: "Notifications", Section: "notifications", Live: "/notifications/live?" + page.Pages.query.Encode(), Body: page})
}

func (v *visit) notices() (noticesView, error) {
	number := pageNumber(v.r.URL.Query())
	found, total, err := v.Notifications.Inbox(v.ctx(), v.user.ID, (number-1)*noticesOnPage, noticesOnPage)
	if err != nil {
		return noticesView{}, err
	}
	page := noticesView{Notices: found, Pages: paginate("/notifications", nil, number, noticesOnPage, total), Mail: v.Notifications.SendsMail()}
	if len(found) > 0 {
		page.Newest = found[0].Number
	}
	page.Unread, err = v.Notifications.Unread(v.ctx(), v.user.ID)
	return page, err
}

// noticesLive sends the list again whenever it has changed.
func (v *visit) noticesLive() error {
	return v.watch("", func() ([]byte, bool, error) {
		page, err := v.notices()
		if err != nil {
			return nil, false, err
		}
		made, err := v.execute("notifications", "live", view{User: v.user, Body: page})
		return made, false, err
	})
}

// markRead marks what the page showed: what came since stays unread.
func (v *visit) markRead() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	until, err := strconv.ParseInt(v.r.PostForm.Get("until"), 10, 64)
	if err != nil {
		return errNoPage
	}
	if err := v.Notifications.MarkRead(v.ctx(), v.user.ID, until); err != nil {
		return err
	}
	return v.seeOther("/notifications?done=read")
}

func (v *visit) setWishes() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	wish := MailWish{When: v.r.PostForm.Get("when"), Address: v.r.PostForm.Get("address")}
	err := v.Notifications.SetWishes(v.ctx(), v.user.ID, wish)
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok {
		f := refused(refusal)
		return v.showNotices(f.Status, f, &wish)
	}
	if err != nil {
		return err
	}
	return v.seeOther("/notifications?done=mail-set")
}

// unread is what the bell shows. A page is worth more than its bell, so what goes wrong
// is told to the log alone.
func (v *visit) unread() int {
	if v.user.ID == "" || !v.user.May(importsRead) {
		return 0
	}
	ctx, cancel := context.WithTimeout(v.ctx(), time.Second)
	defer cancel()
	n, err := v.Notifications.Unread(ctx, v.user.ID)
	if err != nil {
		v.interrupted(err)
	}
	return n
}

// bell makes the bell as it is now.
func (v *visit) bell() ([]byte, error) {
	return v.execute("notifications", "bell", view{Unread: v.unread()})
}

// bellLive keeps the bell of pages current that follow nothing else.
func (v *visit) bellLive() error {
	return v.watch("", func() ([]byte, bool, error) {
		made, err := v.bell()
		return made, false, err
	})
}
