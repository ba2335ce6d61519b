package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// importFile goes through the wizard as quickly as it can be done, with a new
// segment, and waits for the end.
func (p *tab) importFile(path, segment string) (importID string) {
	p.t.Helper()
	p.open("/imports/new")
	p.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{path}))
	p.click("form.upload button.primary")
	p.at("/imports/[^/]+/file")
	p.click("button.primary")
	p.at("/imports/[^/]+/columns")
	p.click("button.primary")
	p.at("/imports/[^/]+/details")
	if segment != "" {
		p.fill("input[name=segment-name]", segment)
		p.click("input[value=new]")
	}
	p.click("button.primary")
	p.at("/imports/[^/]+/review")
	p.click(".foot form button.primary")
	p.at("/imports/[^/]+")
	importID = p.importID()
	p.ended()
	return importID
}

// ended waits until the import that the page shows has come to its end.
func (p *tab) ended() {
	p.t.Helper()
	p.become("/Imported|Canceled|Failed/.test(document.querySelector('.standing .status')?.innerText)")
}

func TestEveryPageIsOpenToEverybody(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)
	p.signIn()
	for _, path := range []string{"/contacts", "/segments", "/attributes", "/operations"} {
		p.open(path)
		p.accessible("nothing yet: " + path)
	}
	id := p.importFile(peopleFile(t, "pages.csv", 300), "Pages")
	for _, path := range []string{"/contacts", "/segments", "/attributes", "/operations", "/imports?state=failed", "/nothing",
		"/imports/" + id + "/history", "/imports/" + id + "/history?each=1", "/imports/" + id + "/history/5", "/imports/" + id + "/at?revision=9"} {
		p.open(path)
		p.accessible(path)
	}
	p.open("/contacts")
	p.click(".contacts a")
	p.at("/contacts/[^/]+")
	p.accessible("one contact")
	p.open("/segments")
	p.click(".list a")
	p.at("/segments/[^/]+")
	p.accessible("one segment")

	p.open("/operations")
	p.click(".title form button")
	p.see("#live .callout.good")
	p.accessible("verified")
}

func TestAHistoryIsSearchedAndReplayed(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)
	p.signIn()
	id := p.importFile(peopleFile(t, "history.csv", 20000), "")
	p.open("/imports/" + id + "/history")
	if nodes := evaluate[int](p, "document.querySelectorAll('*').length"); nodes >= 2000 {
		t.Errorf("the page has %d nodes", nodes)
	}
	evaluate[any](p, "{ const r = document.getElementById('revision'); r.value = 10001; r.dispatchEvent(new Event('input', {bubbles: true})); null }")
	p.become("document.getElementById('stood').innerText.includes('9,900')") // of the first 10,000 rows
	p.click("#lines details summary")
	p.become("document.querySelectorAll('#lines details .event').length > 50")
	p.fill("input[name=q]", "person777@example.org")
	p.press(kb.Enter)
	p.at("/imports/[^/]+/history/search")
	p.become("document.querySelectorAll('.event').length === 1")
	p.accessible("found in the history")
	p.click(".event .revision")
	p.at("/imports/[^/]+/history/778")
	if text := evaluate[string](p, "document.getElementById('json').innerText"); !strings.Contains(text, `"email": "person777@example.org"`) {
		t.Error(text)
	}
}

// hostile are names and values as somebody would choose them who means harm.
var hostile = []string{
	`<script>document.title='stolen'</script>`, `"><img src=x onerror=document.title='stolen'>`, "\u202eright to left\u202c", "{{.User}}", `' onfocus='x`,
}

func TestHostileNamesAreTextAndKeepTheLayout(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)
	p.signIn()
	long := strings.Repeat("long", 62)
	header := []string{"email"}
	for _, h := range append(hostile[:len(hostile):len(hostile)], strings.Repeat("x", 1000)) {
		header = append(header, `"`+strings.ReplaceAll(h, `"`, `""`)+`"`)
	}
	var b strings.Builder
	b.WriteString(strings.Join(header, ",") + "\n")
	for i := range 30 {
		cells := []string{fmt.Sprintf("p%d@example.org", i)}
		if i%10 == 9 {
			cells[0] = `<b>bad</b>`
		}
		for _, h := range hostile {
			cells = append(cells, `"`+strings.ReplaceAll(h, `"`, `""`)+`"`)
		}
		b.WriteString(strings.Join(append(cells, strings.Repeat("y", 900)), ",") + "\n")
	}
	name := filepath.Join(t.TempDir(), "<img src=x onerror=alert(1)> \u202e "+long[:180]+".csv")
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p.open("/imports/new")
	p.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{name}))
	p.click("form.upload button.primary")
	p.at("/imports/[^/]+/file")
	p.harmless("check the file")
	p.click("button.primary")
	p.at("/imports/[^/]+/columns")
	p.harmless("map the columns")
	p.choose("#column-6 select", "skip") // no attribute has a name of 1,000 characters
	p.click("button.primary")
	p.at("/imports/[^/]+/details")
	p.fill("input[name=segment-name]", hostile[1]+long[:200])
	p.click("input[value=new]")
	p.harmless("segment and name")
	p.click("button.primary")
	p.at("/imports/[^/]+/review")
	p.harmless("review")
	p.click(".foot form button.primary")
	p.at("/imports/[^/]+")
	p.ended()
	p.harmless("one import")
	id := p.importID()
	for _, path := range []string{"/imports", "/imports/" + id + "/history", "/imports/" + id + "/history/1", "/imports/" + id + "/history/3", "/contacts", "/segments", "/attributes"} {
		p.open(path)
		p.harmless(path)
	}
	for _, list := range []string{"/contacts", "/segments"} {
		p.open(list)
		p.click(".list a")
		p.at(list + "/[^/]+")
		p.harmless("one of " + list)
		if list == "/contacts" {
			p.click(`a[href$="/why"]`)
			p.at("/contacts/[^/]+/why")
			p.harmless("where the values come from")
			p.click(`a[href*="/rows/"]`)
			p.at("/imports/[^/]+/rows/[0-9]+")
			p.harmless("a row")
		}
	}
}

// harmless checks that nothing of a stranger's became part of the page.
func (p *tab) harmless(state string) {
	p.t.Helper()
	if title := evaluate[string](p, "document.title"); title == "stolen" {
		p.t.Errorf("%s: a script ran", state)
	}
	if n := evaluate[int](p, "document.querySelectorAll('main img, main script, main b, [onerror], [onfocus]').length"); n > 0 {
		p.t.Errorf("%s: %d elements came from a file", state, n)
	}
	for _, l := range []look{looks[0], looks[2]} {
		p.lookAs(l)
		if wide := evaluate[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
			p.t.Errorf("%s, %d px: the page is %d px wider than its window", state, l.width, wide)
		}
	}
	p.lookAs(looks[0])
}

func TestEverythingWorksWithoutJavaScript(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)
	_, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	p.must(err)
	p.signIn()
	p.open("/imports/new")
	p.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{peopleFile(t, "plain.csv", 500)}))
	p.click("form.upload button.primary")
	p.at("/imports/[^/]+/file")
	p.clickThrough("button[value=stay]") // the page's own, where scripts would do it
	p.click("button.primary")
	p.at("/imports/[^/]+/columns")
	p.click("button.primary")
	p.at("/imports/[^/]+/details")
	p.click("button.primary")
	p.at("/imports/[^/]+/review")
	p.click(".foot form button.primary")
	p.at("/imports/[^/]+")
	id := p.importID()
	for giveUp := time.Now().Add(patience); !strings.Contains(evaluate[string](p, "document.querySelector('.standing').innerText"), "Imported"); p.open("/imports/" + id) {
		if time.Now().After(giveUp) {
			t.Fatal(p.page())
		}
	}
	p.open("/imports/" + id + "/history")
	p.click("#lines details summary")
	p.click("#lines details a")
	p.become("document.querySelectorAll('.event').length > 50")
	p.open("/imports/" + id + "/at?revision=100")
	p.become("document.getElementById('stood').innerText.includes('Importing')")
	p.open("/segments/new")
	p.fill("input[name=name]", "Plain")
	p.click("button.primary")
	p.at("/segments/[0-9A-Z]{26}")
	p.fill("textarea", "person1@example.org")
	p.click("section form button")
	p.become("document.querySelectorAll('.contacts tbody tr').length === 1")
	p.click(".contacts input")
	p.click(".below-list button")
	p.become("location.search.includes('contacts-out') && !document.querySelector('.contacts')")
	p.open("/users/invite")
	p.fill("input[name=name]", "plain@example.org")
	p.click("form button.primary")
	p.see("#link")
	p.click(".after a")
	p.at("/users/[0-9A-Z]{26}")
	p.click("details.confirm summary")
	p.click("details.confirm button")
	p.become("location.search.includes('disabled')")
	p.open("/operations")
	p.click(".title form button")
	p.at("/operations")
}
