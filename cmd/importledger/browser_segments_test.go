package main

import (
	"strings"
	"testing"
)

// TestASegmentIsKeptByHand makes a segment, puts contacts in and out from both sides,
// and removes it.
func TestASegmentIsKeptByHand(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)
	p.signIn()
	p.importFile(peopleFile(t, "segments.csv", 60), "")
	p.open("/segments")
	p.press("n")
	p.at("/segments/new")
	p.accessible("a new segment")
	p.fill("input[name=name]", "Guests")
	p.fill("textarea", "Who came in spring")
	p.click("button.primary")
	p.at("/segments/[0-9A-Z]{26}")
	segment := p.path()
	p.accessible("a segment with nobody in it")
	p.open("/segments/new")
	p.fill("input[name=name]", "Guests")
	p.click("button.primary")
	p.see(".callout.bad")
	p.accessible("a segment's name that is taken")

	p.open(segment)
	p.fill("textarea", "person1@example.org\nnobody@example.org\n\nPERSON2@example.org")
	p.click("section form button")
	p.see(".callout.bad")
	if text := p.page(); !strings.Contains(text, "nobody@example.org") || strings.Contains(text, "person1@example.org is") {
		t.Errorf("who is not known is not said:\n%s", text)
	}
	p.accessible("contacts that are not known")
	p.fill("textarea", "person1@example.org\nPERSON2@example.org\nperson3@example.org")
	p.click("section form button")
	p.become("location.search.includes('contacts-in') && document.querySelectorAll('.contacts tbody tr').length === 3")
	p.accessible("a segment that can be changed")
	p.click(".below-list button")
	p.see(".callout.bad") // nobody is chosen
	p.click(".contacts tbody tr:first-child input")
	p.click(".below-list button")
	p.become("location.search.includes('contacts-out') && document.querySelectorAll('.contacts tbody tr').length === 2")

	p.open("/contacts")
	p.fill("input[name=q]", "person4@example.org")
	p.click(".search button")
	p.at("/contacts/[^/]+")
	p.choose("select[name=segment]", strings.TrimPrefix(segment, "/segments/"))
	p.click(".one-line button")
	p.become("location.search.includes('contacts-in') && document.querySelector('.chips')?.innerText.includes('Guests')")
	p.accessible("a contact in a segment")
	p.click(".chips button")
	p.become("location.search.includes('contacts-out') && !document.querySelector('.chips')")

	p.open(segment)
	p.click(".title .actions a")
	p.at("/segments/[^/]+/edit")
	p.fill("input[name=name]", "Guests of spring")
	p.click("button.primary")
	p.become("location.search.includes('segment-changed') && document.querySelector('h1').innerText === 'Guests of spring'")
	p.open(segment + "/edit")
	p.click("details.confirm summary")
	p.accessible("a segment that may be removed")
	p.click("details.confirm button")
	p.become("location.search.includes('segment-removed') && !document.body.innerText.includes('Guests')")
	p.open("/contacts")
	if n := evaluate[int](p, "document.querySelectorAll('.contacts tbody tr').length"); n != 50 {
		t.Errorf("a page of contacts has %d of them afterwards", n)
	}
}

func TestAnAttributeIsMadeByHand(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)
	p.signIn()
	p.open("/attributes")
	p.fill("input[name=name]", "email")
	p.click(".new-attribute button")
	p.see(".callout.bad")
	p.accessible("an attribute that every ledger has")
	p.fill("input[name=name]", hostile[1])
	p.choose("select[name=type]", "number")
	p.click(".new-attribute button")
	p.become("location.search.includes('attribute-created') && document.querySelector('.list .name')?.innerText.includes('onerror')")
	p.harmless("attributes")
	p.accessible("attributes of one's own")
}

// TestHostileNamesOfSegmentsAreText has a segment whose name and description mean harm
// wherever segments are shown.
func TestHostileNamesOfSegmentsAreText(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)
	p.signIn()
	p.importFile(peopleFile(t, "harm.csv", 5), "")
	for _, name := range []string{hostile[0] + strings.Repeat("long", 50), hostile[1] + strings.Repeat("W", 200)} {
		p.open("/segments/new")
		p.fill("input[name=name]", name)
		p.fill("textarea", hostile[4]+hostile[2]+hostile[3])
		p.click("button.primary")
		p.at("/segments/[0-9A-Z]{26}")
		p.harmless("one segment")
	}
	segment := p.path()
	p.fill("textarea", hostile[0]+"\n"+hostile[1])
	p.click("section form button")
	p.see(".callout.bad")
	p.harmless("contacts that are not known")
	p.fill("textarea", "person1@example.org")
	p.click("section form button")
	p.become("location.search.includes('contacts-in')")
	p.open(segment + "/edit")
	p.harmless("a segment that is changed")
	p.open("/segments")
	p.harmless("segments")
	p.open("/contacts")
	p.fill("input[name=q]", "person1@example.org")
	p.click(".search button")
	p.at("/contacts/[^/]+")
	p.harmless("one contact, with a segment and another to choose")
}
