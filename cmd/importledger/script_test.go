package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"importledger/adapters/postgres/pgtest"
)

// TestScripts runs the program as people do: testdata/script has a file for each
// behaviour, with what is typed and what must be seen.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		WorkdirRoot:         pgtest.Dir(t), // where the user that Postgres runs under gets to
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Values[testKey{}] = env.T()
			env.Vars = append(env.Vars, "TZ=UTC", "IMPORTLEDGER_DATA=data",
				// The same contact ids at every run.
				"IMPORTLEDGER_SECRET_KEY="+base64.StdEncoding.EncodeToString(make([]byte, secretKeyBytes)))
			for _, name := range []string{"IMPORTLEDGER_POSTGRES_BIN", "TMPDIR"} {
				if value := os.Getenv(name); value != "" {
					env.Vars = append(env.Vars, name+"="+value)
				}
			}
			sample, err := os.ReadFile(filepath.Join("testdata", "contacts.csv"))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(env.WorkDir, "contacts.csv"), sample, 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "serve": serveScript, "node": nodeScript, "postgres": postgresScript, "taken": takenScript,
			"id": idScript, "shows": shows,
		},
	})
}

type testKey struct{}

// tb is the test that a script is.
func tb(ts *testscript.TestScript) testing.TB { return ts.Value(testKey{}).(testing.TB) }

// exits STATUS COMMAND… runs a command that must end with this status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil {
		ts.Fatalf("usage: exits STATUS COMMAND…")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// scriptEnv is a script's environment as far as it is ours.
func scriptEnv(ts *testscript.TestScript, names ...string) (env []string) {
	for _, name := range append(names, "IMPORTLEDGER_SECRET_KEY", "TZ") {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// serve DIR [FLAG…] runs a server on a data directory until the script has ended.
func serveScript(ts *testscript.TestScript, _ bool, args []string) {
	p := startProcess(tb(ts), scriptEnv(ts, "IMPORTLEDGER_EVENTSTORE_URL", "IMPORTLEDGER_DATABASE_URL"),
		append([]string{"serve", "--data", ts.MkAbs(args[0]), "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"}, args[1:]...)...)
	at, ok := p.address()
	if !ok {
		ts.Fatalf("%s", p.output())
	}
	ts.Setenv("SERVED", at)
}

// node DIR VARIABLE runs an event store until the script has ended.
func nodeScript(ts *testscript.TestScript, _ bool, args []string) {
	p := startProcess(tb(ts), nil, "node", "--data", ts.MkAbs(args[0]), "--listen", "127.0.0.1:0")
	at, ok := p.address()
	if !ok {
		ts.Fatalf("%s", p.output())
	}
	ts.Setenv(args[1], at)
}

// postgres VARIABLE gives a database that importledger has not started.
func postgresScript(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], pgtest.URL(tb(ts)))
}

// taken VARIABLE gives an address that somebody listens on.
func takenScript(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { ts.Check(listener.Close()) })
	ts.Setenv(args[0], listener.Addr().String())
}

// id VARIABLE gives the id of the import, or the newest of the imports, that the last
// command printed as JSON.
func idScript(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
	last := []byte(lines[len(lines)-1])
	var one struct{ ID string }
	if err := json.Unmarshal(last, &one); err != nil {
		var all []struct{ ID string }
		ts.Check(json.Unmarshal(last, &all))
		one = all[0]
	}
	ts.Setenv(args[0], one.ID)
}

// What differs from run to run is shown in a form that is always the same, and as
// wide, so that columns stay where they are.
var differs = []struct {
	pattern *regexp.Regexp
	shown   string
}{
	{regexp.MustCompile(`\b01[0-9A-HJKMNP-TV-Z]{24}\b`), "01JD8Z0Q4T9M3W5X7Y9A1B2C3D"},
	{regexp.MustCompile(`\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\b`), "2026-11-24 10:00:00"},
	{regexp.MustCompile(`· [0-9.]+ m?s\b`), "· 0.1 s"},
	{regexp.MustCompile(`\bcurrent +[0-9,]+\b`), "current         0"}, // events/s of the last seconds
}

// shows stdout|stderr FILE compares all that the last command said with a file.
func shows(ts *testscript.TestScript, _ bool, args []string) {
	got, want := ts.ReadFile(args[0]), ts.ReadFile(args[1])
	for _, d := range differs {
		got = d.pattern.ReplaceAllString(got, d.shown)
	}
	got = strings.ReplaceAll(got, ts.Getenv("WORK"), "$WORK")
	got = strings.ReplaceAll(got, "\r\n", "\n") // as CSV's lines end
	if got != want {
		ts.Fatalf("%s is not as in %s:\n%s", args[0], args[1], got)
	}
}
