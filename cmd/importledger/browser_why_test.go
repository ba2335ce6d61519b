package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A value is traced from the contact to the row that set it, from there to its event,
// and back; and the import's rows in error lead to theirs.
func TestAValueIsTracedToItsRow(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)
	p.signIn()
	first := filepath.Join(t.TempDir(), "first.csv")
	if err := os.WriteFile(first, []byte("email,city,note\nann@example.org,Brugge,old\nnobody,Gent,x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(t.TempDir(), "second.csv")
	if err := os.WriteFile(second, []byte("email,city\n\" Ann@example.org\",\"Gent, \"\"the\"\" city\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	one := p.importFile(first, "")
	p.importFile(second, "")
	p.open("/contacts")
	p.click(".contacts a")
	p.at("/contacts/[^/]+")
	p.click(`a[href$="/why"]`)
	p.at("/contacts/[^/]+/why")
	p.accessible("where the values come from")
	text := evaluate[string](p, "document.querySelector('main').innerText")
	for _, wants := range []string{`Gent, "the" city`, "Before it was Brugge", "row 1 of first.csv", "2 imports with rows about this contact", "second.csv"} {
		if !strings.Contains(text, wants) {
			t.Errorf("the page does not say %q:\n%s", wants, text)
		}
	}
	p.click(`a[href*="/why/attribute?name=city"]`)
	p.at("/contacts/[^/]+/why/attribute")
	if n := evaluate[int](p, "document.querySelectorAll('section.sheet').length"); n != 2 {
		t.Errorf("%d rows set the city", n)
	}
	p.accessible("all that set an attribute")
	p.click(`section.sheet:last-of-type a[href$="/rows/1"]`)
	p.at("/imports/" + one + "/rows/1")
	p.accessible("a row that was accepted")
	if text := evaluate[string](p, "document.querySelector('main').innerText"); !strings.Contains(text, "Brugge") || !strings.Contains(text, "Accepted") {
		t.Error(text)
	}
	p.click(`a[href$="/history/2"]`)
	p.at("/imports/" + one + "/history/2")
	p.click(`a[href$="/rows/1"]`)
	p.at("/imports/" + one + "/rows/1")
	p.open("/imports/" + one)
	p.click(".group summary")
	p.click(`.group a[href$="/rows/2"]`)
	p.at("/imports/" + one + "/rows/2")
	p.accessible("a row that was rejected")
	if text := evaluate[string](p, "document.querySelector('main').innerText"); !strings.Contains(text, "email-invalid") {
		t.Error(text)
	}
	// The proof of an import is a link away.
	p.open("/imports/" + one + "/history")
	if got := evaluate[string](p, `fetch(document.querySelector('a[download]').href).then((r) => r.text()).then((t) => t.slice(0, 40))`); !strings.HasPrefix(got, `{"format":"importledger audit export"`) {
		t.Errorf("the link leads to %q", got)
	}
}
