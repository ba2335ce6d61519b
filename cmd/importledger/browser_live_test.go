package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// drop drags a file from outside over the page and lets it go there, as the system's
// own window of files does.
func (p *tab) drop(path string) {
	p.t.Helper()
	drag := func(kind input.DispatchDragEventType) {
		p.t.Helper()
		_, err := chromedp.Call(p.ctx, input.DispatchDragEvent, input.DispatchDragEventParams{Type: kind, X: 640, Y: 400,
			Data: &input.DragData{Items: []*input.DragDataItem{}, Files: []string{path}, DragOperationsMask: 1}})
		p.must(err)
	}
	drag(input.DispatchDragEventTypeDragEnter)
	drag(input.DispatchDragEventTypeDragOver)
	p.see(".veil")
	drag(input.DispatchDragEventTypeDrop)
}

// watch has the page write down every state of its progress that it shows, and when.
func (p *tab) watch() {
	p.t.Helper()
	evaluate[any](p, `{
		window.seen = [];
		const look = () => {
			const done = document.querySelector(".outcome > progress")?.value ?? null;
			const text = document.querySelector(".sum").innerText;
			if (window.seen.at(-1)?.text !== text) {
				window.seen.push({ text, done, state: document.querySelector(".standing .status").innerText, at: performance.now() });
			}
		};
		look();
		new MutationObserver(look).observe(document.getElementById("live"), { childList: true, subtree: true, characterData: true, attributes: true });
		null }`)
}

// seen is one state of an import's page.
type seen struct {
	Text  string   `json:"text"`
	Done  *float64 `json:"done"`
	State string   `json:"state"`
	At    float64  `json:"at"` // milliseconds
}

func (p *tab) states() []seen {
	p.t.Helper()
	var all []seen
	p.must(json.Unmarshal([]byte(evaluate[string](p, "JSON.stringify(window.seen)")), &all))
	return all
}

// TestADroppedFileGoesTheWholeWay drops a file of 20,000 rows on the list of imports
// and does with it all that there is to do.
func TestADroppedFileGoesTheWholeWay(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)
	p.signIn()
	p.drop(peopleFile(t, "dropped.csv", 20000))
	p.at("/imports/[0-9A-Z]{26}/file")
	first := p.importID()
	p.click("button.primary")
	p.at("/imports/[^/]+/columns")
	p.choose("#column-2 select", "skip")
	p.click("button.primary")
	p.at("/imports/[^/]+/details")
	p.click("button.primary")
	p.at("/imports/[^/]+/review")
	p.click(".foot form button.primary")
	p.at("/imports/" + first)
	p.watch()
	p.ended()
	if text := evaluate[string](p, "document.querySelector('.sum').innerText"); !strings.Contains(text, "19,800") || !strings.Contains(text, "200") {
		t.Errorf("the import says %s", text)
	}
	p.click("details.group summary") // the errors are there with the end, without loading the page again
	p.see("details.group .examples")
	mended := p.mend(first)
	p.click(".mend a")
	p.at("/imports/new")
	p.drop(mended)
	for _, step := range []string{"file", "columns", "details", "review"} {
		p.at("/imports/[^/]+/" + step)
		p.click("button.primary")
	}
	p.at("/imports/[0-9A-Z]{26}")
	if p.importID() == first {
		t.Fatal("the mended file is not an import of its own")
	}
	p.ended()
	if text := evaluate[string](p, "document.querySelector('.sum').innerText"); !strings.HasPrefix(text, "imported\n200\nin error\n0\n") {
		t.Errorf("of the mended rows: %s", text)
	}
	p.open("/imports/" + first)
	p.click(".title .actions a")
	p.at("/imports/" + first + "/history")
	p.do(chromedp.Focus(chromedp.CSS("#revision")))
	p.press(kb.Home)
	p.become("document.getElementById('stood').innerText.includes('Preparing')")
	evaluate[any](p, "{ const r = document.getElementById('revision'); r.value = 10001; r.dispatchEvent(new Event('input', {bubbles: true})); null }")
	p.become("document.getElementById('stood').innerText.includes('9,900')") // of the first 10,000 rows
	p.press(kb.End)
	p.become("document.getElementById('stood').innerText.includes('19,800')")
}

// TestAPageOfARunningImportMovesAtLeastEverySecond counts the states that a page shows
// of an import, whose rows take a while, beside the seconds that it took and beside
// what the server sent.
func TestAPageOfARunningImportMovesAtLeastEverySecond(t *testing.T) {
	t.Parallel()
	_, base := servePages(t, "IMPORTLEDGER_MAX_ROWS=200000")
	p := newTab(t, base)
	p.signIn()
	p.drop(peopleFile(t, "long.csv", 150_000))
	for _, step := range []string{"file", "columns", "details"} {
		p.at("/imports/[^/]+/" + step)
		p.click("button.primary")
	}
	p.at("/imports/[^/]+/review")
	p.click(".foot form button.primary")
	p.at("/imports/[0-9A-Z]{26}")
	evaluate[any](p, "{ window.sent = 0; document.getElementById('live').addEventListener('shown', () => { window.sent++; }); null }")
	p.watch()
	p.ended()
	all := p.states()
	ran := (all[len(all)-1].At - all[0].At) / 1000
	sent := evaluate[int](p, "window.sent")
	t.Logf("%d states in %.1f s, of %d parts that the server sent", len(all), ran, sent)
	if len(all) < 3 || float64(len(all)) < ran {
		t.Errorf("the page showed %d states in %.1f s", len(all), ran)
	}
	if len(all) > sent+1 {
		t.Errorf("%d states of %d parts: the page shows what nobody sent", len(all), sent)
	}
	for i := 1; i < len(all); i++ {
		if before, now := all[i-1].Done, all[i].Done; before != nil && now != nil && *now < *before {
			t.Errorf("the progress goes back from %.0f to %.0f rows", *before, *now)
		}
	}
	if end := all[len(all)-1]; end.State != "Imported" || !strings.Contains(end.Text, "148,500") {
		t.Errorf("at the end the page shows %+v", end)
	}
}

// TestAHistoryStaysSmallWhateverIsOpened looks at histories of 20,000 rows that fold
// well and badly, and counts what the page is made of.
func TestAHistoryStaysSmallWhateverIsOpened(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)
	p.signIn()
	small := func(state string) {
		t.Helper()
		if nodes := evaluate[int](p, "document.querySelectorAll('*').length"); nodes >= 2000 {
			t.Errorf("%s: the page has %d nodes", state, nodes)
		} else {
			t.Logf("%s: %d nodes", state, nodes)
		}
	}
	for name, path := range map[string]string{"one in a hundred": peopleFile(t, "good.csv", 20000), "ten by ten": tensFile(t, 20000)} {
		id := p.importFile(path, "")
		for _, query := range []string{"", "?order=newest", "?each=1", "?each=1&order=newest", "?from=9000"} {
			p.open("/imports/" + id + "/history" + query)
			p.see("#lines .event")
			small(name + query)
		}
		p.open("/imports/" + id + "/history")
		folds := evaluate[int](p, "document.querySelectorAll('#lines > li > details').length")
		for fold := range min(folds, 12) {
			evaluate[any](p, fmt.Sprintf("document.querySelectorAll('#lines > li > details')[%d].open = true; null", fold))
			p.become(fmt.Sprintf("document.querySelectorAll('#lines > li > details')[%d].querySelectorAll('.event').length > 1", fold))
		}
		p.become("document.querySelectorAll('#lines > li > details[open]').length === 1") // one closes another
		small(name + ", opened")
		p.fill("input[name=q]", "example")
		p.press(kb.Enter)
		p.at("/imports/[^/]+/history/search")
		p.become("document.querySelectorAll('.event').length === 100")
		small(name + ", searched")
	}
}

// tensFile has ten good rows and ten bad ones in turn, which folds into many lines.
func tensFile(t *testing.T, rows int) (path string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("E-mail;First name\n")
	for i := range rows {
		at := map[bool]string{true: "@", false: " at "}[i/10%2 == 0]
		fmt.Fprintf(&b, "tens%d%sexample.org;Zoë\n", i, at)
	}
	path = filepath.Join(t.TempDir(), "tens.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
