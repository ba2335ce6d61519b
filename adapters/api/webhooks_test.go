package api_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"importledger/adapters/api"
	"importledger/commands"
)

// webhooks is one webhook, in memory.
type webhooks struct {
	is      *api.Webhook
	by      string
	overlap time.Duration
	resent  []int64
}

var noWebhook = &commands.Refusal{Kind: commands.NotFound, Code: "webhook-not-found", Message: "There is no such webhook."}

func (h *webhooks) List(context.Context) ([]api.Webhook, error) {
	if h.is == nil {
		return nil, nil
	}
	return []api.Webhook{*h.is}, nil
}

func (h *webhooks) Get(_ context.Context, id string) (api.Webhook, error) {
	if h.is == nil || h.is.ID != id {
		return api.Webhook{}, noWebhook
	}
	return *h.is, nil
}

func (h *webhooks) Create(_ context.Context, by, name, url string) (api.Webhook, string, error) {
	h.by = by
	h.is = &api.Webhook{ID: importID, Name: name, URL: url, Enabled: true, CreatedAt: time.UnixMilli(1795500000000)}
	return *h.is, "whsec_1", nil
}

func (h *webhooks) Change(ctx context.Context, id string, c api.WebhookChange) (api.Webhook, error) {
	if c.Enabled != nil && h.is != nil {
		h.is.Enabled = *c.Enabled
	}
	return h.Get(ctx, id)
}

func (h *webhooks) Rotate(ctx context.Context, id string, overlap time.Duration) (api.Webhook, string, error) {
	h.overlap = overlap
	is, err := h.Get(ctx, id)
	return is, "whsec_2", err
}

func (h *webhooks) Remove(ctx context.Context, id string) error {
	_, err := h.Get(ctx, id)
	h.is = nil
	return err
}

func (h *webhooks) Attempts(ctx context.Context, id string, _, _ int) ([]api.WebhookAttempt, int, error) {
	status, problem, next := 503, "it answered 503", time.UnixMilli(1795500005000)
	_, err := h.Get(ctx, id)
	return []api.WebhookAttempt{{ID: 7, ImportID: importID, At: time.UnixMilli(1795500000000), Took: 12 * time.Millisecond,
		Status: &status, Problem: &problem, Delivery: "waiting", NextTryAt: &next}}, 1, err
}

func (h *webhooks) Resend(ctx context.Context, id string, attempt int64) error {
	_, err := h.Get(ctx, id)
	h.resent = append(h.resent, attempt)
	return err
}

func TestWebhooks(t *testing.T) {
	w := newWorld(t)
	if list := w.do("GET", "/ops/webhooks", "").is(200); string(bytes.TrimSpace(list.body)) != "[]" {
		t.Errorf("no webhooks: %s", list.body)
	}
	made := w.do("POST", "/ops/webhooks", `{"url":"https://example.org/hook"}`).is(201)
	at := "/ops/webhooks/" + importID
	if made.header.Get("Location") != at || !bytes.Contains(made.body, []byte(`"secret":"whsec_1"`)) || w.webhooks.by == "" {
		t.Errorf("created: %s %s", made.header.Get("Location"), made.body)
	}
	for _, path := range []string{"/ops/webhooks", at} {
		if got := w.do("GET", path, "").is(200); bytes.Contains(got.body, []byte("whsec")) {
			t.Errorf("%s tells the secret again: %s", path, got.body)
		}
	}
	if got := w.do("PUT", at, `{"enabled":false}`).is(200); !bytes.Contains(got.body, []byte(`"enabled":false`)) {
		t.Errorf("changed: %s", got.body)
	}
	for body, want := range map[string]time.Duration{"": 24 * time.Hour, "{}": 24 * time.Hour, `{"overlapHours":0}`: 0, `{"overlapHours":3}`: 3 * time.Hour} {
		got := w.do("POST", at+"/rotate", body).is(200)
		if !bytes.Contains(got.body, []byte(`"secret":"whsec_2"`)) || w.webhooks.overlap != want {
			t.Errorf("rotated with %q: %v, %s", body, w.webhooks.overlap, got.body)
		}
	}
	want := `{"id":7,"importId":"` + importID + `","at":1795500000000,"tookMs":12,"status":503,"problem":"it answered 503","byHand":false,"delivery":"waiting","nextTryAt":1795500005000}`
	if got := w.do("GET", at+"/attempts", "").is(200); !bytes.Contains(got.body, []byte(want)) {
		t.Errorf("attempts: %s", got.body)
	}
	w.do("POST", at+"/attempts/7/resend", "").is(202)
	w.do("POST", at+"/attempts/0/resend", "").is(422)
	if len(w.webhooks.resent) != 1 || w.webhooks.resent[0] != 7 {
		t.Errorf("resent %v", w.webhooks.resent)
	}
	w.do("DELETE", at, "").is(204)
	for _, route := range [][2]string{{"GET", at}, {"DELETE", at}, {"GET", at + "/attempts"}, {"POST", at + "/attempts/7/resend"}, {"POST", at + "/rotate"}} {
		w.do(route[0], route[1], "").is(404)
	}
	w.do("POST", "/ops/webhooks", `{}`).is(422)
}
