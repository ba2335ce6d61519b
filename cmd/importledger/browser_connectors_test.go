package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// doorsOpen are the settings of a server that takes files by both protocols.
var doorsOpen = []string{"IMPORTLEDGER_SFTP_LISTEN=127.0.0.1:0", "IMPORTLEDGER_FTPS_LISTEN=127.0.0.1:0"}

// TestAConnectorIsMadeInABrowserAndTakesFiles goes the whole way: from the sample to
// files that a client sends by what the pages say.
func TestAConnectorIsMadeInABrowserAndTakesFiles(t *testing.T) {
	t.Parallel()
	_, base := servePages(t, doorsOpen...)
	p := newTab(t, base)
	p.signIn()
	p.press("g", "k")
	p.at("/connectors")
	p.accessible("no connectors yet")
	p.press("n")
	p.at("/connectors/new")
	p.accessible("a new connector, its sample")

	broken := filepath.Join(t.TempDir(), "broken.csv")
	p.must(os.WriteFile(broken, []byte("a;a\n1;2\n"), 0o600))
	p.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{broken}))
	p.click("form.upload button.primary")
	p.see("#upload-problem .callout.bad")
	p.accessible("a sample that breaks a rule")

	p.chooseSample(peopleFile(t, "daily.csv", 50))
	p.accessible("the sample")
	p.choose("select[name=separator]", ",")
	p.become("document.querySelectorAll('.raw thead th').length === 2") // one column then
	p.choose("select[name=separator]", ";")
	p.become("document.querySelectorAll('.raw thead th').length === 5")
	p.click("button.primary")

	p.at("/connectors/drafts/[^/]+/columns")
	p.become("document.querySelector('#why-0').textContent.includes('Suggested')")
	p.accessible("a connector's columns")
	p.choose("#column-0 select", "skip")
	p.become("document.querySelector('#problems').textContent.includes('email')")
	p.choose("#column-0 select", "a:email")
	p.click("input[value=new]")
	p.click("button.primary")
	p.see("#wrong-segment-name")
	p.accessible("a connector's columns, the segment without a name")
	p.fill("input[name=segment-name]", "Daily")
	p.click("button.primary")

	p.at("/connectors/drafts/[^/]+/access")
	p.accessible("who signs in to a connector")
	p.fill("input[name=name]", "Web shop")
	p.become("/web-shop-[a-z0-9]{6}/.test(document.querySelector('#username-hint').textContent)")
	p.click("input[name=password]")
	p.click("button.primary")
	p.become("document.querySelector('#wrong-password').textContent.includes('public key')")
	p.fill("textarea[name=keys]", "ssh-rsa nonsense")
	p.click("button.primary")
	p.become("document.querySelector('#wrong-keys').textContent.includes('Key 1')")
	p.accessible("who signs in to a connector, with a key that is none")

	// Back loses nothing.
	p.click("button[value=back]")
	p.at("/connectors/drafts/[^/]+/columns")
	if got := evaluate[string](p, "document.querySelector('input[name=segment-name]').value"); got != "Daily" {
		t.Errorf("the segment is %q", got)
	}
	p.click(".steps li:first-child button")
	p.at("/connectors/drafts/[^/]+/file")
	p.click("main .after a")
	p.at("/connectors/new")
	p.accessible("another sample in the place of one")
	p.chooseSample(peopleFile(t, "other.csv", 20))
	p.click("button.primary")
	p.at("/connectors/drafts/[^/]+/columns")
	p.click("button.primary")
	p.at("/connectors/drafts/[^/]+/access")
	if got := evaluate[string](p, "document.querySelector('input[name=name]').value"); got != "Web shop" {
		t.Errorf("after another sample the name is %q", got)
	}
	evaluate[any](p, "document.querySelector('textarea[name=keys]').value = ''; null")
	p.click("input[name=password]")
	p.click("button.primary")

	p.see("#password")
	p.accessible("a connector that is made, with its password")
	made := p.facts()
	if len(made.Password) < 20 || !strings.HasPrefix(made.Username, "web-shop-") {
		t.Errorf("made: %+v", made)
	}
	if got := p.text("#command-sftp"); got != fmt.Sprintf("sftp -P %d %s@%s", *made.Port, made.Username, *made.Host) {
		t.Errorf("the command is %s", got)
	}
	evaluate[any](p, "location.reload(); null") // the button, pressed once more
	p.at("/connectors/[^/]+")
	if p.text("#password") != "" {
		t.Error("the password is shown again")
	}
	one := p.path()
	p.open("/imports")
	p.see(".empty") // the samples are no imports

	p.open(one)
	files := t.TempDir()
	wrong := filepath.Join(files, "wrong.csv")
	p.must(os.WriteFile(wrong, []byte("E-mail;First name;Points;Town\na@example.org;A;1;B\n"), 0o600))
	p.bySFTP(made, files, "put "+peopleFile(t, "monday.csv", 300), "put "+wrong)
	p.become("document.querySelectorAll('.files tbody tr').length === 2 && !document.querySelector('.files .status-importing')") // without loading the page again
	if text := p.text(".files"); !strings.Contains(text, "monday.csv") || !strings.Contains(text, "header-mismatch") || !strings.Contains(text, `missing: "Customer number"; not expected: "Town"`) {
		t.Errorf("the files are %s", text)
	}
	p.become("document.querySelector('.activity').textContent.includes('Signed in')")
	p.accessible("a connector that has taken files")
	p.open("/connectors")
	if text := p.text(".connectors tbody"); !strings.Contains(text, "Web shop") || !strings.Contains(text, "Enabled") {
		t.Errorf("the list says %s", text)
	}
	p.accessible("connectors")
	for _, path := range []string{one + "/files", one + "/activity"} {
		p.open(path)
		p.accessible("a connector" + strings.TrimPrefix(path, one))
	}
	p.open(one + "/files")
	evaluate[any](p, "[...document.querySelectorAll('.files a')].find((a) => a.textContent === 'monday.csv').click(); null")
	p.at("/imports/[^/]+")
	if text := p.text("main"); !strings.Contains(text, "connector Web shop") {
		t.Errorf("the import says %s", text)
	}
	p.accessible("an import of a connector")
	p.open("/imports")
	p.see(".imports td.type a[href='" + one + "']")
	p.accessible("imports of a connector")
	p.changeConnector(one, made)
}

// changeConnector does what can be done to a connector that there is.
func (p *tab) changeConnector(one string, made connectorObject) {
	p.t.Helper()
	p.open(one)
	p.click(".title form button")
	p.become("document.querySelector('[role=status]')?.innerText.includes('disabled')")
	p.accessible("a connector that is disabled")
	p.click(".title form button")
	p.become("document.querySelector('[role=status]')?.innerText.includes('can sign in again')")

	p.click("a[href$='/change']")
	p.at("/connectors/[^/]+/change")
	p.accessible("a connector is changed")
	p.fill("input[name=username]", "x")
	p.click("form button.primary")
	p.become("document.querySelector('#wrong-username').textContent.includes('3 to 32')")
	p.fill("input[name=username]", "shop")
	p.click("form button.primary")
	p.at(one)
	if got := p.text("#username"); got != "shop" {
		p.t.Errorf("the username is %s", got)
	}
	p.click("a[href$='/template']")
	p.at("/connectors/[^/]+/template")
	p.accessible("another template, its sample")
	with := filepath.Join(p.t.TempDir(), "with-town.csv")
	p.must(os.WriteFile(with, []byte("E-mail;First name;Points;Town\na@example.org;A;1;B\n"), 0o600))
	p.chooseSample(with)
	p.accessible("another template, the file")
	p.click("button.primary")
	p.at("/connectors/drafts/[^/]+/columns")
	if got := evaluate[string](p, "document.querySelector('select[name=segment-id]')?.selectedOptions[0]?.textContent ?? ''"); !strings.HasPrefix(got, "Daily") {
		p.t.Errorf("the segment of the template before is not taken over: %q", got)
	}
	p.accessible("another template, its columns")
	p.click("button.primary")
	p.at(one)
	if text := p.text("main"); !strings.Contains(text, "Town") {
		p.t.Errorf("the template says %s", text)
	}

	p.click(".confirm summary")
	p.accessible("a new password is asked for")
	p.click(".confirm[open] form button")
	p.see("#password")
	now := p.facts()
	if now.Password == made.Password || now.Username != "shop" {
		p.t.Errorf("the password is %+v", now)
	}
	files := p.t.TempDir()
	town := filepath.Join(files, "town.csv")
	p.must(os.WriteFile(town, []byte("E-mail;First name;Points;Town\na@example.org;A;1;B\n"), 0o600))
	p.bySFTP(now, files, "put "+town)
	p.become("document.querySelector('.files tbody tr:first-child .status-imported')?.closest('tr').textContent.includes('town.csv')")

	p.click(".confirm:last-of-type summary")
	p.accessible("a connector's removal is asked about")
	p.click(".confirm[open] form button")
	p.at("/connectors")
	p.see(".empty")
	p.accessible("the last connector is removed")
}

// TestAConnectorIsMadeByKeyboardAlone touches nothing but keys, but for the system's
// own window in which a file is chosen.
func TestAConnectorIsMadeByKeyboardAlone(t *testing.T) {
	t.Parallel()
	_, base := servePages(t, doorsOpen...)
	p := newTab(t, base)
	p.open("/sign-in")
	p.tabTo("input[name=name]")
	p.press("admin", kb.Tab, adminPassword, kb.Enter)
	p.at("/imports")
	p.press("g", "k")
	p.at("/connectors")
	p.press("n")
	p.at("/connectors/new")
	p.tabTo("input[type=file]")
	p.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{peopleFile(t, "keys.csv", 30)}))
	p.tabTo("form.upload button.primary")
	p.press(kb.Enter)
	p.at("/connectors/drafts/[^/]+/file")
	p.tabTo("button.primary")
	p.press(kb.Enter)
	p.at("/connectors/drafts/[^/]+/columns")
	p.tabTo("#column-3 select")
	p.press(kb.Home) // skip
	p.tabTo("button.primary")
	p.press(kb.Enter)
	p.at("/connectors/drafts/[^/]+/access")
	p.tabTo("input[name=name]")
	p.press(kb.Home, "Shop ")
	p.tabTo("input[name=protocol]")
	p.press(kb.ArrowDown)
	p.tabTo("button.primary")
	p.press(kb.Enter)
	p.see("#password")
	if name := p.text("h1"); name != "Shop keys" {
		t.Errorf("it is called %s", name)
	}
	if text := p.text("main"); !strings.Contains(text, "Self-signed") || !strings.Contains(p.text("#command-curl"), "--ssl-reqd --cacert importledger-ftps.pem --user shop-keys-") {
		t.Errorf("FTPS is told so: %s", text)
	}
	p.accessible("a connector for FTPS")
	p.byCurl()
}

func TestAConnectorIsMadeWithoutJavaScript(t *testing.T) {
	t.Parallel()
	_, base := servePages(t)
	p := newTab(t, base)
	_, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	p.must(err)
	p.signIn()
	p.open("/connectors")
	if text := p.text("main"); !strings.Contains(text, "IMPORTLEDGER_SFTP_LISTEN") || !strings.Contains(text, "IMPORTLEDGER_FTPS_LISTEN") {
		t.Errorf("nothing says how a door is opened: %s", text)
	}
	p.click(".empty a.primary")
	p.at("/connectors/new")
	p.chooseSample(peopleFile(t, "plain.csv", 50))
	p.clickThrough("button[value=stay]")
	p.click("button.primary")
	p.at("/connectors/drafts/[^/]+/columns")
	p.click("button.primary")
	p.at("/connectors/drafts/[^/]+/access")
	evaluate[any](p, "{ const name = document.querySelector('input[name=name]'); name.required = false; name.value = ''; null }")
	p.click("button.primary")
	p.become("document.querySelector('#wrong-name').textContent.includes('Give the connector a name')")
	p.fill("input[name=name]", "Plain")
	p.click("button.primary")
	p.see("#password")
	if text := p.text("main"); !strings.Contains(text, "not open on this server") {
		t.Errorf("nothing says that the door is shut: %s", text)
	}
	p.click("main .crumb a")
	p.at("/connectors")
	p.click(".connectors a")
	p.at("/connectors/[^/]+")
	p.click(".confirm:last-of-type summary")
	p.click(".confirm[open] form button")
	p.at("/connectors")

	p.open("/connectors/new")
	p.click("input[name=events]")
	p.chooseSample(peopleFile(t, "given-up.csv", 5))
	p.click("button.primary")
	p.at("/connectors/drafts/[^/]+/columns")
	p.clickThrough("button.primary")
	p.become("document.querySelector('#problems').textContent.includes('event')") // what are they called?
	p.fill("input[name=event]", "order.placed")
	p.click("button.primary")
	p.at("/connectors/drafts/[^/]+/access")
	p.click(".foot form button")
	p.at("/connectors")
	p.become("document.querySelector('[role=status]').innerText.includes('No connector was made')")
}

// TestHostileConnectorsAreTextAndKeepTheLayout has a connector, columns, files and
// reasons as somebody would choose them who means harm.
func TestHostileConnectorsAreTextAndKeepTheLayout(t *testing.T) {
	t.Parallel()
	_, base := servePages(t, doorsOpen...)
	p := newTab(t, base)
	p.signIn()
	header := []string{"email"}
	for _, h := range hostile {
		header = append(header, `"`+strings.ReplaceAll(h, `"`, `""`)+`"`)
	}
	cells := strings.Repeat(`,"<b>bad</b>"`, len(hostile))
	sample := filepath.Join(t.TempDir(), "<img src=x onerror=alert(1)> \u202e "+strings.Repeat("long", 40)+".csv")
	p.must(os.WriteFile(sample, []byte(strings.Join(header, ",")+"\na@example.org"+cells+"\n"), 0o600))
	p.open("/connectors/new")
	p.chooseSample(sample)
	p.harmless("the sample")
	p.click("button.primary")
	p.at("/connectors/drafts/[^/]+/columns")
	p.fill("input[name=segment-name]", hostile[0])
	p.click("input[value=new]")
	p.harmless("a connector's columns")
	p.click("button.primary")
	p.at("/connectors/drafts/[^/]+/access")
	p.harmless("who signs in")
	p.fill("input[name=name]", hostile[1]+strings.Repeat("wide", 10))
	p.fill("textarea[name=keys]", hostile[0])
	p.click("button.primary")
	p.see("#wrong-keys")
	p.harmless("a key that is none")
	evaluate[any](p, "document.querySelector('textarea[name=keys]').value = ''; null")
	p.click("button.primary")
	p.see("#password")
	p.harmless("a connector that is made")

	made := p.facts()
	one := evaluate[string](p, "document.querySelector('a[href$=\"/change\"]').getAttribute('href').replace('/change', '')")
	drops := made.dropper(t)
	drop(t, drops, hostile[1]+strings.Repeat("x", 150)+".csv", strings.Join(header, ",")+"\na@example.org"+cells+"\n")
	drop(t, drops, "<b>drifted<b>.csv", "email,<b>other</b>,"+strings.Repeat("z", 300)+"\na@example.org,1,2\n")
	p.open(one)
	p.become("document.querySelectorAll('.files tbody tr').length === 2 && !document.querySelector('.files .status-importing')")
	for _, path := range []string{one, "/connectors", one + "/files", one + "/activity", one + "/change", one + "/template", "/imports"} {
		p.open(path)
		p.harmless(path)
	}
	evaluate[any](p, "document.querySelector('.imports .name a').click(); null")
	p.at("/imports/[^/]+")
	p.harmless("an import of a hostile connector")
}
