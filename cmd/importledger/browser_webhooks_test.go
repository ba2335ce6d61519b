package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestAddressesThatMayNotBeCalledAreExplained: without settings only public addresses
// with TLS are called.
func TestAddressesThatMayNotBeCalledAreExplained(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)
	p.signIn()
	p.press("g", "w")
	p.at("/webhooks")
	p.accessible("no webhooks yet")
	p.press("n")
	p.at("/webhooks/new")
	p.accessible("a new webhook")
	p.fill("input[name=name]", "Reporting")
	for address, why := range map[string]string{
		"http://example.org/hook":   "begin with https://",
		"https://10.1.2.3/hook":     "public address",
		"https://localhost/hook":    "public address",
		"https://a:b@example.org/":  "no username and password",
		"example.org/hooks/imports": "such as https://example.org",
	} {
		p.fill("input[name=url]", address)
		p.clickThrough("main form button.primary")
		p.become("document.querySelector('#wrong-url').textContent.includes(" + `"` + why + `"` + ")")
		if got := evaluate[string](p, "document.querySelector('input[name=url]').value"); got != address {
			t.Errorf("what was typed became %q", got)
		}
	}
	p.accessible("a webhook that is refused")
	if got := evaluate[string](p, "document.querySelector('input[name=name]').value"); got != "Reporting" {
		t.Errorf("the name became %q", got)
	}
}

// TestAWebhookIsMadeCalledAndRemovedInABrowser has a receiver that first answers badly.
func TestAWebhookIsMadeCalledAndRemovedInABrowser(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Webhook-Signature"), "v1,") {
			t.Errorf("signed with %q", r.Header.Get("Webhook-Signature"))
		}
		if calls.Add(1) == 1 {
			http.Error(w, "<b>away</b>", http.StatusInternalServerError)
		}
	}))
	t.Cleanup(receiver.Close)
	_, base := servePages(t, "IMPORTLEDGER_WEBHOOKS_ALLOW_HTTP=true", "IMPORTLEDGER_WEBHOOKS_ALLOW_PRIVATE=true")
	p := newTab(t, base)
	p.signIn()
	p.open("/webhooks/new")
	p.fill("input[name=url]", receiver.URL+"/hook")
	p.fill("input[name=name]", hostile[1])
	p.click("form button.primary")
	p.see("#secret")
	secret := p.text("#secret")
	if !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("the secret is %s", secret)
	}
	p.harmless("a webhook that is made")
	p.accessible("a webhook that is made, with its secret")
	p.click("main .crumb a")
	p.at("/webhooks")
	p.accessible("webhooks")
	p.harmless("webhooks")
	p.click(".webhooks a")
	p.at("/webhooks/[^/]+")
	one := p.path()
	if p.text("#secret") != "" {
		t.Error("the secret is shown again")
	}
	p.importFile(peopleFile(t, "told.csv", 30), "")
	p.open(one)
	p.become("document.querySelectorAll('.attempts tbody tr').length === 2") // tried again by itself
	if text := p.text(".attempts tbody"); !strings.Contains(text, "500") || !strings.Contains(text, "200") || !strings.Contains(text, "Delivered") {
		t.Errorf("the calls are %s", text)
	}
	p.accessible("a webhook that was called")
	p.harmless("a webhook that was called")
	p.clickThrough(".attempts tbody tr:first-child button")
	p.become("document.querySelectorAll('.attempts tbody tr').length === 3 && document.querySelector('.attempts').textContent.includes('sent by hand')")

	p.clickThrough(".title form button")
	p.become("document.querySelector('[role=status]').innerText.includes('not called any more')")
	p.clickThrough(".attempts tbody tr:first-child button")
	p.become("document.querySelector('.callout.bad')?.innerText.includes('Enable it first')")
	p.accessible("a message of a webhook that is disabled is not sent again")
	p.click(".title form button")
	p.at("/webhooks/[^/]+")
	p.become("document.querySelector('[role=status]').innerText.includes('called again')")

	p.click(".confirm summary")
	p.accessible("a new secret is asked for")
	p.click(".confirm[open] form button")
	p.see("#secret")
	if got := p.text("#secret"); got == secret || !strings.Contains(p.text("main"), "Signed with the old secret too") {
		t.Errorf("the secret is %s", got)
	}
	p.open(one)
	p.click("a[href$='/change']")
	p.at("/webhooks/[^/]+/change")
	p.fill("input[name=name]", "Reporting")
	p.accessible("a webhook is changed")
	p.click("form button.primary")
	p.at(one)
	if got := p.text("h1"); got != "Reporting" {
		t.Errorf("it is called %s", got)
	}
	p.click(".confirm:last-of-type summary")
	p.click(".confirm[open] form button")
	p.at("/webhooks")
	p.see(".empty")
}
