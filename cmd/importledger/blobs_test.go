package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// newS3 is an S3 store in this process with the bucket "ledger". change may alter
// requests on their way in.
func newS3(t testing.TB, change func(*http.Request)) (url string, mem *s3mem.Backend) {
	t.Helper()
	mem = s3mem.New()
	if err := mem.CreateBucket("ledger"); err != nil {
		t.Fatal(err)
	}
	serve := gofakes3.New(mem, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if change != nil {
			change(r)
		}
		serve.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return "s3://ledger?endpoint=" + server.URL, mem
}

// doctorOf runs doctor with some variables set and gives what it says of a check.
func doctorOf(t *testing.T, check string, env ...string) string {
	t.Helper()
	var out, said bytes.Buffer
	run(t.Context(), []string{"doctor", "--data", t.TempDir()}, strings.NewReader(""), &out, &said, env)
	lines := strings.Split(out.String(), "\n")
	for i, line := range lines {
		if strings.Contains(line, "  "+check) {
			return line + lines[i+1]
		}
	}
	t.Fatalf("doctor says nothing of %s: %s%s", check, out.String(), said.String())
	return ""
}

func TestDoctorTriesTheS3Store(t *testing.T) {
	t.Parallel()
	keys := []string{"AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=hunter2"}
	good, mem := newS3(t, nil)
	forgetful, _ := newS3(t, func(r *http.Request) { r.Header.Del("If-None-Match") })
	for _, c := range []struct {
		url, says string
		keys      []string
	}{
		{good, "ok ", keys},
		{good, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", nil},
		{strings.Replace(good, "ledger", "another", 1), "there is no bucket another", keys},
		{forgetful, "a file can be overwritten", keys},
		{"s3://ledger?endpoint=http://127.0.0.1:1", "no S3 store answers at 127.0.0.1:1", keys},
	} {
		got := doctorOf(t, "stored files", append(c.keys, "IMPORTLEDGER_BLOB_URL="+c.url)...)
		if !strings.Contains(got, c.says) || strings.Contains(got, "hunter2") {
			t.Errorf("%s: %s\nwant: %s", c.url, got, c.says)
		}
	}
	if list, err := mem.ListBucket("ledger", nil, gofakes3.ListBucketPage{}); err != nil || len(list.Contents) != 0 {
		t.Errorf("doctor left %d files, %v", len(list.Contents), err)
	}
}

func TestStoresThatCannotBeAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"ledger", "http://ledger", "file://relative/path", "file:///a?b=c", "s3://", "s3://key:hunter2@ledger", "s3://ledger?password=hunter2"} {
		var out, said bytes.Buffer
		status := run(t.Context(), []string{"config"}, strings.NewReader(""), &out, &said, []string{"IMPORTLEDGER_BLOB_URL=" + url})
		if status != exitUsage || !strings.Contains(said.String(), "IMPORTLEDGER_BLOB_URL") || strings.Contains(said.String(), "hunter2") {
			t.Errorf("%s: status %d, %s", url, status, said.String())
		}
	}
}
