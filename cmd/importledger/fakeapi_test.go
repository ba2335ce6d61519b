package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const fakeID = "01JD8Z0Q4T9M3W5X7Y9A1B2C3D"

// fakeAPI answers like the server does for one import, and remembers what it was
// asked. Each look at a running import finds it a step further.
type fakeAPI struct {
	*httptest.Server
	mu      sync.Mutex
	calls   []string // method, path and query
	mapping []byte   // body of PUT …/mapping
	form    map[string]string
	state   string
	settled int

	refuseUpload string // JSON of the error; empty: none
	uploadStatus int
	final        string // the state that the import comes to; empty: it never ends
	inError      int
	onCall       func(call string) // before the answer
}

func newFakeAPI(t *testing.T) *fakeAPI {
	f := &fakeAPI{state: "preparing", final: "imported"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /oauth2/token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_secret") != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client"}`)
			return
		}
		fmt.Fprint(w, `{"access_token":"t","token_type":"Bearer","expires_in":600}`)
	})
	mux.HandleFunc("POST /people/imports", f.create)
	mux.HandleFunc("GET /people/imports/{id}/preview", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"rows":40,"encoding":"utf-8","keyIdentifier":"email",
			"columns":[{"header":"E-mail","samples":["a@example.org"]},{"header":"Age","samples":["31"]},{"header":"Notes","samples":["x\ny"]}],
			"mapping":[{"header":"E-mail","skip":false,"attribute":"email","reason":"synonym"},
				{"header":"Age","skip":false,"attribute":"age","create":{"type":"number"},"reason":"new"},{"header":"Notes","skip":true}]}`)
	})
	mux.HandleFunc("POST /people/imports/{id}/review", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"rows":40,"acceptable":%d,"inError":%d,"repeated":0,"errors":[],"samples":[]}`, 40-f.inError, f.inError)
	})
	mux.HandleFunc("PUT /people/imports/{id}/mapping", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.mapping, f.state = body, "importing"
		f.write(w, "9")
	})
	mux.HandleFunc("GET /people/imports/{id}", f.look)
	mux.HandleFunc("GET /people/imports/{id}/reading", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"keyIdentifier":"email","corrects":null,"correctedBy":[]}`)
	})
	mux.HandleFunc("POST /people/imports/{id}/cancel", func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.state = "canceled"
		f.write(w, "11")
	})
	mux.HandleFunc("GET /people/imports/{id}/errors", func(w http.ResponseWriter, _ *http.Request) {
		var items []string
		for n := range f.inError {
			items = append(items, fmt.Sprintf(`{"row":%d,"column":"E-mail","code":"email-invalid","message":"This is not an e-mail address.","value":"\u001b[31mx"}`, n+1))
		}
		fmt.Fprintf(w, `{"pagination":{"totalRecord":%d,"remainingRecord":0},"items":[%s],"groups":[{"code":"email-invalid","column":"E-mail","count":%d,"message":"This is not an e-mail address.","rows":[1]}]}`,
			f.inError, strings.Join(items, ","), f.inError)
	})
	mux.HandleFunc("GET /people/contacts/count", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"count":1}`) })
	mux.HandleFunc("GET /people/segments", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden) // these credentials may not see them
		fmt.Fprint(w, `{"error":{"code":"scope-missing","message":"Not for you."}}`)
	})
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := r.Method + " " + r.URL.RequestURI()
		f.mu.Lock()
		f.calls = append(f.calls, call)
		f.mu.Unlock()
		if f.onCall != nil {
			f.onCall(call)
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeAPI) create(w http.ResponseWriter, r *http.Request) {
	if f.refuseUpload != "" {
		w.WriteHeader(f.uploadStatus)
		fmt.Fprint(w, f.refuseUpload)
		return
	}
	parts, err := r.MultipartReader()
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	form := map[string]string{}
	for {
		part, err := parts.NextPart()
		if err != nil {
			break // the end, or a client that has left
		}
		text, _ := io.ReadAll(part)
		form[part.FormName()] = string(text)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.form = form
	w.WriteHeader(http.StatusCreated)
	f.write(w, "7")
}

func (f *fakeAPI) look(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == "importing" {
		f.settled = min(f.settled+20, 40)
		if f.settled == 40 && f.final != "" {
			f.state = f.final
		}
	}
	f.write(w, "12")
}

func (f *fakeAPI) write(w http.ResponseWriter, position string) {
	w.Header().Set("X-Ledger-Position", position)
	reason := "null"
	if f.state == "failed" {
		reason = `"source-changed"`
	}
	inError := min(f.inError, f.settled)
	fmt.Fprintf(w, `{"id":%q,"name":"contacts.csv","state":%q,"file":{"name":"contacts.csv","size":10},"rowToImport":40,"rowsImported":%d,"rowsInError":%d,"failedReason":%s}`,
		fakeID, f.state, f.settled-inError, inError, reason)
}

func (f *fakeAPI) called(call string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.calls, call)
}

// env makes a command work on the fake server.
func (f *fakeAPI) env() []string {
	return []string{"IMPORTLEDGER_SERVER=" + f.URL, "IMPORTLEDGER_CLIENT_ID=me", "IMPORTLEDGER_CLIENT_SECRET=secret"}
}

// commandRun is a run of the program inside the test.
type commandRun struct {
	*program
	stdout, stderr bytes.Buffer
}

func newCommandRun(t *testing.T, env []string, stdin string) *commandRun {
	t.Helper()
	r := &commandRun{}
	r.program = newProgram(strings.NewReader(stdin), &r.stdout, &r.stderr, append([]string{"IMPORTLEDGER_DATA=" + filepath.Join(t.TempDir(), "data")}, env...))
	r.pollEvery = time.Millisecond
	r.openLocal = func(context.Context, *settings) (*local, error) {
		t.Error("the command opened the data directory")
		return nil, context.Canceled
	}
	return r
}

// wants runs a command and holds its exit status.
func (r *commandRun) wants(t *testing.T, status int, args ...string) {
	t.Helper()
	if got := r.execute(t.Context(), args); got != status {
		t.Fatalf("%v: exit status %d, want %d\n%s%s", args, got, status, r.stdout.String(), r.stderr.String())
	}
}

func (r *commandRun) saysOnStderr(t *testing.T, parts ...string) {
	t.Helper()
	says(t, r.stderr.String(), parts...)
}
func (r *commandRun) saysOnStdout(t *testing.T, parts ...string) {
	t.Helper()
	says(t, r.stdout.String(), parts...)
}

func says(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("nothing says %q:\n%s", part, text)
		}
	}
}

func contactsFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "contacts.csv")
	if err := os.WriteFile(path, []byte("E-mail,Age,Notes\na@example.org,31,x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// mapped is what was asked of the columns, in short.
func (f *fakeAPI) mapped(t *testing.T) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	var body struct{ Mapping []mappedItem }
	if err := json.Unmarshal(f.mapping, &body); err != nil {
		t.Fatalf("%s: %v", f.mapping, err)
	}
	var all []string
	for _, m := range body.Mapping {
		text := m.Header + "→" + m.target()
		if m.Create != nil {
			text += ":" + string(m.Create.Type)
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}
