package api

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Webhooks are addresses that are called when an import has ended. What does not exist
// is a *commands.Refusal of kind NotFound.
type Webhooks interface {
	List(ctx context.Context) ([]Webhook, error)
	Get(ctx context.Context, id string) (Webhook, error)
	// Create gives the secret that messages are signed with: it is told once.
	Create(ctx context.Context, by, name, url string) (made Webhook, secret string, err error)
	Change(ctx context.Context, id string, c WebhookChange) (Webhook, error)
	// Rotate gives another secret; for the overlap messages are signed with both.
	Rotate(ctx context.Context, id string, overlap time.Duration) (is Webhook, secret string, err error)
	Remove(ctx context.Context, id string) error
	// Attempts gives a page of them, the newest first, and how many there are.
	Attempts(ctx context.Context, id string, offset, limit int) (page []WebhookAttempt, total int, err error)
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
	Delivery  string
	NextTryAt *time.Time
}

// WebhookObject is a webhook as clients see it.
type WebhookObject struct {
	ID            string `json:"id" doc:"A ULID."`
	Name          string `json:"name"`
	URL           string `json:"url"`
	Enabled       bool   `json:"enabled" doc:"False: it is not called. One that answers 410 is disabled."`
	CreatedAt     int64  `json:"createdAt" doc:"Unix epoch, milliseconds."`
	PreviousUntil *int64 `json:"previousSecretUntil" doc:"Until then messages are signed with the secret before, too."`
}

type webhookWithSecret struct {
	WebhookObject
	Secret string `json:"secret" doc:"What messages are signed with, as Standard Webhooks has it. It is in this answer and never again."`
}

type attemptObject struct {
	ID        int64   `json:"id"`
	ImportID  string  `json:"importId"`
	At        int64   `json:"at" doc:"Unix epoch, milliseconds."`
	Took      int64   `json:"tookMs"`
	Status    *int    `json:"status" doc:"Of the answer; null: there was none."`
	Problem   *string `json:"problem" doc:"Null: it was delivered."`
	ByHand    bool    `json:"byHand" doc:"Somebody asked for it."`
	Delivery  string  `json:"delivery" enum:"waiting,delivered,failed,dropped" doc:"What became of the message. waiting: it is tried again; failed: it was given up, after three days or because nothing helps; dropped: the webhook was disabled."`
	NextTryAt *int64  `json:"nextTryAt" doc:"When the message is tried again, about."`
}

type attemptsPage struct {
	Pagination pagination      `json:"pagination"`
	Items      []attemptObject `json:"items"`
}

// WebhookPath is exported because huma passes over what is not.
type WebhookPath struct {
	ID string `path:"id" maxLength:"100"`
}

type createWebhookRequest struct {
	Body struct {
		URL  string `json:"url" maxLength:"2000" example:"https://example.org/hooks/imports"`
		Name string `json:"name,omitempty" maxLength:"100"`
	} `nameHint:"CreateWebhookRequest"`
}

type changeWebhookRequest struct {
	WebhookPath
	Body struct {
		URL     *string `json:"url,omitempty" maxLength:"2000"`
		Name    *string `json:"name,omitempty" maxLength:"100"`
		Enabled *bool   `json:"enabled,omitempty"`
	} `nameHint:"ChangeWebhookRequest"`
}

type rotateWebhookRequest struct {
	WebhookPath
	Body *struct {
		OverlapHours *int `json:"overlapHours,omitempty" minimum:"0" maximum:"168" doc:"For so long messages are signed with both secrets; 24 when absent."`
	} `nameHint:"RotateWebhookRequest"`
}

type attemptsQuery struct {
	WebhookPath
	PageQuery
}

type attemptPath struct {
	WebhookPath
	Attempt int64 `path:"attempt" minimum:"1"`
}

type createdWebhook struct {
	Location string `header:"Location"`
	Body     webhookWithSecret
}

type webhookAnswer struct{ Body WebhookObject }

func (a *API) addWebhooks() {
	const tag = "Webhooks"
	missing := []int{http.StatusNotFound}
	register(a, operation{route: "GET /ops/webhooks", id: "list-webhooks", tag: tag, summary: "List webhooks"}, a.listWebhooks)
	register(a, operation{route: "POST /ops/webhooks", id: "create-webhook", tag: tag, status: http.StatusCreated,
		summary: "Have an address called when an import has ended", errors: []int{http.StatusConflict},
		about: "It is called by POST with `{\"type\":\"import.ended\",\"timestamp\",\"data\"}`, where data has id, name, type, state, rowToImport, rowsImported, rowsInError, failedReason, userId, createdAt, endedAt and links. " +
			"Messages are signed as Standard Webhooks (standardwebhooks.com) has it; the secret is in this answer and never again. A message that comes twice has the same webhook-id. " +
			"What is not answered with 2xx within 20 s is tried again for three days. Redirects are not followed."}, a.createWebhook)
	register(a, operation{route: "GET /ops/webhooks/{id}", id: "get-webhook", tag: tag, summary: "Get a webhook", errors: missing}, a.getWebhook)
	register(a, operation{route: "PUT /ops/webhooks/{id}", id: "change-webhook", tag: tag, summary: "Change a webhook",
		about: "What is not named stays.", errors: missing}, a.changeWebhook)
	register(a, operation{route: "DELETE /ops/webhooks/{id}", id: "remove-webhook", tag: tag, status: http.StatusNoContent,
		summary: "Remove a webhook, with what waits for it and its attempts", errors: missing}, a.removeWebhook)
	register(a, operation{route: "POST /ops/webhooks/{id}/rotate", id: "rotate-webhook", tag: tag, summary: "Give a webhook another secret",
		about: "It is in this answer and never again.", errors: missing}, a.rotateWebhook)
	register(a, operation{route: "GET /ops/webhooks/{id}/attempts", id: "list-webhook-attempts", tag: tag,
		summary: "List calls of a webhook and what it answered, newest first", errors: missing}, a.webhookAttempts)
	register(a, operation{route: "POST /ops/webhooks/{id}/attempts/{attempt}/resend", id: "resend-webhook", tag: tag, status: http.StatusAccepted,
		summary: "Send the message of an attempt again, whatever became of it", errors: []int{http.StatusNotFound, http.StatusConflict}}, a.resendWebhook)
}

func webhookOf(w Webhook) WebhookObject {
	return WebhookObject{ID: w.ID, Name: w.Name, URL: w.URL, Enabled: w.Enabled, CreatedAt: w.CreatedAt.UnixMilli(), PreviousUntil: milliseconds(w.PreviousUntil)}
}

func (a *API) listWebhooks(ctx context.Context, _ *struct{}) (*struct{ Body []WebhookObject }, error) {
	all, err := a.webhooks.List(ctx)
	body := make([]WebhookObject, len(all))
	for i, w := range all {
		body[i] = webhookOf(w)
	}
	return &struct{ Body []WebhookObject }{body}, err
}

func (a *API) createWebhook(ctx context.Context, in *createWebhookRequest) (*createdWebhook, error) {
	w, secret, err := a.webhooks.Create(ctx, requestOf(ctx).caller.id, in.Body.Name, in.Body.URL)
	if err != nil {
		return nil, err
	}
	return &createdWebhook{Location: "/ops/webhooks/" + url.PathEscape(w.ID), Body: webhookWithSecret{webhookOf(w), secret}},
		a.noteWebhook(ctx, "webhook.created", w.ID)
}

func (a *API) getWebhook(ctx context.Context, in *WebhookPath) (*webhookAnswer, error) {
	w, err := a.webhooks.Get(ctx, in.ID)
	return &webhookAnswer{webhookOf(w)}, err
}

func (a *API) changeWebhook(ctx context.Context, in *changeWebhookRequest) (*webhookAnswer, error) {
	w, err := a.webhooks.Change(ctx, in.ID, WebhookChange{Name: in.Body.Name, URL: in.Body.URL, Enabled: in.Body.Enabled})
	if err != nil {
		return nil, err
	}
	return &webhookAnswer{webhookOf(w)}, a.noteWebhook(ctx, "webhook.changed", w.ID)
}

func (a *API) removeWebhook(ctx context.Context, in *WebhookPath) (*struct{}, error) {
	if err := a.webhooks.Remove(ctx, in.ID); err != nil {
		return nil, err
	}
	return nil, a.noteWebhook(ctx, "webhook.removed", in.ID)
}

func (a *API) rotateWebhook(ctx context.Context, in *rotateWebhookRequest) (*struct{ Body webhookWithSecret }, error) {
	overlap := 24
	if in.Body != nil && in.Body.OverlapHours != nil {
		overlap = *in.Body.OverlapHours
	}
	w, secret, err := a.webhooks.Rotate(ctx, in.ID, time.Duration(overlap)*time.Hour)
	if err != nil {
		return nil, err
	}
	return &struct{ Body webhookWithSecret }{webhookWithSecret{webhookOf(w), secret}}, a.noteWebhook(ctx, "webhook.secret-rotated", w.ID)
}

// noteWebhook writes into the audit log what was done to a webhook.
func (a *API) noteWebhook(ctx context.Context, action, id string) error {
	return a.access.Audit.Note(ctx, action, a.by(ctx), id, "")
}

func (a *API) webhookAttempts(ctx context.Context, in *attemptsQuery) (*struct{ Body attemptsPage }, error) {
	found, total, err := a.webhooks.Attempts(ctx, in.ID, in.offset(), in.PageSize)
	if err != nil {
		return nil, err
	}
	page := attemptsPage{Items: make([]attemptObject, len(found)),
		Pagination: paginate(in.PageQuery, total, len(found), "/ops/webhooks/"+url.PathEscape(in.ID)+"/attempts", url.Values{})}
	for i, t := range found {
		page.Items[i] = attemptObject{ID: t.ID, ImportID: t.ImportID, At: t.At.UnixMilli(), Took: t.Took.Milliseconds(), Status: t.Status, Problem: t.Problem,
			ByHand: t.ByHand, Delivery: t.Delivery, NextTryAt: milliseconds(t.NextTryAt)}
	}
	return &struct{ Body attemptsPage }{page}, nil
}

func (a *API) resendWebhook(ctx context.Context, in *attemptPath) (*struct{}, error) {
	return nil, a.webhooks.Resend(ctx, in.ID, in.Attempt)
}
