package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// leaving counts those who have had enough of mail.
type leaving struct {
	quiet
	left int
}

func (l *leaving) Unsubscribe(_ context.Context, token string) error {
	err := l.CheckUnsubscribe(token)
	if err == nil {
		l.left++
	}
	return err
}

// TestALinkAloneEndsNoMail: programs that look at mail follow its links. Only the
// page's button does, or what a mail program sends for its user.
func TestALinkAloneEndsNoMail(t *testing.T) {
	t.Parallel()
	w := newPages(t)
	l := &leaving{}
	w.Notifications = l
	page := ask(t, w, "GET", "/unsubscribe/good", "")
	if text := body(t, page); page.StatusCode != http.StatusOK || !strings.Contains(text, `<form method="post"`) || l.left != 0 {
		t.Errorf("the link's page: %d, %d left\n%s", page.StatusCode, l.left, text)
	}
	for _, method := range []string{"GET", "POST"} {
		if got := ask(t, w, method, "/unsubscribe/bad", ""); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s of a link that is not whole: %d", method, got.StatusCode)
		}
	}
	oneClick := ask(t, w, "POST", "/unsubscribe/good", "", func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
	if oneClick.StatusCode != http.StatusOK || l.left != 1 {
		t.Errorf("one click: %d, %d left", oneClick.StatusCode, l.left)
	}
	if got := ask(t, w, "POST", "/unsubscribe/good", "", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); got.StatusCode != http.StatusForbidden || l.left != 1 {
		t.Errorf("another site's page: %d, %d left", got.StatusCode, l.left)
	}
}
