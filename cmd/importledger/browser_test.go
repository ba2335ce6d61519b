package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"importledger/adapters/postgres/pgtest"
)

// browserNeeded, when set, makes a machine without a browser a failure: what checks
// a change must not pass by having skipped the pages.
const browserNeeded = "IMPORTLEDGER_TEST_BROWSER"

// chromium is the browser's program.
func chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv(browserNeeded) != "" {
		t.Fatal("there is no Chromium: apt-get install chromium")
	}
	t.Skip("there is no Chromium to look at the pages with")
	return ""
}

// tab is a page that somebody looks at. With the test it fails for whatever the
// browser complains about, and for a request to any other host.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu       sync.Mutex
	problems []string
}

// patience is how long a page may take for anything, on a machine that is busy.
const patience = 90 * time.Second

func newTab(t *testing.T, base string) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1280, 860))
	allocated, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	ctx, cancelTab := chromedp.NewContext(allocated)
	p := &tab{t: t, ctx: ctx, base: base}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("the browser ended with %v", err)
		}
		cancelTab()
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, problem := range p.problems {
			t.Error(problem)
		}
	})
	p.must(chromedp.Listen(ctx, p.hear))
	for _, enable := range []cdp.Command[cdp.Empty, cdp.Empty]{log.Enable} {
		_, err := chromedp.Call(ctx, enable, cdp.Empty{})
		p.must(err)
	}
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	p.must(err)
	return p
}

// hear notes what must not happen on any page.
func (p *tab) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.note("exception: %s %s", e.ExceptionDetails.Text, e.ExceptionDetails.URL)
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" && e.Entry.Source != "network" { // statuses such as 422 are answers
			p.note("the browser says: %s %s", e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if to, err := url.Parse(e.Request.URL); err == nil && to.Host != "" && !strings.HasPrefix(e.Request.URL, p.base+"/") {
			p.note("a page asks another host: %s", e.Request.URL)
		}
	}
}

func (p *tab) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

func (p *tab) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// do runs steps, within a patience.
func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%v\n%s", err, p.page())
	}
}

// page is what the page says now, for a failure's report.
func (p *tab) page() string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.pathname + '\\n' + document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return text
}

func (p *tab) open(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.base + path))
}

func (p *tab) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

// clickThrough clicks on what leads to the same address again, and waits for the page
// that comes then.
func (p *tab) clickThrough(selector string) {
	p.t.Helper()
	evaluate[any](p, "window.before = true; null")
	p.click(selector)
	p.become("!window.before && document.readyState === 'complete'")
}

// fill replaces what a field holds.
func (p *tab) fill(selector, text string) {
	p.t.Helper()
	p.see(selector)
	evaluate[any](p, fmt.Sprintf("document.querySelector(%q).select()", selector))
	p.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// choose picks an option of a list, as somebody does who uses the mouse.
func (p *tab) choose(selector, value string) {
	p.t.Helper()
	p.see(selector)
	evaluate[any](p, fmt.Sprintf("{ const s = document.querySelector(%q); s.value = %q; s.dispatchEvent(new Event('change', {bubbles: true})); null }", selector, value))
}

// see waits until something is on the page.
func (p *tab) see(selector string) {
	p.t.Helper()
	p.do(chromedp.WaitVisible(chromedp.CSS(selector)))
}

// become waits until an expression is true, whatever page comes in between.
func (p *tab) become(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	var last error
	for {
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if err == nil && is {
			return
		}
		if err != nil && ctx.Err() == nil {
			last = err // of a page that is just going
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			p.t.Fatalf("%s: not so, in time (%v)\n%s", expression, last, p.page())
		}
	}
}

// at waits until the browser is on a path that matches a pattern of JavaScript.
func (p *tab) at(pattern string) {
	p.t.Helper()
	p.become(fmt.Sprintf("document.readyState === 'complete' && new RegExp(%q).test(location.pathname)", "^"+pattern+"$"))
}

func (p *tab) path() string {
	p.t.Helper()
	return evaluate[string](p, "location.pathname")
}

func evaluate[T any](p *tab, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// press sends keys to whatever has the focus.
func (p *tab) press(keys ...string) {
	p.t.Helper()
	for _, k := range keys {
		p.do(chromedp.KeyEvent(k))
	}
}

// tabTo moves the focus by the keyboard alone until it is where it should be.
func (p *tab) tabTo(selector string) {
	p.t.Helper()
	for range 120 {
		if evaluate[bool](p, fmt.Sprintf("document.activeElement?.matches(%q) === true", selector)) {
			return
		}
		p.press(kb.Tab)
	}
	p.t.Fatalf("the keyboard does not reach %s\n%s", selector, p.page())
}

// look is how somebody looks at a page.
type look struct {
	width int64
	theme string
}

var looks = []look{{1280, "light"}, {1280, "dark"}, {360, "light"}, {360, "dark"}}

func (p *tab) lookAs(l look) {
	p.t.Helper()
	height := int64(860)
	if l.width < 600 {
		height = 740
	}
	_, err := chromedp.Call(p.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: l.width, Height: height, DeviceScaleFactor: 1})
	p.must(err)
	_, err = chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: l.theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	p.must(err)
}

const adminPassword = "a long password of the tests"

// servePages starts the program with a database of its own and gives its address.
func servePages(t *testing.T, settings ...string) (*process, string) {
	t.Helper()
	chromium(t)
	env := append([]string{"IMPORTLEDGER_DATABASE_URL=" + pgtest.URL(t), "IMPORTLEDGER_ADMIN_PASSWORD=" + adminPassword}, settings...)
	p := startProcess(t, env, "serve", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--data", t.TempDir())
	at, ok := p.address()
	if !ok {
		t.Fatal(p.output())
	}
	return p, at
}

// signIn is the first thing that anybody does.
func (p *tab) signIn() {
	p.t.Helper()
	p.open("/sign-in")
	p.fill("input[name=name]", "admin")
	p.fill("input[name=password]", adminPassword)
	p.click("form button.primary")
	p.at("/imports")
}
