package notify

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"importledger/commands"
)

func TestAReceiverThatWasAwayIsToldLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.notifier()
	r := newReceiver(t, 503, 500, 404)
	made, secret := hook(t, n, r.URL)
	queue := work(t, n)
	id := w.ended("user-1", completed)
	look(t, n)
	if failed := queue.jobs(1); failed != 3 {
		t.Errorf("%d attempts failed, want 3", failed)
	}
	list, total, err := n.Attempts(t.Context(), made.ID, 0, 10)
	if err != nil || total != 4 {
		t.Fatalf("%d attempts, %v", total, err)
	}
	for i, want := range []int{204, 404, 500, 503} {
		a := list[i]
		if a.Status == nil || *a.Status != want || a.ImportID != id || a.Delivery != "delivered" || (a.Problem == nil) != (want == 204) {
			t.Errorf("attempt %d is %+v, want status %d", i, a, want)
		}
	}
	for _, m := range r.all() {
		if err := m.verify(secret); err != nil {
			t.Error(err)
		}
	}
	w.told(1)
}

func TestNoOneListens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.notifier()
	r := newReceiver(t)
	made, _ := hook(t, n, r.URL)
	r.Close()
	queue := work(t, n)
	w.ended("user-1", completed)
	look(t, n)
	queue.jobs(1)
	list, total, err := n.Attempts(t.Context(), made.ID, 0, 50)
	if err != nil || total != len(pauses)+1 {
		t.Fatalf("%d attempts, %v, want %d", total, err, len(pauses)+1)
	}
	if a := list[0]; a.Status != nil || a.Problem == nil || *a.Problem != "nothing listens there" || a.Delivery != "failed" {
		t.Errorf("the last attempt is %+v", a)
	}
}

func TestAttemptsLastThreeDays(t *testing.T) {
	var all time.Duration
	for attempt := range len(pauses) {
		all += backoff(attempt + 1)
	}
	if all > patience || all < patience*9/10 {
		t.Errorf("attempts last %v, want a little less than %v", all, patience)
	}
}

func TestResendByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.notifier()
	r := newReceiver(t, 410)
	made, _ := hook(t, n, r.URL)
	queue := work(t, n)
	w.ended("user-1", completed)
	look(t, n)
	queue.jobs(1)
	list, _, err := n.Attempts(t.Context(), made.ID, 0, 10)
	if err != nil || len(list) != 1 || list[0].Delivery != "failed" {
		t.Fatalf("attempts %+v, %v", list, err)
	}
	// 410 says that it wants nothing any more.
	var refused *commands.Refusal
	if err := n.Resend(t.Context(), made.ID, list[0].ID); !errors.As(err, &refused) || refused.Code != "webhook-disabled" {
		t.Fatalf("resend to a disabled webhook: %v", err)
	}
	enabled := true
	if _, err := n.ChangeWebhook(t.Context(), made.ID, WebhookChange{Enabled: &enabled}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // also when it was delivered
		if err := n.Resend(t.Context(), made.ID, list[0].ID); err != nil {
			t.Fatal(err)
		}
		queue.jobs(1)
	}
	list, _, err = n.Attempts(t.Context(), made.ID, 0, 10)
	if err != nil || len(list) != 3 || !list[0].ByHand || list[0].Delivery != "delivered" || list[2].ByHand {
		t.Errorf("attempts %+v, %v", list, err)
	}
	if err := n.Resend(t.Context(), "other", list[0].ID); !errors.Is(err, errNoAttempt) {
		t.Errorf("resend of another webhook's attempt: %v", err)
	}
}

func TestBothSecretsAreGoodDuringARotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.notifier()
	r := newReceiver(t)
	made, first := hook(t, n, r.URL)
	queue := work(t, n)
	tell := func() received {
		t.Helper()
		w.ended("user-1", completed)
		look(t, n)
		queue.jobs(1)
		all := r.all()
		return all[len(all)-1]
	}
	rotated, second, err := n.RotateWebhook(t.Context(), made.ID, time.Hour)
	if err != nil || first == second || rotated.PreviousUntil == nil || !strings.HasPrefix(second, "whsec_") {
		t.Fatalf("rotated %+v, %v", rotated, err)
	}
	m := tell()
	if err := errors.Join(m.verify(first), m.verify(second)); err != nil {
		t.Error(err)
	}
	if _, second, err = n.RotateWebhook(t.Context(), made.ID, 0); err != nil {
		t.Fatal(err)
	}
	if m = tell(); m.verify(second) != nil || m.verify(first) == nil {
		t.Error("after the overlap only the new secret signs")
	}
}

// TestOnlyPublicAddressesAreCalled calls a name: what it means is looked at when it is
// dialled, whatever it meant when the webhook was made.
func TestOnlyPublicAddressesAreCalled(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	for _, host := range []string{"127.0.0.1", "localhost"} {
		response, err := newWebhookClient(false).Get(strings.Replace(r.URL, "127.0.0.1", host, 1))
		if err == nil {
			response.Body.Close()
		}
		if !errors.Is(err, errPrivateAddress) || !strings.Contains(whyNoAnswer(err), "no public one") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if len(r.all()) != 0 {
		t.Error("it was called")
	}
}

// TestWhatIsNotAllowedAnyMoreIsNotCalled: the settings of the process that sends hold.
func TestWhatIsNotAllowedAnyMoreIsNotCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t)
	made, _ := hook(t, w.notifier(), r.URL)
	n := w.notifier(func(c *Config) { c.AllowPrivate = false })
	queue := work(t, n)
	w.ended("user-1", completed)
	look(t, n)
	queue.jobs(1)
	list, _, err := n.Attempts(t.Context(), made.ID, 0, 10)
	if err != nil || len(list) != 1 || list[0].Problem == nil || list[0].Delivery != "failed" {
		t.Errorf("attempts %+v, %v", list, err)
	}
	if len(r.all()) != 0 {
		t.Error("it was called")
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.notifier()
	r := newReceiver(t, http.StatusFound)
	made, _ := hook(t, n, r.URL)
	queue := work(t, n)
	w.ended("user-1", completed)
	look(t, n)
	queue.jobs(1)
	list, _, err := n.Attempts(t.Context(), made.ID, 0, 10)
	if err != nil || len(list) != 2 || *list[1].Status != http.StatusFound || !strings.Contains(*list[1].Problem, "redirect") {
		t.Errorf("attempts %+v, %v", list, err)
	}
	if got := len(r.all()); got != 2 {
		t.Errorf("called %d times, want 2", got)
	}
}

func TestPublicAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1:248:1893:25c8:1946": true, "::ffff:93.184.216.34": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.31.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false,
		"0.0.0.0": false, "224.0.0.1": false, "255.255.255.255": false, "198.18.0.1": false,
		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fec0::1": false, "ff02::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001::1": false, "2001:db8::1": false,
	} {
		if got := isPublic(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s public: %v, want %v", address, got, want)
		}
	}
}

func TestAddressesThatCannotBeCalled(t *testing.T) {
	strict, open := &Notifier{}, &Notifier{Config: Config{AllowHTTP: true, AllowPrivate: true}}
	for url, want := range map[string][2]bool{
		"https://example.org/hook?a=b": {true, true},
		"https://93.184.216.34/":       {true, true},
		"http://example.org/":          {false, true},
		"https://127.0.0.1/":           {false, true},
		"https://[::1]:8443/":          {false, true},
		"https://localhost/":           {false, true},
		"https://user:pw@example.org/": {false, false},
		"https://example.org/#part":    {false, false},
		"ftp://example.org/":           {false, false},
		"https:///path":                {false, false},
		"https:example.org":            {false, false},
		"example.org":                  {false, false},
		"":                             {false, false},
		"https://example.org/" + strings.Repeat("a", 2000): {false, false},
	} {
		if got := strict.checkURL(url) == ""; got != want[0] {
			t.Errorf("%.60q taken: %v, want %v", url, got, want[0])
		}
		if got := open.checkURL(url) == ""; got != want[1] {
			t.Errorf("%.60q taken where all is allowed: %v, want %v", url, got, want[1])
		}
	}
}

func TestThereAreAtMostTwentyWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.notifier()
	var last Webhook
	for range mostWebhooks {
		last, _ = hook(t, n, "http://example.org/")
	}
	if _, _, err := n.CreateWebhook(t.Context(), "user-1", "", "http://example.org/"); !errors.Is(err, errTooMany) {
		t.Errorf("one more: %v", err)
	}
	if err := n.RemoveWebhook(t.Context(), last.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Webhook(t.Context(), last.ID); !errors.Is(err, errNoWebhook) {
		t.Errorf("a removed one: %v", err)
	}
	hook(t, n, "http://example.org/")
}

func TestARemovedOrDisabledWebhookIsNotCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.notifier()
	r := newReceiver(t)
	removed, _ := hook(t, n, r.URL)
	disabled, _ := hook(t, n, r.URL)
	w.ended("user-1", completed)
	look(t, n)
	w.told(2)
	if err := n.RemoveWebhook(t.Context(), removed.ID); err != nil {
		t.Fatal(err)
	}
	off := false
	if _, err := n.ChangeWebhook(t.Context(), disabled.ID, WebhookChange{Enabled: &off}); err != nil {
		t.Fatal(err)
	}
	queue := work(t, n)
	queue.jobs(2)
	if got := len(r.all()); got != 0 {
		t.Errorf("called %d times", got)
	}
	w.ended("user-1", completed)
	look(t, n)
	if got := w.count("SELECT count(*) FROM ledger.deliveries WHERE state = 'dropped'"); got != 1 {
		t.Errorf("%d deliveries dropped, want 1", got)
	}
	if got := w.count("SELECT count(*) FROM ledger.deliveries"); got != 1 {
		t.Errorf("%d deliveries, want 1", got)
	}
}
