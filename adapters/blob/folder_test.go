package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const key = "01JDEXAMPLE0000000000000AB"

func openFolder(t *testing.T) *Folder {
	t.Helper()
	f, err := OpenFolder(filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func begin(t *testing.T, f *Folder, text string) *Upload {
	t.Helper()
	u, err := f.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(u, text); err != nil {
		t.Fatal(err)
	}
	return u
}

func files(t *testing.T, f *Folder) []string {
	t.Helper()
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

func content(t *testing.T, f *Folder, key string) string {
	t.Helper()
	r, err := f.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWhatIsCommittedIsReadBackByteForByte(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	sent := "a;b\r\n\x00\xff\n"
	u := begin(t, f, sent[:3])
	if _, err := io.WriteString(u, sent[3:]); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(sent))
	if u.Size() != int64(len(sent)) || u.SHA256() != hex.EncodeToString(sum[:]) {
		t.Errorf("size %d, sum %s", u.Size(), u.SHA256())
	}
	if err := u.Commit(key); err != nil {
		t.Fatal(err)
	}
	if got := content(t, f, key); got != sent {
		t.Errorf("got %q, want %q", got, sent)
	}
	again, err := OpenFolder(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := content(t, again, key); got != sent {
		t.Errorf("after opening again: %q", got)
	}
}

func TestAnUploadCanBeReadBeforeItIsABlobAndWrittenOn(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	u := begin(t, f, "first,")
	for range 2 {
		if b, err := io.ReadAll(u.Reader()); err != nil || string(b) != "first," {
			t.Fatalf("%q, %v", b, err)
		}
	}
	if _, err := f.Open(t.Context(), key); !errors.Is(err, ErrNotFound) {
		t.Errorf("before Commit: %v, want ErrNotFound", err)
	}
	if _, err := io.WriteString(u, "second"); err != nil {
		t.Fatal(err)
	}
	if err := u.Commit(key); err != nil {
		t.Fatal(err)
	}
	if got := content(t, f, key); got != "first,second" {
		t.Errorf("got %q", got)
	}
}

func TestDiscardLeavesNothingAndIsIdempotent(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	u := begin(t, f, "x")
	for range 2 {
		if err := u.Discard(); err != nil {
			t.Fatal(err)
		}
	}
	if left := files(t, f); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	if err := u.Commit(key); err == nil {
		t.Error("committed what was discarded")
	}
	if _, err := u.Write([]byte("y")); err == nil {
		t.Error("wrote to what was discarded")
	}
}

func TestDiscardAfterCommitKeepsTheBlob(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	u := begin(t, f, "x")
	if err := u.Commit(key); err != nil {
		t.Fatal(err)
	}
	if err := u.Discard(); err != nil {
		t.Fatal(err)
	}
	if got := content(t, f, key); got != "x" {
		t.Errorf("got %q", got)
	}
}

func TestABlobIsNeverOverwritten(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	if err := begin(t, f, "first").Commit(key); err != nil {
		t.Fatal(err)
	}
	u := begin(t, f, "second")
	if err := u.Commit(key); !errors.Is(err, ErrExists) {
		t.Errorf("got %v, want ErrExists", err)
	}
	if got := content(t, f, key); got != "first" {
		t.Errorf("got %q", got)
	}
	if err := u.Commit("another"); err != nil {
		t.Errorf("under a free key: %v", err)
	}
}

func TestTheSameBytesAgainAreTheSameBlob(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	for range 2 {
		u := begin(t, f, "first")
		if err := u.Commit(key); err != nil {
			t.Fatal(err)
		}
		if _, err := u.Write([]byte("more")); !errors.Is(err, errUploadOver) {
			t.Errorf("writing on: %v", err)
		}
	}
	if got := content(t, f, key); got != "first" {
		t.Errorf("the blob is %q", got)
	}
	if got := files(t, f); len(got) != 1 {
		t.Errorf("the folder holds %q", got)
	}
}

func TestOnlyOneOfManyTakesAKey(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	results := make(chan error, 8)
	var all sync.WaitGroup
	for n := range cap(results) {
		u := begin(t, f, fmt.Sprint("one of many: ", n))
		all.Go(func() {
			err := u.Commit(key)
			results <- errors.Join(err, u.Discard())
		})
	}
	all.Wait()
	close(results)
	done := 0
	for err := range results {
		if err == nil {
			done++
		} else if !errors.Is(err, ErrExists) {
			t.Error(err)
		}
	}
	if done != 1 {
		t.Errorf("%d commits succeeded", done)
	}
}

func TestNamesThatAreNoIdsNeverBecomePaths(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	outside := filepath.Join(filepath.Dir(f.dir), "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", ".", "..", "../outside", "a/b", `a\b`, "a.csv", ".upload-1", "a\x00", "ä", "a b", strings.Repeat("a", 65), outside} {
		if _, err := f.Open(t.Context(), bad); !errors.Is(err, ErrKey) {
			t.Errorf("Open(%q): %v", bad, err)
		}
		if err := f.Remove(t.Context(), bad); !errors.Is(err, ErrKey) {
			t.Errorf("Remove(%q): %v", bad, err)
		}
		u := begin(t, f, "x")
		if err := u.Commit(bad); !errors.Is(err, ErrKey) {
			t.Errorf("Commit(%q): %v", bad, err)
		}
		if err := u.Discard(); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(outside); err != nil || string(b) != "secret" {
		t.Errorf("outside: %q, %v", b, err)
	}
	for _, good := range []string{"a", "Az09_-", strings.Repeat("a", 64)} {
		if err := begin(t, f, "x").Commit(good); err != nil {
			t.Errorf("Commit(%q): %v", good, err)
		}
	}
}

func TestRemoveIsIdempotentAndFreesTheKey(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	if err := begin(t, f, "x").Commit(key); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Remove(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Open(t.Context(), key); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if err := begin(t, f, "y").Commit(key); err != nil {
		t.Error(err)
	}
}

func TestABlobThatIsBeingReadSurvivesItsRemoval(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	if err := begin(t, f, "whole").Commit(key); err != nil {
		t.Fatal(err)
	}
	r, err := f.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := f.Remove(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != "whole" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		t.Error(err)
	}
}

func TestACanceledContextEndsAnUpload(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	ctx, cancel := context.WithCancel(t.Context())
	u, err := f.Create(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(u, bytes.NewReader([]byte("x"))); !errors.Is(err, context.Canceled) {
		t.Errorf("Write: %v", err)
	}
	if err := u.Commit(key); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit: %v", err)
	}
	if err := u.Discard(); err != nil {
		t.Error(err)
	}
	if left := files(t, f); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}
