package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheExitStatusTellsHowAnImportEnded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server func(*fakeAPI)
		status int
		says   string
	}{
		"all rows imported":   {func(*fakeAPI) {}, exitDone, "contacts.csv: imported 40 of 40 rows"},
		"rows in error":       {func(f *fakeAPI) { f.inError = 2 }, exitRowsInError, "imported 38 of 40 rows, 2 in error"},
		"failed":              {func(f *fakeAPI) { f.final = "failed" }, exitFailed, "(source-changed)"},
		"canceled by another": {func(f *fakeAPI) { f.final = "canceled" }, exitCanceled, "contacts.csv: canceled"},
		"a file rule": {func(f *fakeAPI) {
			f.uploadStatus, f.refuseUpload = http.StatusUnprocessableEntity, `{"error":{"code":"header-duplicate","message":"Two columns are named \"E-mail\"."}}`
		}, exitFileRefused, `Two columns are named "E-mail".`},
		"too large": {func(f *fakeAPI) {
			f.uploadStatus, f.refuseUpload = http.StatusRequestEntityTooLarge, `{"error":{"code":"request-too-large","message":"Too much."}}`
		}, exitFileRefused, "Too much."},
		"another refusal": {func(f *fakeAPI) {
			f.uploadStatus, f.refuseUpload = http.StatusUnprocessableEntity, `{"error":{"code":"invalid-request","message":"No.","details":[{"field":"name","code":"too-long","message":"Too long."}]}}`
		}, exitFailed, "name: Too long."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeAPI(t)
			c.server(f)
			r := newCommandRun(t, f.env(), "")
			r.wants(t, c.status, "import", contactsFile(t), "--yes")
			says(t, r.stdout.String()+r.stderr.String(), c.says)
		})
	}
}

func TestASummaryNamesReasonsAndTheCommandForTheRest(t *testing.T) {
	t.Parallel()
	f := newFakeAPI(t)
	f.inError = 2
	r := newCommandRun(t, f.env(), "")
	r.wants(t, exitRowsInError, "import", contactsFile(t), "--yes", "--server", f.URL)
	r.saysOnStdout(t, "2 ×  E-mail  email-invalid  This is not an e-mail address.",
		"importledger errors "+fakeID+" --server "+f.URL, "--csv > contacts-errors.csv")
}

func TestAnImportReturnsWhenTheReadModelsHaveIt(t *testing.T) {
	t.Parallel()
	f := newFakeAPI(t)
	r := newCommandRun(t, f.env(), "")
	r.wants(t, exitDone, "import", contactsFile(t), "--yes")
	for _, call := range []string{"GET /people/imports/" + fakeID + "?after=12", "GET /people/contacts/count?after=12", "GET /people/segments?after=12"} {
		if !f.called(call) {
			t.Errorf("%s was not waited for; calls: %q", call, f.calls)
		}
	}
}

func TestTheLastLineOfJSONIsTheImport(t *testing.T) {
	t.Parallel()
	f := newFakeAPI(t)
	r := newCommandRun(t, f.env(), "E-mail\na@example.org\n")
	r.wants(t, exitDone, "import", "-", "--name", "from a pipe", "--review", "--yes", "--json")
	lines := strings.Split(strings.TrimSpace(r.stdout.String()), "\n")
	var last importObject
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.ID != fakeID || last.State != "imported" {
		t.Errorf("%v: %s", err, r.stdout.String())
	}
	if f.form["file"] != "E-mail\na@example.org\n" || f.form["name"] != "from a pipe" {
		t.Errorf("uploaded %q", f.form)
	}
}

func TestAMappingIsWhatWasNamedOrTheAmendedSuggestion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"--yes", "E-mail→email Age→age:number Notes→(skipped)"},
		{"--skip Age", "E-mail→email Age→(skipped) Notes→(skipped)"},
		{"--create age:string", "E-mail→email Age→age:string Notes→(skipped)"},
		{"--map E-mail=email", "E-mail→email Age→(skipped) Notes→(skipped)"},
		{"--map E-mail=email --map Notes=memo --create memo:string", "E-mail→email Age→(skipped) Notes→memo:string"},
		{"--events visit --property Notes --timestamp Age --yes", "E-mail→email Age→(time of the event) Notes→(property of the event)"},
		{"--events visit --map E-mail=email --property E-mail", "E-mail→email and property Age→(skipped) Notes→(skipped)"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			f := newFakeAPI(t)
			newCommandRun(t, f.env(), "").wants(t, exitDone, append([]string{"import", contactsFile(t)}, strings.Fields(c.args)...)...)
			if got := f.mapped(t); got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestContradictionsAreWrongUsageBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"", "--map E-mail", "--map E-mail= --yes", "--create age:date --yes", "--property Notes --yes", "--skip Age --map Age=age",
		"--map E-mail=email --create age:number", "--separator | --yes", "--events visit --property Age --timestamp Age --yes",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			f := newFakeAPI(t)
			r := newCommandRun(t, f.env(), "")
			r.wants(t, exitUsage, append([]string{"import", contactsFile(t)}, strings.Fields(args)...)...)
			r.saysOnStderr(t, "importledger import --help")
			if len(f.calls) > 0 {
				t.Errorf("the server was asked %q", f.calls)
			}
		})
	}
}

func TestWhatTheFileCannotDoIsWrongUsageAndLeavesNothingPrepared(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--map Mail=email":                  `--map "Mail"; it has "E-mail", "Age", "Notes"`,
		"--skip Nothing":                    `--skip "Nothing"`,
		"--skip E-mail":                     "no column is mapped to email",
		"--create shoe:number --yes":        "--map 'Header=shoe'",
		"--map Age=age":                     "no column is mapped to email",
		"--events x --timestamp When --yes": `--timestamp "When"`,
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			f := newFakeAPI(t)
			r := newCommandRun(t, f.env(), "")
			r.wants(t, exitUsage, append([]string{"import", contactsFile(t)}, strings.Fields(args)...)...)
			r.saysOnStderr(t, want)
			if f.state != "canceled" || f.mapping != nil {
				t.Errorf("the prepared import is %s, mapping %s", f.state, f.mapping)
			}
		})
	}
}

func TestFilesThatCannotBeReadAreSaidAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for path, want := range map[string]string{filepath.Join(dir, "no.csv"): "there is no file", dir: "is a directory"} {
		f := newFakeAPI(t)
		r := newCommandRun(t, f.env(), "")
		r.wants(t, exitFailed, "import", path, "--yes")
		r.saysOnStderr(t, want)
		if len(f.calls) > 0 {
			t.Errorf("the server was asked %q", f.calls)
		}
	}
}

func TestAReviewImportsNothing(t *testing.T) {
	t.Parallel()
	for inError, status := range map[int]int{0: exitDone, 2: exitRowsInError} {
		f := newFakeAPI(t)
		f.inError = inError
		r := newCommandRun(t, f.env(), "")
		r.wants(t, status, "import", contactsFile(t), "--review")
		r.saysOnStdout(t, "of 40 rows can be imported", "Nothing was imported")
		if f.state != "canceled" || f.mapping != nil {
			t.Errorf("the import is %s, mapping %s", f.state, f.mapping)
		}
	}
}

func TestOnATerminalTheMappingIsShownAndAskedAbout(t *testing.T) {
	t.Parallel()
	for answer, c := range map[string]struct {
		status int
		state  string
	}{"y\n": {exitDone, "imported"}, "what?\nYES\n": {exitDone, "imported"}, "n\n": {exitCanceled, "canceled"}, "": {exitCanceled, "canceled"}} {
		f := newFakeAPI(t)
		r := newCommandRun(t, f.env(), answer)
		r.term.asks = true
		r.wants(t, c.status, "import", contactsFile(t))
		r.saysOnStderr(t, "COLUMN", "Age", "new, number", "Import 40 rows like this? [y/n]")
		if f.state != c.state {
			t.Errorf("answer %q: the import is %s, want %s", answer, f.state, c.state)
		}
	}
}

func TestAnInterruptCancelsTheImport(t *testing.T) {
	t.Parallel()
	f := newFakeAPI(t)
	f.final = ""
	r := newCommandRun(t, f.env(), "")
	ctx, interrupt := context.WithCancel(t.Context())
	f.onCall = func(call string) {
		if call == "GET /people/imports/"+fakeID {
			interrupt()
		}
	}
	if status := r.execute(ctx, []string{"import", contactsFile(t), "--yes"}); status != exitCanceled || f.state != "canceled" {
		t.Errorf("exit status %d, the import is %s\n%s", status, f.state, r.stderr.String())
	}
	r.saysOnStderr(t, "Ctrl-C again leaves")
	r.saysOnStdout(t, "contacts.csv: canceled")
}

func TestAnInterruptWhileUploadingImportsNothing(t *testing.T) {
	t.Parallel()
	f := newFakeAPI(t)
	r := newCommandRun(t, f.env(), "")
	ctx, interrupt := context.WithCancel(t.Context())
	f.onCall = func(call string) {
		if call == "POST /people/imports" {
			interrupt()
		}
	}
	pipe, stop, err := os.Pipe() // standard input that never ends
	if err != nil {
		t.Fatal(err)
	}
	defer stop.Close()
	r.term.in = pipe
	if status := r.execute(ctx, []string{"import", "-", "--yes"}); status != exitCanceled {
		t.Errorf("exit status %d\n%s", status, r.stderr.String())
	}
	r.saysOnStderr(t, "nothing was imported")
}

func TestASecondInterruptLeavesTheImportAlone(t *testing.T) {
	t.Parallel()
	f := newFakeAPI(t)
	f.final = ""
	r := newCommandRun(t, f.env(), "")
	leave, interruptAgain := context.WithCancel(t.Context())
	r.leave = leave
	ctx, interrupt := context.WithCancel(t.Context())
	f.onCall = func(call string) {
		switch call {
		case "GET /people/imports/" + fakeID:
			interrupt()
		case "POST /people/imports/" + fakeID + "/cancel":
			interruptAgain()
			<-t.Context().Done() // the server takes its time
		}
	}
	if status := r.execute(ctx, []string{"import", contactsFile(t), "--yes"}); status != exitFailed {
		t.Errorf("exit status %d", status)
	}
	r.saysOnStderr(t, "left; the import was not canceled")
	f.CloseClientConnections()
}
