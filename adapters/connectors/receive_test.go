package connectors

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"importledger/commands"
)

func TestPartsComeInAnyOrderThatClientsSendThemIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.connector(t, SFTP)
	s := w.enter(t, c.ID)
	rapid.Check(t, func(rt *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 0, 4000).Draw(rt, "content")
		size := rapid.IntRange(1, 500).Draw(rt, "part")
		var parts []int
		for at := 0; at < len(content); at += size {
			parts = append(parts, at)
		}
		parts = rapid.Permutation(parts).Draw(rt, "order")
		received, err := s.Create(t.Context(), "/a.csv.part")
		if err != nil {
			rt.Fatal(err)
		}
		var side sync.WaitGroup
		for _, at := range parts {
			side.Go(func() {
				if _, err := received.WriteAt(content[at:min(at+size, len(content))], int64(at)); err != nil {
					rt.Error(err)
				}
			})
		}
		side.Wait()
		if err := received.Close(); err != nil {
			rt.Fatal(err)
		}
		if got := read(t, s, "/a.csv.part"); got != string(content) {
			rt.Fatalf("%d bytes kept of %d", len(got), len(content))
		}
	})
	w.locked(func() {
		if len(w.blobs) != 1 || w.pending != 0 {
			t.Errorf("%d blobs, %d uploads: replaced ones are still there", len(w.blobs), w.pending)
		}
	})
}

func TestWhatWasNotClosedCleanlyLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.connector(t, SFTP)
	for what, spoil := range map[string]func(*Session, Receiving) error{
		"cut off":         func(_ *Session, r Receiving) error { r.TransferError(errors.New("reset")); return nil },
		"session cut":     func(s *Session, _ Receiving) error { s.Leave(); return nil },
		"a part missing":  func(_ *Session, r Receiving) error { _, err := r.WriteAt([]byte("x"), 100); return err },
		"sent again":      func(_ *Session, r Receiving) error { _, _ = r.WriteAt([]byte("x"), 0); return nil },
		"far ahead":       func(_ *Session, r Receiving) error { return fill(r) },
		"negative offset": func(_ *Session, r Receiving) error { _, _ = r.WriteAt([]byte("x"), -1); return nil },
	} {
		s := w.enter(t, c.ID)
		r, err := s.Create(t.Context(), "/a.csv")
		if err == nil {
			_, err = r.Write([]byte("E-mail\n"))
		}
		if err == nil {
			err = spoil(s, r)
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		err = r.Close()
		if err == nil && !strings.Contains(what, "cut") {
			t.Errorf("%s: the client is not told", what)
		}
		if err := r.Close(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s: closed again: %v", what, err)
		}
		if _, err := r.Write([]byte("x")); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s: written after: %v", what, err)
		}
		if what != "session cut" {
			if got := names(t, s, "/"); len(got) != 0 {
				t.Errorf("%s: shows %v", what, got)
			}
		}
		s.Leave()
	}
	w.wantNothing(t)
}

// fill sends more ahead of its turn than is kept.
func fill(r Receiving) error {
	part := bytes.Repeat([]byte("x"), 256<<10)
	for i := range 20 {
		if _, err := r.WriteAt(part[:len(part)/8], int64(1000+i*len(part)/8)); err != nil {
			return nil //nolint:nilerr // that it is refused is the point
		}
	}
	_, _ = r.WriteAt(part, 500_000)
	return nil
}

func TestAFileThatIsTooLargeIsRememberedAndNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.connector(t, SFTP)
	s := w.enter(t, c.ID)
	err := send(t, s, "/huge.csv", strings.Repeat("x", 1<<20+1))
	var refusal *commands.Refusal
	if !errors.As(err, &refusal) || refusal.Code != commands.FileTooLarge {
		t.Fatalf("too large: %v", err)
	}
	if err := send(t, s, "/huge.csv.part", strings.Repeat("x", 1<<20+1)); err == nil {
		t.Error("too large under a temporary name is fine")
	}
	put(t, s, "/full.csv", strings.Repeat("x", 1<<20))
	w.run(t)
	until(t, "both done", func() bool { return len(names(t, s, "/processed")) == 1 && len(names(t, s, "/failed")) == 1 })
	if got := names(t, s, "/failed"); got[0] != "huge.csv.reason.txt" {
		t.Errorf("/failed shows %v", got)
	}
	if got := read(t, s, "/failed/huge.csv.reason.txt"); !strings.Contains(got, commands.FileTooLarge) {
		t.Errorf("the reason: %s", got)
	}
	if _, err := s.Open(t.Context(), "/failed/huge.csv"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was not kept: %v", err)
	}
	files, err := w.Files(t.Context(), []string{c.ID}, 10)
	if err != nil || len(files[c.ID]) != 2 || files[c.ID][1].Name != "huge.csv" || files[c.ID][1].Outcome != Failed || files[c.ID][1].ReasonCode != commands.FileTooLarge {
		t.Errorf("files: %+v, %v", files, err)
	}
	w.locked(func() {
		if len(w.blobs) != 1 || w.pending != 0 {
			t.Errorf("%d blobs, %d uploads", len(w.blobs), w.pending)
		}
	})
}

func TestQuotas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deps.Limits.Waiting, w.deps.Limits.Uploads, w.deps.Limits.Sessions = 3, 2, 2
	c, _ := w.connector(t, SFTP)
	s := w.enter(t, c.ID)
	for i := range 2 {
		put(t, s, fmt.Sprintf("/%d.csv", i), "E-mail\n")
	}
	one, err := s.Create(t.Context(), "/one.csv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context(), "/two.csv"); !errors.Is(err, errWaiting) {
		t.Errorf("one file too many: %v", err)
	}
	one.TransferError(nil)
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(t.Context(), "/0.csv"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Create(t.Context(), "/three.csv"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Remove(t.Context(), "/1.csv"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context(), "/four.csv"); !errors.Is(err, errTooManyOpen) {
		t.Errorf("one upload too many: %v", err)
	}
	second := w.enter(t, c.ID)
	if _, err := w.Enter(t.Context(), c.ID, here, "key", func() {}); !errors.Is(err, errTooMany) {
		t.Errorf("one session too many: %v", err)
	}
	second.Leave()
	second.Leave()
	w.enter(t, c.ID)
	want := []string{"login password", "file-received", "file-received", "file-refused too-many-waiting", "file-cut-off",
		"file-refused too-many-uploads", "login password", "login-refused too-many-sessions", "login password"}
	if got := w.actions(t, c.ID); strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("activity:\n got %v\nwant %v", got, want)
	}
}

func TestBytesOfAProcessThatDiedAreSwept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.connector(t, SFTP)
	dead := stored{importID: "01JDF3ZKQ8X6M4N9T2V7W5Y1AB", connectorID: c.ID, name: "a.csv", state: waiting, sha256: "ab"}
	if err := w.announce(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	w.blobs[dead.importID] = []byte("x")
	if err := w.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(w.blobs) != 1 {
		t.Fatal("a file that is just being stored is swept")
	}
	w.now = w.now.Add(sweptAfter)
	if err := w.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.wantNothing(t)
	// It was not dead, only slow.
	if _, err := w.arrived(t.Context(), dead); !errors.Is(err, errSwept) {
		t.Errorf("what was swept arrives: %v", err)
	}
}
