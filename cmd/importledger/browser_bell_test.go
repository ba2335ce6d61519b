package main

import "testing"

func TestTheBellTellsOfAnImportThatEnded(t *testing.T) {
	_, base := servePages(t)
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
}
