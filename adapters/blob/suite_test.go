package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

const key = "01JDEXAMPLE0000000000000AB"

// place is where a Store of the suite keeps things.
type place struct {
	Store
	again func() Store    // the same place, as another process opens it
	kept  func() []string // names of blobs, and of uploads on their way
}

// stores are all that pass the suite.
var stores = map[string]func(*testing.T) place{"folder": folderPlace, "bucket": bucketPlace}

// eachStore runs a test of what every Store does.
func eachStore(t *testing.T, test func(*testing.T, place)) {
	t.Parallel()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func begin(t *testing.T, s Store, text string) *Upload {
	t.Helper()
	u, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(u, text); err != nil {
		t.Fatal(err)
	}
	return u
}

func commit(t *testing.T, s Store, key, text string) {
	t.Helper()
	if err := begin(t, s, text).Commit(key); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, s Store, key string) string {
	t.Helper()
	r, err := s.Open(t.Context(), key)
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

func missing(t *testing.T, s Store, key string) {
	t.Helper()
	if _, err := s.Open(t.Context(), key); !errors.Is(err, ErrNotFound) {
		t.Errorf("Open(%s): %v, want ErrNotFound", key, err)
	}
}

func TestWhatIsCommittedIsReadBackByteForByte(t *testing.T) {
	eachStore(t, func(t *testing.T, p place) {
		sent := "a;b\r\n\x00\xff\n"
		u := begin(t, p, sent[:3])
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
		if got := content(t, p, key); got != sent {
			t.Errorf("got %q, want %q", got, sent)
		}
		if got := content(t, p.again(), key); got != sent {
			t.Errorf("after opening again: %q", got)
		}
		if kept := p.kept(); len(kept) != 1 || kept[0] != key {
			t.Errorf("kept: %v", kept)
		}
	})
}

func TestAnUploadCanBeReadBeforeItIsABlobAndWrittenOn(t *testing.T) {
	eachStore(t, func(t *testing.T, p place) {
		u := begin(t, p, "first,")
		for range 2 {
			if b, err := io.ReadAll(u.Reader()); err != nil || string(b) != "first," {
				t.Fatalf("%q, %v", b, err)
			}
		}
		missing(t, p, key)
		if _, err := io.WriteString(u, "second"); err != nil {
			t.Fatal(err)
		}
		if err := u.Commit(key); err != nil {
			t.Fatal(err)
		}
		if got := content(t, p, key); got != "first,second" {
			t.Errorf("got %q", got)
		}
	})
}

func TestDiscardLeavesNothingAndIsIdempotent(t *testing.T) {
	eachStore(t, func(t *testing.T, p place) {
		u := begin(t, p, "x")
		for range 2 {
			if err := u.Discard(); err != nil {
				t.Fatal(err)
			}
		}
		if left := p.kept(); len(left) != 0 {
			t.Errorf("left over: %v", left)
		}
		if err := u.Commit(key); err == nil {
			t.Error("committed what was discarded")
		}
		if _, err := u.Write([]byte("y")); err == nil {
			t.Error("wrote to what was discarded")
		}
	})
}

func TestDiscardAfterCommitKeepsTheBlob(t *testing.T) {
	eachStore(t, func(t *testing.T, p place) {
		u := begin(t, p, "x")
		if err := u.Commit(key); err != nil {
			t.Fatal(err)
		}
		if err := u.Discard(); err != nil {
			t.Fatal(err)
		}
		if got := content(t, p, key); got != "x" {
			t.Errorf("got %q", got)
		}
	})
}

func TestABlobIsNeverOverwritten(t *testing.T) {
	eachStore(t, func(t *testing.T, p place) {
		commit(t, p, key, "first")
		for _, s := range []Store{p, p.again()} {
			u := begin(t, s, "second")
			if err := u.Commit(key); !errors.Is(err, ErrExists) {
				t.Errorf("got %v, want ErrExists", err)
			}
			if got := content(t, p, key); got != "first" {
				t.Errorf("got %q", got)
			}
			if err := u.Commit("another"); err != nil {
				t.Errorf("under a free key: %v", err)
			}
			if err := p.Remove(t.Context(), "another"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestTheSameBytesAgainAreTheSameBlob(t *testing.T) {
	eachStore(t, func(t *testing.T, p place) {
		for _, s := range []Store{p, p, p.again()} {
			u := begin(t, s, "first")
			if err := u.Commit(key); err != nil {
				t.Fatal(err)
			}
			if _, err := u.Write([]byte("more")); !errors.Is(err, errUploadOver) {
				t.Errorf("writing on: %v", err)
			}
		}
		if got := content(t, p, key); got != "first" {
			t.Errorf("the blob is %q", got)
		}
		if kept := p.kept(); len(kept) != 1 {
			t.Errorf("kept: %v", kept)
		}
	})
}

func TestOnlyOneOfManyTakesAKey(t *testing.T) {
	eachStore(t, func(t *testing.T, p place) {
		results := make(chan error, 8)
		var all sync.WaitGroup
		elsewhere := p.again()
		for i := range cap(results) {
			u := begin(t, []Store{p, elsewhere}[i%2], fmt.Sprint("one of many: ", i))
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
	})
}

func TestNamesThatAreNoIdsNeverBecomePaths(t *testing.T) {
	eachStore(t, func(t *testing.T, p place) {
		for _, bad := range []string{"", ".", "..", "../outside", "a/b", `a\b`, "a.csv", ".upload-1", "a\x00", "ä", "a b", strings.Repeat("a", 65), "/etc/passwd"} {
			if _, err := p.Open(t.Context(), bad); !errors.Is(err, ErrKey) {
				t.Errorf("Open(%q): %v", bad, err)
			}
			if err := p.Remove(t.Context(), bad); !errors.Is(err, ErrKey) {
				t.Errorf("Remove(%q): %v", bad, err)
			}
			u := begin(t, p, "x")
			if err := u.Commit(bad); !errors.Is(err, ErrKey) {
				t.Errorf("Commit(%q): %v", bad, err)
			}
			if err := u.Discard(); err != nil {
				t.Fatal(err)
			}
		}
		for _, good := range []string{"a", "Az09_-", strings.Repeat("a", 64)} {
			commit(t, p, good, "x")
		}
	})
}

func TestRemoveIsIdempotentAndFreesTheKey(t *testing.T) {
	eachStore(t, func(t *testing.T, p place) {
		commit(t, p, key, "x")
		for range 2 {
			if err := p.Remove(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		missing(t, p, key)
		commit(t, p, key, "y")
	})
}

func TestACanceledContextEndsAnUpload(t *testing.T) {
	eachStore(t, func(t *testing.T, p place) {
		ctx, cancel := context.WithCancel(t.Context())
		u, err := p.Create(ctx)
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
		if _, err := p.Open(ctx, key); !errors.Is(err, context.Canceled) {
			t.Errorf("Open: %v", err)
		}
		if err := p.Ping(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Ping: %v", err)
		}
		if left := p.kept(); len(left) != 0 {
			t.Errorf("left over: %v", left)
		}
	})
}

// Reading and seeking about in a blob gives what a reader over its bytes gives.
func TestABlobIsReadFromAnywhere(t *testing.T) {
	eachStore(t, func(t *testing.T, p place) {
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		sent := make([]byte, 300_000)
		for i := range sent {
			sent[i] = byte(random.Uint32())
		}
		commit(t, p, key, string(sent))
		got, err := p.Open(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.NewReader(sent)
		for step := range 100 {
			whence, offset := random.IntN(3), random.Int64N(300_100)
			offset -= []int64{0, 150_000, 300_000}[whence]
			at, err := got.Seek(offset, whence)
			wantAt, wantErr := want.Seek(offset, whence)
			if at != wantAt || (err == nil) != (wantErr == nil) {
				t.Fatalf("seed %d, step %d: Seek(%d, %d) gives %d, %v, want %d, %v", seed, step, offset, whence, at, err, wantAt, wantErr)
			}
			n := random.Int64N(20_000)
			b, err := io.ReadAll(io.LimitReader(got, n))
			wanted, _ := io.ReadAll(io.LimitReader(want, n))
			if err != nil || !bytes.Equal(b, wanted) {
				t.Fatalf("seed %d, step %d: %d bytes, %v, want %d", seed, step, len(b), err, len(wanted))
			}
		}
		if err := got.Close(); err != nil {
			t.Error(err)
		}
		if _, err := got.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("reading what is closed: %v", err)
		}
	})
}
