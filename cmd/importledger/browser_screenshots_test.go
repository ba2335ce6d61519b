package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// lookFolder makes the tests of the pages keep what they looked at:
//
//	go test ./cmd/importledger -run 'Way|Page|Everybody' -looks /some/folder
var lookFolder = flag.String("looks", "", "folder to put a picture of every page and state in that the tests look at, in both themes and widths")

var notInFileName = regexp.MustCompile("[^a-zA-Z0-9]+")

// keepLook keeps the whole of a page as it is now.
func (p *tab) keepLook(state string, l look) {
	p.t.Helper()
	if *lookFolder == "" {
		return
	}
	shot, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	p.must(err)
	p.must(os.MkdirAll(*lookFolder, 0o755))
	name := strings.Trim(notInFileName.ReplaceAllString(state, "-"), "-")
	p.must(os.WriteFile(filepath.Join(*lookFolder, fmt.Sprintf("%s-%d-%s.png", name, l.width, l.theme)), shot, 0o644))
}

var screenshots = flag.String("screenshots", "", "folder to put the README's pictures of the pages in")

// TestScreenshots makes the README's pictures:
//
//	go test ./cmd/importledger -run TestScreenshots -screenshots "$PWD/.github/screenshots"
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("pictures are made when a folder for them is named")
	}
	_, base := servePages(t, append(doorsOpen, "IMPORTLEDGER_PUBLIC_HOST=files.example.org")...)
	p := newTab(t, base)
	p.signIn()
	p.importFile(peopleFile(t, "customers-2026.csv", 8000), "Customers")
	p.open("/imports/new")
	p.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{peopleFile(t, "spring-fair.csv", 20000)}))
	p.click("form.upload button.primary")
	p.at("/imports/[^/]+/file")
	p.click("button.primary")
	p.at("/imports/[^/]+/columns")
	p.picture("columns-dark.png", look{1280, "dark"})
	p.click("button.primary")
	p.at("/imports/[^/]+/details")
	p.click("button.primary")
	p.at("/imports/[^/]+/review")
	p.click(".foot form button.primary")
	p.at("/imports/[^/]+")
	p.ended()
	p.picture("import-light.png", look{1280, "light"})

	p.open("/connectors/new")
	p.chooseSample(peopleFile(t, "web-shop.csv", 200))
	p.click("button.primary")
	p.at("/connectors/drafts/[^/]+/columns")
	p.click("button.primary")
	p.at("/connectors/drafts/[^/]+/access")
	p.fill("input[name=name]", "Web shop")
	p.fill("input[name=username]", "web-shop")
	p.click("button.primary")
	p.see("#password")
	p.picture("connector-light.png", look{1280, "light"})
}

// picture keeps what the window shows.
func (p *tab) picture(name string, as look) {
	p.t.Helper()
	p.lookAs(as)
	shot, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	p.must(err)
	p.must(os.MkdirAll(*screenshots, 0o755))
	p.must(os.WriteFile(filepath.Join(*screenshots, name), shot, 0o644))
}
