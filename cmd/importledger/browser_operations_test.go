package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5"

	"importledger/adapters/postgres/pgtest"
)

// database is what a test does to tables behind the program's back.
func database(t *testing.T, url string) func(sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// tells waits until the part of the page that is kept current says something.
func (p *tab) tells(text string) {
	p.t.Helper()
	p.become(fmt.Sprintf("document.getElementById('live').innerText.includes(%q)", text))
}

// presses clicks a button whose form leads back to the page, which says what was done.
func (p *tab) presses(selector, done string) {
	p.t.Helper()
	p.click(selector)
	p.become(fmt.Sprintf("document.readyState === 'complete' && location.search === '?done=%s'", done))
}

// scripts lets the pages run theirs, or not.
func (p *tab) scripts(run bool) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !run})
	p.must(err)
}

// gone waits until something is not on the page any more. Without scripts a person
// loads it again.
func (p *tab) gone(scripts bool, selector string) {
	p.t.Helper()
	is := fmt.Sprintf("!document.querySelector(%q)", selector)
	if scripts {
		p.become(is)
		return
	}
	for giveUp := time.Now().Add(patience); !evaluate[bool](p, is); p.open("/operations") {
		if time.Now().After(giveUp) {
			p.t.Fatal(p.page())
		}
	}
}

func TestARebuildIsSeenSlowedPausedAndRolledBackOnItsPage(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	_, base := servePages(t, "IMPORTLEDGER_DATABASE_URL="+url)
	do := database(t, url)
	p := newTab(t, base)
	p.signIn()
	p.importFile(peopleFile(t, "pages.csv", 300), "Pages")

	// What was changed behind the program's back is named.
	do(`UPDATE contact_state.contacts SET attributes = attributes || '{"email":"<b>tampered@example.org</b>"}' WHERE attributes->>'email' = 'person7@example.org'`)
	do(`DELETE FROM contact_state.contacts WHERE attributes->>'email' = 'person8@example.org'`)
	p.open("/operations")
	p.presses(".title form[action='/operations/verify'] button", "verifying")
	p.see("#live .callout.bad")
	p.click("#differing-contact_state summary")
	p.tells("<b>tampered@example.org</b>")
	p.tells("is missing")
	p.accessible("differences")

	for _, scripts := range []bool{true, false} {
		p.scripts(scripts)
		p.open("/operations")
		p.fill("#limit", "1")
		p.presses(".speed button", "limit-set")
		p.presses("#model-contact_state form[action^='/operations/rebuild'] button", "rebuilding")
		p.see("#rebuild-contact_state progress")
		if scripts {
			p.accessible("a rebuild")
		}
		p.presses("#rebuild-contact_state form[action^='/operations/pause'] button", "rebuild-paused")
		p.see("#rebuild-contact_state form[action^='/operations/resume'] button")
		p.tells("paused")
		if scripts {
			p.accessible("a rebuild that is paused")
		}
		p.presses("#rebuild-contact_state form[action^='/operations/cancel'] button", "rebuild-canceled")
		p.gone(scripts, "#rebuild-contact_state")
		p.presses("#model-contact_state form[action^='/operations/rebuild'] button", "rebuilding")
		p.see("#rebuild-contact_state progress")
		p.fill("#limit", " ")
		p.presses(".speed button", "limit-set")
		p.gone(scripts, "#rebuild-contact_state")
		p.see("#before-contact_state")
		if scripts {
			p.accessible("tables of before")
		}
		p.presses("#before-contact_state button", "rolling-back")
		p.gone(scripts, "#rebuild-contact_state")
	}
	// The tables of before are as they were; only the log makes them right.
	p.scripts(true)
	p.open("/operations")
	p.presses("#model-contact_state form[action^='/operations/rebuild'] button", "rebuilding")
	p.gone(true, "#rebuild-contact_state")
	p.presses(".title form[action='/operations/verify'] button", "verifying")
	p.see("#live .callout.good")
}

func TestTheEventThatStopsAReadModelIsSeenOnItsPage(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	_, base := servePages(t, "IMPORTLEDGER_DATABASE_URL="+url)
	do := database(t, url)
	p := newTab(t, base)
	p.signIn()
	do(`ALTER TABLE contact_state.contacts ADD CONSTRAINT broken CHECK (attributes->>'email' <> 'person9@example.org')`)
	p.importFile(peopleFile(t, "pages.csv", 20), "Pages")
	p.open("/operations")
	p.tells("Stopped")
	p.tells("broken")
	p.accessible("a read model that has stopped")
	p.click("#model-contact_state a[href^='/operations/event']")
	p.at("/operations/event/contact_state")
	p.become("document.getElementById('data').innerText.includes('person9@example.org')")
	p.accessible("the event that stops a read model")
	p.presses(".title form button", "retrying")
	p.see("#live .callout.bad") // it stops there again
	p.accessible("a retry that stopped again")
	do("ALTER TABLE contact_state.contacts DROP CONSTRAINT broken")
	p.presses("#model-contact_state form[action^='/operations/retry'] button", "retrying")
	p.become("!document.getElementById('live').innerText.includes('Stopped')")
	p.open("/operations/event/contact_state")
	p.become("document.body.innerText.includes('There is no such page')")
}
