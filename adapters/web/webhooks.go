package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"importledger/commands"
)

// Webhooks are addresses that are called when an import has ended. Refusals that a
// person can act on are *commands.Refusal.
type Webhooks interface {
	// List gives all, the oldest first.
	List(ctx context.Context) ([]Webhook, error)
	Find(ctx context.Context, id string) (Webhook, error)
	// Create gives the secret that messages are signed with: it is told once.
	Create(ctx context.Context, by By, name, url string) (made Webhook, secret string, err error)
	Change(ctx context.Context, by By, id string, c WebhookChange) error
	// Rotate gives another secret; for the overlap messages are signed with both.
	Rotate(ctx context.Context, by By, id string, overlap time.Duration) (is Webhook, secret string, err error)
	Remove(ctx context.Context, by By, id string) error
	// Attempts gives a page of them, the newest first, and how many there are.
	Attempts(ctx context.Context, id string, offset, limit int) (page []WebhookAttempt, total int, err error)
	// Resend sends the message of an attempt again, whatever became of it.
	Resend(ctx context.Context, id string, attempt int64) error
}

// Webhook is one of them.
type Webhook struct {
	ID            string
	Name          string
	URL           string
	Enabled       bool
	CreatedAt     time.Time
	PreviousUntil *time.Time // messages are signed with the secret before too; nil: they are not
}

// Called is what people know it by.
func (w Webhook) Called() string {
	if w.Name != "" {
		return w.Name
	}
	return w.URL
}

// WebhookChange says what is to be otherwise; nil stays.
type WebhookChange struct {
	Name    *string
	URL     *string
	Enabled *bool
}

// WebhookAttempt is one call.
type WebhookAttempt struct {
	ID        int64
	ImportID  string
	At        time.Time
	Took      time.Duration
	Status    *int    // nil: there was no answer
	Problem   *string // nil: delivered
	ByHand    bool
	Delivery  string // of the message: waiting, delivered, failed, dropped
	NextTryAt *time.Time
}

// Milliseconds is how long the call took.
func (a WebhookAttempt) Milliseconds() int64 { return a.Took.Milliseconds() }

// webhooksView is the list of webhooks.
type webhooksView struct{ Webhooks []Webhook }

func (v *visit) webhooksPage() error {
	all, err := v.Webhooks.List(v.ctx())
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "webhooks", view{Title: "Webhooks", Section: "webhooks", Body: webhooksView{all}})
}

// webhookForm is what is asked of a webhook, new or not.
type webhookForm struct {
	ID    string // empty: a new one
	Name  string
	URL   string
	Wrong map[string]string
	Fault *fault
}

func (v *visit) newWebhookPage() error {
	return v.showWebhookForm(http.StatusOK, webhookForm{}, nil)
}

func (v *visit) showWebhookForm(status int, form webhookForm, wrong *fault) error {
	form.Wrong, form.Fault = wrongFields(wrong), generalFault(wrong)
	title := "New webhook"
	if form.ID != "" {
		title = "Change · " + form.Name
	}
	return v.render(status, "webhook-form", view{Title: title, Section: "webhooks", Body: form})
}

// webhookForm reads the form.
func (v *visit) webhookForm() (webhookForm, *fault, error) {
	if err := v.parseForm(); err != nil {
		return webhookForm{}, nil, err
	}
	form := webhookForm{Name: strings.TrimSpace(v.r.PostForm.Get("name")), URL: strings.TrimSpace(v.r.PostForm.Get("url"))}
	if form.URL == "" {
		return form, wrongField("url", "Say which address is called, such as https://example.org/hooks/imports."), nil
	}
	if len([]rune(form.Name)) > maxConnectorName {
		return form, wrongField("name", "A name has at most 100 characters. Shorten it."), nil
	}
	return form, nil, nil
}

func (v *visit) createWebhook() error {
	form, wrong, err := v.webhookForm()
	if err != nil {
		return err
	}
	var made Webhook
	var secret string
	if wrong == nil {
		made, secret, err = v.Webhooks.Create(v.ctx(), v.by(), form.Name, form.URL)
		wrong, err = correctable(err)
	}
	if err != nil {
		return err
	}
	if wrong != nil {
		return v.showWebhookForm(http.StatusUnprocessableEntity, form, wrong)
	}
	return v.showWebhook(http.StatusCreated, webhookView{Webhook: made, Secret: secret})
}

// correctable gives a refusal that the same form can mend; other errors stay.
func correctable(err error) (*fault, error) {
	refusal, ok := errors.AsType[*commands.Refusal](err)
	if !ok || refusal.Kind == commands.Unavailable || refusal.Kind == commands.NotFound {
		return nil, err
	}
	return refused(refusal), nil
}

// webhookView is one webhook, with its secret in the one answer that has it.
type webhookView struct {
	Webhook
	Secret   string
	Attempts []WebhookAttempt
	Total    int
	Pages    pages
	Fault    *fault
}

const attemptsOnPage = 50

func (v *visit) webhookPage() error {
	w, err := v.Webhooks.Find(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.showWebhook(http.StatusOK, webhookView{Webhook: w})
}

func (v *visit) showWebhook(status int, page webhookView) error {
	if err := v.fillAttempts(&page); err != nil {
		return err
	}
	return v.render(status, "webhook", view{Title: page.Called(), Section: "webhooks", Live: "/webhooks/" + page.ID + "/live?" + page.Pages.query.Encode(), Body: page})
}

func (v *visit) fillAttempts(page *webhookView) (err error) {
	number := pageNumber(v.r.URL.Query())
	page.Attempts, page.Total, err = v.Webhooks.Attempts(v.ctx(), page.ID, (number-1)*attemptsOnPage, attemptsOnPage)
	page.Pages = paginate("/webhooks/"+page.ID, nil, number, attemptsOnPage, page.Total)
	return err
}

// webhookLive keeps the attempts current.
func (v *visit) webhookLive() error {
	id := v.r.PathValue("id")
	return v.watch("", func() ([]byte, bool, error) {
		w, err := v.Webhooks.Find(v.ctx(), id)
		if err != nil {
			return nil, false, err
		}
		page := webhookView{Webhook: w}
		if err := v.fillAttempts(&page); err != nil {
			return nil, false, err
		}
		part, err := v.execute("webhook", "live", view{User: v.user, Body: page})
		return part, false, err
	})
}

func (v *visit) changeWebhookPage() error {
	w, err := v.Webhooks.Find(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.showWebhookForm(http.StatusOK, webhookForm{ID: w.ID, Name: w.Name, URL: w.URL}, nil)
}

func (v *visit) changeWebhook() error {
	id := v.r.PathValue("id")
	form, wrong, err := v.webhookForm()
	if form.ID = id; err == nil && wrong == nil {
		wrong, err = correctable(v.Webhooks.Change(v.ctx(), v.by(), id, WebhookChange{Name: &form.Name, URL: &form.URL}))
	}
	if err != nil {
		return err
	}
	if wrong != nil {
		return v.showWebhookForm(http.StatusUnprocessableEntity, form, wrong)
	}
	return v.seeOther("/webhooks/" + id + "?done=webhook-changed")
}

func (v *visit) enableWebhook() error  { return v.switchWebhook(true) }
func (v *visit) disableWebhook() error { return v.switchWebhook(false) }

func (v *visit) switchWebhook(on bool) error {
	id, done := v.r.PathValue("id"), "webhook-disabled"
	if on {
		done = "webhook-enabled"
	}
	if err := v.Webhooks.Change(v.ctx(), v.by(), id, WebhookChange{Enabled: &on}); err != nil {
		return err
	}
	return v.seeOther("/webhooks/" + id + "?done=" + done)
}

// overlap is how long a secret that was replaced is still signed with: long enough to
// bring the new one to the receiver.
const overlap = 24 * time.Hour

// rotateWebhook gives another secret. The answer is the page that shows it: there is
// no other.
func (v *visit) rotateWebhook() error {
	if err := v.parseForm(); err != nil {
		return err
	}
	both := overlap
	if v.r.PostForm.Get("old") == "stop" {
		both = 0
	}
	w, secret, err := v.Webhooks.Rotate(v.ctx(), v.by(), v.r.PathValue("id"), both)
	if err != nil {
		return err
	}
	return v.showWebhook(http.StatusOK, webhookView{Webhook: w, Secret: secret})
}

func (v *visit) removeWebhook() error {
	if err := v.Webhooks.Remove(v.ctx(), v.by(), v.r.PathValue("id")); err != nil {
		return err
	}
	return v.seeOther("/webhooks?done=webhook-removed")
}

func (v *visit) resendWebhook() error {
	id := v.r.PathValue("id")
	attempt, err := strconv.ParseInt(v.r.PathValue("attempt"), 10, 64)
	if err != nil {
		return errNoPage
	}
	wrong, err := correctable(v.Webhooks.Resend(v.ctx(), id, attempt))
	if err != nil {
		return err
	}
	if wrong == nil {
		return v.seeOther("/webhooks/" + id + "?done=resent")
	}
	w, err := v.Webhooks.Find(v.ctx(), id)
	if err != nil {
		return err
	}
	return v.showWebhook(wrong.Status, webhookView{Webhook: w, Fault: wrong})
}
