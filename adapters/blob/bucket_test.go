package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// fakeS3 is an S3 server in this process with one bucket, and with faults.
type fakeS3 struct {
	url   string
	mem   *s3mem.Backend
	fault atomic.Pointer[func(w http.ResponseWriter, r *http.Request, serve http.Handler)] // nil: none
}

func newFakeS3(t *testing.T) *fakeS3 {
	t.Helper()
	f := &fakeS3{mem: s3mem.New()}
	if err := f.mem.CreateBucket("ledger"); err != nil {
		t.Fatal(err)
	}
	serve := gofakes3.New(f.mem, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault := f.fault.Load(); fault != nil {
			(*fault)(w, r, serve)
			return
		}
		serve.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	f.url = "s3://ledger?endpoint=" + server.URL + "&prefix=in/files"
	return f
}

func (f *fakeS3) breaks(fault func(w http.ResponseWriter, r *http.Request, serve http.Handler)) {
	f.fault.Store(&fault)
}

func (f *fakeS3) config(t *testing.T) BucketConfig {
	t.Helper()
	u, err := ParseBucketURL(f.url)
	if err != nil {
		t.Fatal(err)
	}
	return BucketConfig{BucketURL: u, Credentials: Credentials{AccessKey: "key", SecretKey: "secret"}, Spool: t.TempDir()}
}

func (f *fakeS3) open(t *testing.T) *Bucket {
	t.Helper()
	b, err := OpenBucket(t.Context(), f.config(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func (f *fakeS3) objects(t *testing.T) (names []string) {
	t.Helper()
	list, err := f.mem.ListBucket("ledger", nil, gofakes3.ListBucketPage{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list.Contents {
		names = append(names, strings.TrimPrefix(o.Key, "in/files/"))
	}
	return names
}

func bucketPlace(t *testing.T) place {
	f := newFakeS3(t)
	b := f.open(t)
	return place{Store: b, again: func() Store { return f.open(t) },
		kept: func() []string { return append(f.objects(t), files(t, b.dir)...) }}
}

// An answer that got lost is asked for again, and the repeat finds the blob there.
func TestAnAnswerThatGotLostIsNoFailure(t *testing.T) {
	t.Parallel()
	f := newFakeS3(t)
	b := f.open(t)
	var lost sync.Once
	f.breaks(func(w http.ResponseWriter, r *http.Request, serve http.Handler) {
		dropped := false
		if r.Method == http.MethodPut {
			lost.Do(func() {
				serve.ServeHTTP(httptest.NewRecorder(), r)
				dropped = true
			})
		}
		if dropped {
			panic(http.ErrAbortHandler)
		}
		serve.ServeHTTP(w, r)
	})
	commit(t, b, key, "ours")
	if got := content(t, b, key); got != "ours" {
		t.Errorf("got %q", got)
	}
}

// A connection that breaks again and again in the middle costs no byte.
func TestAReadThatBreaksGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	f := newFakeS3(t)
	b := f.open(t)
	sent := bytes.Repeat([]byte("0123456789"), 30_000)
	commit(t, b, key, string(sent))
	reads := 0
	f.breaks(func(w http.ResponseWriter, r *http.Request, serve http.Handler) {
		if r.Method != http.MethodGet {
			serve.ServeHTTP(w, r)
			return
		}
		reads++
		answer := httptest.NewRecorder()
		serve.ServeHTTP(answer, r)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		body := answer.Body.Bytes()
		if _, err := w.Write(body[:min(len(body), 70_001)]); err != nil {
			t.Error(err)
		}
		if len(body) > 70_001 {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	if got := content(t, b, key); got != string(sent) {
		t.Errorf("%d bytes, want %d", len(got), len(sent))
	}
	if reads < 4 {
		t.Errorf("nothing broke: %d reads", reads)
	}
}

func TestAReadThatStallsIsBegunAnew(t *testing.T) {
	t.Parallel()
	f := newFakeS3(t)
	config := f.config(t)
	config.Stall = 50 * time.Millisecond
	b, err := OpenBucket(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	commit(t, b, key, "0123456789")
	var stalled sync.Once
	f.breaks(func(w http.ResponseWriter, r *http.Request, serve http.Handler) {
		if r.Method == http.MethodGet {
			stalled.Do(func() {
				w.Header().Set("Content-Length", "10")
				w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
				fmt.Fprint(w, "0123")
				w.(http.Flusher).Flush()
				<-r.Context().Done()
				panic(http.ErrAbortHandler)
			})
		}
		serve.ServeHTTP(w, r)
	})
	if got := content(t, b, key); got != "0123456789" {
		t.Errorf("got %q", got)
	}
}

func TestWhatAStoreAnswersIsExplained(t *testing.T) {
	t.Parallel()
	for status, c := range map[int]struct {
		code string
		is   error
		says string
	}{
		http.StatusForbidden:           {"AccessDenied", nil, "AWS_ACCESS_KEY_ID"},
		http.StatusNotImplemented:      {"NotImplemented", nil, "If-None-Match"},
		http.StatusInsufficientStorage: {"XMinioStorageFull", ErrFull, ""},
		http.StatusServiceUnavailable:  {"SlowDown", ErrUnavailable, ""},
		http.StatusBadGateway:          {"", ErrUnavailable, ""},
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			f := newFakeS3(t)
			b := f.open(t)
			u := begin(t, b, "x")
			f.breaks(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
				w.Header().Set("Content-Type", "application/xml")
				w.WriteHeader(status)
				if c.code != "" && r.Method != http.MethodHead {
					fmt.Fprintf(w, "<Error><Code>%s</Code></Error>", c.code)
				}
			})
			err := u.Commit(key)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Commit: %v", err)
			}
			if err := u.Discard(); err != nil {
				t.Error(err)
			}
			f.fault.Store(nil)
			if left := append(f.objects(t), files(t, b.dir)...); len(left) != 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

func TestAStoreThatIsGoneOrHasNoBucketIsNoMissingBlob(t *testing.T) {
	t.Parallel()
	f := newFakeS3(t)
	b := f.open(t)
	missing(t, b, key)
	if err := f.mem.DeleteBucket("ledger"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(t.Context(), key); err == nil || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "no bucket ledger") {
		t.Errorf("without the bucket: %v", err)
	}
	if _, err := OpenBucket(t.Context(), f.config(t)); err == nil || !strings.Contains(err.Error(), "make it") {
		t.Errorf("opened a bucket that is not there: %v", err)
	}
	f.breaks(func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) })
	if _, err := b.Open(t.Context(), key); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without the store: %v", err)
	}
	if err := b.Ping(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without the store: %v", err)
	}
}

func TestAnUploadThatIsLeftMakesNoBlob(t *testing.T) {
	t.Parallel()
	f := newFakeS3(t)
	b := f.open(t)
	ctx, leave := context.WithCancel(t.Context())
	u, err := b.Create(ctx)
	if err == nil {
		_, err = io.WriteString(u, "x")
	}
	if err != nil {
		t.Fatal(err)
	}
	f.breaks(func(w http.ResponseWriter, r *http.Request, serve http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body) // until then a server does not see a client leave
		leave()
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
	if err := u.Commit(key); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit: %v", err)
	}
	f.fault.Store(nil)
	missing(t, b, key)
}

func TestABucketNeedsCredentials(t *testing.T) {
	t.Parallel()
	config := newFakeS3(t).config(t)
	config.Credentials = Credentials{AccessKey: "key"}
	if _, err := OpenBucket(t.Context(), config); err == nil || !strings.Contains(err.Error(), "AWS_SECRET_ACCESS_KEY") {
		t.Errorf("%v", err)
	}
}

func TestBucketURLs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]BucketURL{
		"s3://ledger":                                              {Bucket: "ledger", Endpoint: amazon, Secure: true},
		"s3://ledger?region=eu-west-1":                             {Bucket: "ledger", Endpoint: amazon, Secure: true, Region: "eu-west-1"},
		"s3://l.e-d/?prefix=/a/b/":                                 {Bucket: "l.e-d", Endpoint: amazon, Secure: true, Prefix: "a/b/"},
		"s3://ledger?endpoint=http://s:9":                          {Bucket: "ledger", Endpoint: "s:9", Region: "us-east-1"},
		"s3://ledger?endpoint=https://s.example&region=r&prefix=p": {Bucket: "ledger", Endpoint: "s.example", Secure: true, Region: "r", Prefix: "p/"},
	} {
		if got, err := ParseBucketURL(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "s3:", "s3://", "s3://AB", "s3://ab", "s3://ledger/path", "https://ledger", "s3://ledger?endpoint=s:9",
		"s3://ledger?endpoint=ftp://s", "s3://ledger?endpoint=http://s/path", "s3://ledger?secret=hunter2", "s3://ledger?region=a&region=b",
		"s3://key:hunter2@ledger", "s3://ledger?endpoint=http://key:hunter2@s", "s3://ledger?%zz"} {
		_, err := ParseBucketURL(text)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
