package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"importledger/adapters/postgres/pgtest"
)

// halfUpload is an import whose file the server has begun to read.
type halfUpload struct {
	rest     func() // sends it
	answered chan error
	made     importObject
}

func (f contactsOf) sendHalf(t *testing.T, c *client) *halfUpload {
	t.Helper()
	token, err := c.bearer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	form := multipart.NewWriter(&whole)
	if err := writeForm(form, nil, f.name(), strings.NewReader(f.text())); err != nil {
		t.Fatal(err)
	}
	reading := make(chan struct{}) // what a server says that asked for the body
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(reading) }})
	body, send := io.Pipe()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/people/imports", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Expect", "100-continue")
	sender := newClient(c.base, c.id, c.secret)
	sender.http = &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
	t.Cleanup(sender.close)
	u := &halfUpload{answered: make(chan error, 1)}
	go func() {
		response, err := sender.answer(request)
		if err == nil {
			err = errors.Join(json.NewDecoder(response.Body).Decode(&u.made), response.Body.Close())
		}
		u.answered <- errors.Join(err, body.Close())
	}()
	write := func(n int) {
		// What a server does not read to its end, its answer tells.
		if _, err := io.CopyN(send, &whole, int64(n)); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
	}
	write(whole.Len() / 2)
	<-reading
	u.rest = func() {
		write(whole.Len())
		if err := send.Close(); err != nil {
			t.Error(err)
		}
	}
	return u
}

// load asks for one thing after the other until the server takes no more requests.
// What it has taken, it answers. loaded is called once, after the first answer.
func (c *client) load(ctx context.Context, path string, loaded func()) error {
	loaded = sync.OnceFunc(loaded)
	defer loaded()
	for ; ; loaded() {
		_, err := c.get(ctx, path, nil)
		if _, answered := errors.AsType[*apiError](err); err != nil && !answered {
			if errors.Is(err, syscall.ECONNREFUSED) {
				return nil
			}
			return err
		}
	}
}

// A service manager ends the program while it is busy: what it has begun it
// finishes, and the next start goes on.
func TestATerminatedProcessFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	dir := pgtest.Dir(t)
	serve := []string{"serve", "--data", dir, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"}
	env := []string{"IMPORTLEDGER_MAX_ROWS=100000"}
	p := startProcess(t, env, serve...)
	c := p.serving()
	i := midway(t, c, long)
	uploaded := contactsOf{generation: 1, rows: 2000}
	upload := uploaded.sendHalf(t, c)

	var loading, loaded sync.WaitGroup
	for _, path := range []string{"/people/imports", importPath(i.ID, "/history?limit=500"), "/people/contacts/count"} {
		loaded.Add(1)
		loading.Go(func() {
			loader := newClient(c.base, c.id, c.secret)
			loader.patience = 0
			defer loader.close()
			if err := loader.load(t.Context(), path, loaded.Done); err != nil {
				t.Errorf("GET %s was broken off: %v", path, err)
			}
		})
	}
	loaded.Wait()
	p.signal(syscall.SIGTERM)
	loading.Wait() // until it takes no more requests
	upload.rest()
	if err := <-upload.answered; err != nil {
		t.Errorf("the upload in flight: %v", err)
	}
	<-p.exited
	if p.status != nil {
		t.Errorf("it ended with %v", p.status)
	}

	c = startProcess(t, env, serve...).serving()
	long.whole(t, c, i.ID)
	if _, _, err := c.getImport(t.Context(), upload.made.ID); err != nil {
		t.Errorf("the import that was uploaded meanwhile: %v", err)
	}
	c.verified(t)
}

// Nothing of a server is left running when it has closed in the middle of its work.
func TestAClosedServerLeavesNothingRunning(t *testing.T) {
	database := pgtest.URL(t)
	before := goleak.IgnoreCurrent()
	t.Run("closed", func(t *testing.T) {
		s := serveHere(t, "IMPORTLEDGER_DATABASE_URL="+database, "IMPORTLEDGER_SFTP_LISTEN=127.0.0.1:0", "IMPORTLEDGER_FTPS_LISTEN=127.0.0.1:0")
		c := newClient(s.base, testClient, testSecret)
		defer c.close()
		midway(t, c, contactsOf{rows: 20_000})
	})
	goleak.VerifyNone(t, before)
}
