package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"importledger/adapters/postgres/pgtest"
)

// TestAPageOfARunningImportSurvivesARestart watches an import without ever loading
// its page again, while the server is killed and comes back at the same address.
func TestAPageOfARunningImportSurvivesARestart(t *testing.T) {
	t.Parallel()
	chromium(t)
	env := []string{"IMPORTLEDGER_DATABASE_URL=" + pgtest.URL(t), "IMPORTLEDGER_ADMIN_PASSWORD=" + adminPassword, "IMPORTLEDGER_MAX_ROWS=200000"}
	data := t.TempDir()
	serve := func(listen string) (*process, string) {
		p := startProcess(t, env, "serve", "--listen", listen, "--ops-listen", "127.0.0.1:0", "--data", data)
		at, ok := p.address()
		if !ok {
			t.Fatal(p.output())
		}
		return p, at
	}
	server, base := serve("127.0.0.1:0")
	p := newTab(t, base)
	p.signIn()
	p.open("/imports/new")
	p.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{peopleFile(t, "long.csv", 150_000)}))
	p.click("form.upload button.primary")
	for _, step := range []string{"file", "columns", "details"} {
		p.at("/imports/[^/]+/" + step)
		p.click("button.primary")
	}
	p.at("/imports/[^/]+/review")
	p.click(".foot form button.primary")
	p.at("/imports/[^/]+")
	evaluate[any](p, "window.loadedOnce = true; null")
	p.become("document.querySelector('.outcome > progress')?.value > 0")
	server.kill()
	if text := evaluate[string](p, "document.querySelector('.standing').innerText"); !strings.Contains(text, "Importing") {
		t.Fatalf("the import was over before the server was killed: %s", text)
	}
	_, again := serve(strings.TrimPrefix(base, "http://"))
	if again != base {
		t.Fatalf("the server came back at %s, not at %s", again, base)
	}
	p.ended()
	if text := evaluate[string](p, "document.querySelector('.sum').innerText"); !strings.Contains(text, "148,500") {
		t.Errorf("at the end the page says %s", text)
	}
	if !evaluate[bool](p, "window.loadedOnce === true") {
		t.Error("the page was loaded again")
	}
}
