package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// peopleFile writes a file of contacts of which every hundredth has no good address.
func peopleFile(t *testing.T, name string, rows int) (path string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("E-mail;First name;Customer number;Points\n")
	for i := 1; i <= rows; i++ {
		address := fmt.Sprintf("person%d@example.org", i)
		if i%100 == 0 {
			address = fmt.Sprintf("person%d at example", i)
		}
		fmt.Fprintf(&b, "%s;Zoë %d;%06d;%d\n", address, i, i, i%500)
	}
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// importID is the one in the browser's address.
func (p *tab) importID() string {
	p.t.Helper()
	return strings.Split(p.path(), "/")[2]
}

func TestTheWholeWayInABrowser(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)

	p.open("/imports")
	p.at("/sign-in")
	p.accessible("sign in")
	p.signIn()
	p.accessible("no imports yet")

	p.click(".title a.primary")
	p.at("/imports/new")
	p.accessible("upload")
	p.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{peopleFile(t, "spring.csv", 20000)}))
	p.click("form.upload button.primary")

	p.at("/imports/[^/]+/file")
	p.accessible("check the file")
	if got := evaluate[string](p, "document.querySelector('select[name=separator]').value"); got != ";" {
		t.Errorf("the separator is %q", got)
	}
	p.click("button.primary")

	p.at("/imports/[^/]+/columns")
	p.accessible("map the columns")
	p.choose("#column-0 select", "skip")
	p.become("document.querySelector('#problems').textContent.includes('email')") // said at once
	p.accessible("without an identifier")
	p.click("button.primary")
	p.see("#problems .callout") // and not let through
	p.choose("#column-0 select", "a:email")
	p.click("button.primary")

	p.at("/imports/[^/]+/details")
	p.accessible("segment and name")
	p.fill("input[name=segment-name]", "Spring")
	p.click("input[value=new]")
	p.fill("textarea", "From the spring fair")
	p.click("button[value=back]")
	p.at("/imports/[^/]+/columns")
	p.click("button.primary")
	p.at("/imports/[^/]+/details")
	if got := evaluate[string](p, "document.querySelector('input[name=segment-name]').value + '/' + document.querySelector('textarea').value + '/' + document.querySelector('input[name=segment]:checked').value"); got != "Spring/From the spring fair/new" {
		t.Errorf("after going back: %s", got)
	}
	p.click("button.primary")

	p.at("/imports/[^/]+/review")
	if text := evaluate[string](p, "document.querySelector('.totals').innerText"); !strings.Contains(text, "19,800") || !strings.Contains(text, "200") {
		t.Errorf("the review says %s", text)
	}
	p.click("details.group summary")
	if text := evaluate[string](p, "document.querySelector('.group').innerText"); !strings.Contains(text, "person100 at example") {
		t.Errorf("no example is shown of what is wrong:\n%s", text)
	}
	if rows := strings.Count(evaluate[string](p, "fetch(document.querySelector('a[download]').href).then((r) => r.text())"), "\n"); rows != 201 {
		t.Errorf("%d lines to mend, before anything is imported", rows)
	}
	p.accessible("review")
	first := p.importID()
	p.click(".foot form button.primary")

	p.at("/imports/[^/]+")
	p.become("document.querySelector('.standing')?.innerText.includes('Imported')") // without loading the page again
	if text := evaluate[string](p, "document.querySelector('.sum').innerText"); !strings.Contains(text, "19,800") || !strings.Contains(text, "200") {
		t.Errorf("the import says %s", text)
	}
	if text := evaluate[string](p, "document.querySelector('main').innerText"); !strings.Contains(text, "From the spring fair") {
		t.Error("the description is not shown")
	}
	p.click("details.group summary")
	p.accessible("an import that is done")

	mended := p.mend(first)
	p.click(".mend a")
	p.at("/imports/new")
	p.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{mended}))
	p.click("form.upload button.primary")
	for _, step := range []string{"file", "columns", "details", "review"} {
		p.at("/imports/[^/]+/" + step)
		p.click("button.primary")
	}
	p.at("/imports/[^/]+")
	p.become("document.querySelector('.standing')?.innerText.includes('Imported')")
	if text := evaluate[string](p, "document.querySelector('.sum').innerText"); !strings.HasPrefix(text, "imported\n200\nin error\n0\n") {
		t.Errorf("of the mended rows: %s", text)
	}
	p.open("/imports")
	p.accessible("imports")
	p.click(".me button")
	p.at("/sign-in")
}

// mend downloads the rows in error as the page offers them and corrects them.
func (p *tab) mend(importID string) (path string) {
	p.t.Helper()
	text := evaluate[string](p, fmt.Sprintf("fetch('/imports/%s/errors.csv').then((r) => r.text())", importID))
	reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	reader.Comma = ';'
	rows, err := reader.ReadAll()
	p.must(err)
	if len(rows) != 201 {
		p.t.Fatalf("%d rows in error, with the header", len(rows))
	}
	var b strings.Builder
	out := csv.NewWriter(&b)
	out.Comma = ';'
	for _, row := range rows {
		row[0] = strings.ReplaceAll(row[0], " at example", "@example.org")
	}
	p.must(out.WriteAll(rows))
	path = filepath.Join(p.t.TempDir(), "mended.csv")
	p.must(os.WriteFile(path, []byte(b.String()), 0o600))
	return path
}

func TestTheWholeWayByKeyboardAlone(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)
	p.open("/sign-in")
	p.tabTo("input[name=name]")
	p.press("admin", kb.Tab, adminPassword, kb.Enter)
	p.at("/imports")
	p.press("n")
	p.at("/imports/new")
	p.tabTo("input[type=file]")
	// The window of the system in which a file is chosen is not the page's.
	p.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{peopleFile(t, "keys.csv", 300)}))
	p.tabTo("form.upload button.primary")
	p.press(kb.Enter)
	p.at("/imports/[^/]+/file")
	p.tabTo("button.primary")
	p.press(kb.Enter)
	p.at("/imports/[^/]+/columns")
	p.tabTo("#column-3 select")
	p.press(kb.Home) // skip
	if got := evaluate[string](p, "document.activeElement.value"); got != "skip" {
		t.Errorf("the column becomes %s", got)
	}
	p.tabTo("button.primary")
	p.press(kb.Enter)
	p.at("/imports/[^/]+/details")
	p.tabTo("input[name=segment]")
	p.press(kb.ArrowDown)
	p.tabTo("input[name=segment-name]")
	p.press("Keys")
	p.tabTo("button.primary")
	p.press(kb.Enter)
	p.at("/imports/[^/]+/review")
	p.tabTo("details.group summary")
	p.press(kb.Enter)
	p.become("document.querySelector('details.group').open")
	p.tabTo(".foot form button.primary")
	p.press(kb.Enter)
	p.at("/imports/[^/]+")
	p.become("document.querySelector('.standing')?.innerText.includes('Imported')")
	p.press("?")
	p.become("document.getElementById('shortcuts').open")
	p.accessible("the sheet of shortcuts")
	p.press(kb.Escape)
	p.become("!document.getElementById('shortcuts').open")
	p.press("g", "i")
	p.at("/imports")
	p.press("/")
	p.become("document.activeElement.name === 'q'")
	p.fill("input[name=q]", "keys") // what the key for the field has typed into it is replaced
	p.press(kb.Enter)
	p.become("location.search.includes('q=keys') && document.querySelectorAll('.imports tbody tr').length === 1")
}
