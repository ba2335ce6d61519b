package main

import "testing"

func TestTheBellTellsOfAnImportThatEnded(t *testing.T) {
	t.Parallel()
	_, base := servePages(t, "IMPORTLEDGER_SMTP_URL=smtp://127.0.0.1:1?tls=off", "IMPORTLEDGER_MAIL_FROM=ledger@example.org", "IMPORTLEDGER_PUBLIC_URL=https://ledger.example.org")
	p := newTab(t, base)
	p.signIn()
	p.open("/notifications")
	p.accessible("no notifications yet")
	p.importFile(peopleFile(t, "bell.csv", 30), "")
	p.become("document.querySelector('#bell .unread-count')?.innerText.trim().startsWith('1')") // without a new page
	p.open("/notifications")
	p.accessible("a notification")
	p.click("form[action='/notifications/read'] button")
	p.become("document.querySelector('#bell') && !document.querySelector('#bell .unread-count')")
	p.accessible("all is read")

	p.fill("input[name=address]", "ann@example.org")
	p.click("form[action='/notifications/mail'] button")
	p.become("document.querySelector('[role=status]')?.innerText.includes('What mail you get is changed')")
	p.accessible("what mail a user gets")
}
