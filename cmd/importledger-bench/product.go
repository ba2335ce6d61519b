package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"importledger/projections"
)

// product is an importledger serve in a process of its own, used over HTTP as its
// users do.
type product struct {
	process *exec.Cmd
	log     *os.File
	url     string
	opsURL  string
	token   string
	client  http.Client
}

const (
	clientID     = "bench"
	clientSecret = "bench-secret-that-nobody-else-has"
)

// startProduct runs the binary on a fresh data directory and waits until it is
// ready.
func startProduct(ctx context.Context, binary, dataDir string, env ...string) (*product, error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dataDir, "serve.log"))
	if err != nil {
		return nil, err
	}
	ops, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	p := &product{process: exec.CommandContext(ctx, binary, "serve", "--data", dataDir, "--listen", "127.0.0.1:0", "--ops-listen", ops), log: log, opsURL: "http://" + ops}
	p.process.Env = append(os.Environ(), "IMPORTLEDGER_CLIENT_ID="+clientID, "IMPORTLEDGER_CLIENT_SECRET="+clientSecret, "IMPORTLEDGER_PROFILING=on")
	p.process.Env = append(p.process.Env, env...)
	p.process.Stdout, p.process.Stderr = log, log
	p.process.Cancel = func() error { return p.process.Process.Signal(syscall.SIGTERM) }
	if err := p.process.Start(); err != nil {
		return nil, err
	}
	if err := p.ready(ctx, dataDir); err != nil {
		said, readErr := os.ReadFile(log.Name())
		return nil, fmt.Errorf("the server did not start: %w\n%s", errors.Join(err, readErr, p.stop()), said)
	}
	return p, nil
}

// freeAddress is one that nobody listens on at the moment.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func (p *product) ready(ctx context.Context, dataDir string) error {
	return poll(ctx, 20*time.Millisecond, 60*time.Second, func() (bool, error) {
		var a struct{ URL string }
		text, err := os.ReadFile(filepath.Join(dataDir, "server.json"))
		if err != nil || json.Unmarshal(text, &a) != nil || a.URL == "" {
			return false, nil
		}
		p.url = a.URL
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {clientID}, "client_secret": {clientSecret}}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/oauth2/token", strings.NewReader(form.Encode()))
		if err != nil {
			return false, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := p.client.Do(req)
		if err != nil {
			return false, nil
		}
		defer resp.Body.Close()
		var token struct {
			AccessToken string `json:"access_token"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&token); err != nil || resp.StatusCode != http.StatusOK {
			return false, fmt.Errorf("token: status %d (%w)", resp.StatusCode, err)
		}
		p.token = token.AccessToken
		return true, nil
	})
}

func (p *product) stop() error {
	if err := p.process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return errors.Join(p.process.Wait(), p.log.Close())
}

// peakRSS is the process's highest resident memory so far, in bytes.
func (p *product) peakRSS() (float64, error) {
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", p.process.Process.Pid))
	if err != nil {
		return 0, err
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 64)
			return kib * 1024, err
		}
	}
	return 0, errors.New("the kernel does not tell the peak memory of a process")
}

// imported is what the bench wants to know of an import.
type imported struct {
	ID           string `json:"id"`
	State        string `json:"state"`
	RowsImported int    `json:"rowsImported"`
	RowsInError  int    `json:"rowsInError"`
	FailedReason string `json:"failedReason"`
}

type readModel struct {
	Name      string          `json:"name"`
	State     string          `json:"state"`
	Position  json.RawMessage `json:"position"`
	Lag       int             `json:"lag"`
	LastError string          `json:"lastError"`
}

// importFile takes the time from the first byte of the upload until the import is
// imported and the four read models that lead stand at the same position: contact_rows is
// not among them, which trails. It returns when that one is there as well, so that nothing that runs after it
// shares the machine with them.
func (p *product) importFile(ctx context.Context, in input, path string) (time.Duration, error) {
	begin := time.Now()
	imp, err := p.upload(ctx, in, path)
	if err != nil {
		return 0, err
	}
	var took time.Duration
	err = poll(ctx, 3*time.Millisecond, 10*time.Minute, func() (bool, error) {
		if err := p.call(ctx, http.MethodGet, "/people/imports/"+imp.ID, "", nil, &imp); err != nil {
			return false, err
		}
		if imp.State == "failed" || imp.State == "canceled" {
			return false, fmt.Errorf("the import is %s: %s", imp.State, imp.FailedReason)
		}
		if imp.State != "imported" {
			return false, nil
		}
		took = time.Since(begin)
		same, err := p.modelsLevel(ctx, false)
		return same, err
	})
	if err == nil {
		err = poll(ctx, 3*time.Millisecond, time.Minute, func() (bool, error) { return p.modelsLevel(ctx, true) })
	}
	if err == nil && (imp.RowsImported != in.rows-in.bad() || imp.RowsInError != in.bad()) {
		err = fmt.Errorf("%d rows imported and %d in error, want %d and %d", imp.RowsImported, imp.RowsInError, in.rows-in.bad(), in.bad())
	}
	return took, err
}

// modelsLevel tells whether nothing is left to apply in any read model, or in any that
// does not trail.
func (p *product) modelsLevel(ctx context.Context, trailing bool) (bool, error) {
	models, err := p.readModels(ctx)
	if !trailing {
		models = slices.DeleteFunc(models, func(m readModel) bool { return m.Name == projections.ContactRows })
	}
	for _, m := range models {
		if m.State == "stopped" {
			return false, fmt.Errorf("read model %s stopped: %s", m.Name, m.LastError)
		}
		if m.Lag != 0 || string(m.Position) != string(models[0].Position) {
			return false, err
		}
	}
	return len(models) > 0, err
}

func (p *product) readModels(ctx context.Context) (models []readModel, err error) {
	return models, p.call(ctx, http.MethodGet, "/ops/projections", "", nil, &models)
}

func (p *product) upload(ctx context.Context, in input, path string) (imp imported, err error) {
	file, err := os.Open(path)
	if err != nil {
		return imp, err
	}
	defer file.Close()
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() { w.CloseWithError(writeForm(form, in, file, filepath.Base(path))) }()
	return imp, p.call(ctx, http.MethodPost, "/people/imports", form.FormDataContentType(), r, &imp)
}

func writeForm(form *multipart.Writer, in input, file io.Reader, name string) error {
	mapping, err := json.Marshal(in.mapping())
	if err != nil {
		return err
	}
	if err := form.WriteField("mapping", string(mapping)); err != nil {
		return err
	}
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, file); err != nil {
		return err
	}
	return form.Close()
}

func (in input) mapping() []map[string]any {
	var mapping []map[string]any
	for _, h := range in.header() {
		column := map[string]any{"header": h, "attribute": h}
		if t := attributeType(h); t != "" {
			column["create"] = map[string]string{"type": t}
		}
		mapping = append(mapping, column)
	}
	return mapping
}

// call makes one request and decodes its JSON answer into out.
func (p *product) call(ctx context.Context, method, path, contentType string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, bytes.TrimSpace(text))
	}
	if out == nil || len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, out)
}

// poll asks again and again until done, an error, or the time is over.
func poll(ctx context.Context, every, atMost time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		done, err := ask()
		if done || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
