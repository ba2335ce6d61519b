package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestAUserIsInvitedAndDisabledInABrowser follows one user from the invitation to the
// door.
func TestAUserIsInvitedAndDisabledInABrowser(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)
	p.signIn()
	p.press("g", "u")
	p.at("/users")
	p.accessible("users, only one")
	p.press("n")
	p.at("/users/invite")
	p.fill("input[name=name]", "admin")
	p.click("form button.primary")
	p.see(".callout.bad")
	p.accessible("an invitation that is refused")
	p.fill("input[name=name]", "ann@example.org")
	p.click("input[value=viewer]")
	p.click("form button.primary")
	p.see("#link")
	p.accessible("the link of an invitation")
	link := evaluate[string](p, "document.getElementById('link').textContent")
	if !strings.HasPrefix(link, base+"/join#") {
		t.Fatalf("the link is %s", link)
	}
	p.click("main .after a")
	p.at("/users/[^/]+")
	ann := p.path()
	p.accessible("a user who is invited")
	p.click(".me button")
	p.at("/sign-in")

	p.do(chromedp.Navigate(link))
	p.see("input[name=password]")
	p.accessible("join")
	const password = "first password of ann"
	p.fill("input[name=password]", password)
	p.fill("input[name=again]", password)
	p.click("form button.primary")
	p.at("/imports")
	if evaluate[bool](p, "Boolean(document.querySelector('#nav a[href=\"/users\"]'))") {
		t.Error("a viewer is shown the way to the users")
	}
	p.open("/users")
	p.accessible("not allowed")
	p.press("g", "m")
	p.at("/account")
	p.accessible("account")
	p.fill("input[name=current]", "not it, I am afraid")
	p.fill("input[name=password]", "second password of ann")
	p.fill("input[name=again]", "second password of ann")
	p.click("form.narrow-form button")
	p.see(".callout.bad")
	p.accessible("a password that is not changed")
	p.fill("input[name=current]", password)
	p.fill("input[name=password]", "second password of ann")
	p.fill("input[name=again]", "second password of ann")
	p.click("form.narrow-form button")
	p.become("location.search.includes('password-changed') && document.querySelector('.notice')")
	p.click(".me button")
	p.at("/sign-in")

	p.signIn()
	p.open(ann)
	p.click("input[value=editor]")
	p.click("section form button")
	p.become("location.search.includes('role-set') && document.body.innerText.includes('editor')")
	p.click("details.confirm summary")
	p.accessible("a user who may be disabled")
	p.click("details.confirm button")
	p.become("location.search.includes('disabled') && document.querySelector('.facts').innerText.includes('Disabled')")
	p.accessible("a user who is disabled")
	p.open("/users")
	p.accessible("users")
	p.press("g", "l")
	p.at("/audit")
	for _, words := range []string{"Invited a user", "Answered an invitation", "Changed a role", "viewer → editor", "Disabled a user", "Was refused: right missing"} {
		if !strings.Contains(p.page(), words) {
			t.Errorf("the audit log does not say %q:\n%s", words, p.page())
		}
	}
	p.accessible("audit log")
	p.choose("select[name=action]", "user.disabled")
	p.click(".filter button")
	p.become("location.search.includes('action=user.disabled') && document.querySelectorAll('.audit tbody tr').length === 1")
	p.click(".audit td a")
	p.become("document.querySelectorAll('.chosen li').length === 2")
	p.accessible("audit log, filtered")
	p.open("/audit?action=client.created")
	p.accessible("audit log, nothing found")
}

func TestAnAPIClientIsMadeAndRevokedInABrowser(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)
	p.signIn()
	p.press("g", "p")
	p.at("/clients")
	p.accessible("no API clients")
	p.press("n")
	p.at("/clients/new")
	p.fill("input[name=name]", "Web shop")
	p.click("form button.primary")
	p.see(".callout.bad") // no scope
	p.accessible("a new API client")
	p.click("input[value='imports:read']")
	p.click("form button.primary")
	p.see("#client-secret")
	p.accessible("the secret of an API client")
	id, secret := p.credentials()
	if got := p.tokenStatus(id, secret); got != http.StatusOK {
		t.Errorf("a token: %d", got)
	}
	p.open("/clients/" + id)
	if text := p.page(); strings.Contains(text, secret) {
		t.Error("the secret is shown again")
	}
	p.click("details.confirm summary")
	p.click("details.confirm button")
	p.see("#client-secret")
	_, renewed := p.credentials()
	if old, anew := p.tokenStatus(id, secret), p.tokenStatus(id, renewed); old != http.StatusUnauthorized || anew != http.StatusOK {
		t.Errorf("after a new secret: %d with the old one, %d with the new one", old, anew)
	}
	p.click(".actions details:last-child summary")
	p.accessible("an API client")
	p.click(".actions details:last-child button")
	p.become("location.search.includes('client-revoked') && document.querySelector('.facts').innerText.includes('Revoked')")
	p.accessible("an API client that is revoked")
	if got := p.tokenStatus(id, renewed); got != http.StatusUnauthorized {
		t.Errorf("a token of a revoked client: %d", got)
	}
	p.open("/clients")
	p.accessible("API clients")

	p.open("/clients/new")
	p.fill("input[name=name]", hostile[1]+strings.Repeat("W", 50))
	p.click("input[value='imports:read']")
	p.click("form button.primary")
	p.see("#client-secret")
	p.harmless("an API client")
	for _, path := range []string{"/clients", "/audit"} {
		p.open(path)
		p.harmless(path)
	}
}

// credentials are those that the page shows this once.
func (p *tab) credentials() (id, secret string) {
	p.t.Helper()
	return evaluate[string](p, "document.getElementById('client-id').textContent"), evaluate[string](p, "document.getElementById('client-secret').textContent")
}

// tokenStatus is what the token endpoint answers.
func (p *tab) tokenStatus(id, secret string) int {
	p.t.Helper()
	answer, err := http.PostForm(p.base+"/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}})
	p.must(err)
	p.must(answer.Body.Close())
	return answer.StatusCode
}
