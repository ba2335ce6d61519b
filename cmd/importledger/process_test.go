package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"importledger/adapters/postgres/pgtest"
)

// TestMain makes this binary the program as well: tests run it as processes of
// their own, which can be killed. They wait for these and for browsers more than they
// work, so more of them run at once than there are cores.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	testscript.Main(pgtest.M{M: m}, map[string]func(){"importledger": main})
}

const (
	testClient = "test"
	testSecret = "secret-of-the-tests"
)

// process is an importledger that runs beside the test.
type process struct {
	t       testing.TB
	command *exec.Cmd
	said    chan string   // the line that tells how it is reached; closed when there will be none
	exited  chan struct{} // closed when it has ended
	status  error         // of its end; read after exited

	mu  sync.Mutex
	all bytes.Buffer // what it said
}

// startProcess runs the program. It is ended with the test, whatever became of it.
func startProcess(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	return startProcessOn(t, func(*exec.Cmd) {}, env, args...)
}

// startProcessOn runs it where place says.
func startProcessOn(t testing.TB, place func(*exec.Cmd), env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, command: exec.Command("importledger", args...), said: make(chan string, 1), exited: make(chan struct{})}
	p.command.Env = append(cleanEnv(), env...)
	stderr, err := p.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	place(p.command)
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		p.listen(stderr)
		p.status = p.command.Wait()
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("importledger %s said:\n%s", strings.Join(args, " "), p.output())
		}
	})
	return p
}

// cleanEnv is the environment without settings of whoever runs the tests.
func cleanEnv() []string {
	env := []string{"IMPORTLEDGER_CLIENT_ID=" + testClient, "IMPORTLEDGER_CLIENT_SECRET=" + testSecret}
	for _, line := range os.Environ() {
		if !strings.HasPrefix(line, envPrefix) || strings.HasPrefix(line, "IMPORTLEDGER_POSTGRES_BIN=") {
			env = append(env, line)
		}
	}
	return env
}

// Lines that tell how a process is reached begin with these.
const (
	serveLine = "importledger serves "
	nodeLine  = "IMPORTLEDGER_EVENTSTORE_URL="
)

func (p *process) listen(stderr io.Reader) {
	defer close(p.said)
	told := false
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		line := lines.Text()
		p.mu.Lock()
		p.all.WriteString(line + "\n")
		p.mu.Unlock()
		for _, begin := range []string{serveLine, nodeLine} {
			if address, ok := strings.CutPrefix(line, begin); ok && !told {
				told = true
				p.said <- strings.Trim(strings.Fields(address)[0], "'")
			}
		}
	}
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all.String()
}

// address is how the process is reached, once it is; false when it ended before.
func (p *process) address() (string, bool) {
	at, ok := <-p.said
	return at, ok
}

// serving is a client of a serve that must come up.
func (p *process) serving() *client {
	p.t.Helper()
	c, err := p.client()
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// client is a client of a serve, when it has come up. It does not try again: what
// fails is for the test to know.
func (p *process) client() (*client, error) {
	at, ok := p.address()
	if !ok {
		return nil, errors.New("the process ended before it served: " + p.output())
	}
	c := newClient(at, testClient, testSecret)
	c.patience = 0
	p.t.Cleanup(c.close)
	return c, nil
}

// kill ends the process as nothing else does: it learns nothing of it.
func (p *process) kill() {
	p.signal(os.Kill)
	<-p.exited
}

// signal is for processes that run; one that has just ended by itself is noticed by
// whoever waits for what it should have done.
func (p *process) signal(s os.Signal) {
	if err := p.command.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
}

// stop asks the process to end, as a service manager does, and kills one that does
// not.
func (p *process) stop() {
	select {
	case <-p.exited:
		return
	default:
	}
	p.signal(os.Interrupt)
	select {
	case <-p.exited:
		if p.status != nil {
			p.t.Errorf("it did not end well: %v", p.status)
		}
	case <-time.After(time.Minute):
		p.t.Error("it does not end")
		p.kill()
	}
}

// send uploads a file that is imported at once. The key makes a repetition the same
// import.
func (f contactsOf) send(ctx context.Context, c *client, key string) (i importObject, err error) {
	mapping, err := json.Marshal(f.mapping())
	if err != nil {
		return i, err
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := writeForm(form, map[string]string{"mapping": string(mapping)}, f.name(), strings.NewReader(f.text())); err != nil {
		return i, err
	}
	_, err = c.read(ctx, call{
		method: http.MethodPost, path: "/people/imports",
		header: http.Header{"Content-Type": {form.FormDataContentType()}, "Idempotency-Key": {key}},
		body:   func() (io.Reader, error) { return bytes.NewReader(body.Bytes()), nil },
	}, &i)
	return i, err
}

// follow calls see with an import on each change, until it has ended or see says
// so; io.ErrUnexpectedEOF when the server went before.
func (c *client) follow(ctx context.Context, id string, see func(importObject) (enough bool)) (err error) {
	response, err := c.do(ctx, call{method: http.MethodGet, path: importPath(id, "/progress"), accept: "text/event-stream", repeat: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var i importObject
		if err := json.Unmarshal([]byte(data), &i); err != nil {
			return err
		}
		if see(i) || i.State.Final() {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

// toTheEnd waits until an import has ended and every read model has it. A patient
// client comes back to a stream that broke.
func (c *client) toTheEnd(ctx context.Context, id string) (ended importObject, err error) {
	for giveUp := time.Now().Add(c.patience); ; {
		err := c.follow(ctx, id, func(importObject) bool { return false })
		if err == nil {
			break
		}
		if time.Now().After(giveUp) {
			return ended, err
		}
	}
	ended, position, err := c.getImport(ctx, id)
	if err != nil {
		return ended, err
	}
	return ended, c.caughtUp(ctx, id, position)
}

// contactsOf is a file of contacts that no other generation has. One row in a
// hundred is in error.
type contactsOf struct {
	generation, rows int
}

const badEvery = 100

func (f contactsOf) name() string { return fmt.Sprintf("contacts-%d.csv", f.generation) }
func (f contactsOf) bad() int     { return f.rows / badEvery }
func (f contactsOf) good() int    { return f.rows - f.bad() }

func (f contactsOf) text() string {
	var b strings.Builder
	b.WriteString("email,firstName,lastName,phone,language,vip,score,city,street,note\n")
	for row := 1; row <= f.rows; row++ {
		at := "@"
		if row%badEvery == 0 {
			at = " at "
		}
		fmt.Fprintf(&b, "c%d.%d%sexample.org,First%d,Last%d,3247%07d,en,yes,%d,City%d,Street %d,note of row %d\n",
			f.generation, row, at, row, row, row, row%1000, row%100, row%500, row)
	}
	return b.String()
}

func (f contactsOf) mapping() []map[string]any {
	var mapping []map[string]any
	for _, header := range []string{"email", "firstName", "lastName", "phone", "language", "vip", "score", "city", "street", "note"} {
		column := map[string]any{"header": header, "attribute": header}
		switch header {
		case "email", "phone", "language":
		case "vip":
			column["create"] = map[string]string{"type": "boolean"}
		case "score":
			column["create"] = map[string]string{"type": "number"}
		default:
			column["create"] = map[string]string{"type": "string"}
		}
		mapping = append(mapping, column)
	}
	return mapping
}
