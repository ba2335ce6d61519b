package connectors

import (
	"errors"
	"io/fs"
	"slices"
	"testing"

	"importledger/commands"
)

func TestAClientSeesItsOwnTreeOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine, _ := w.connector(t, SFTP)
	other, _ := w.connector(t, FTPS)
	s, stranger := w.enter(t, mine.ID), w.enter(t, other.ID)
	put(t, s, "/a.csv", "E-mail\na@example.org\n")
	if got := names(t, stranger, "/"); len(got) != 0 {
		t.Errorf("another connector sees %v", got)
	}
	for what, err := range map[string]error{
		"open":   second(stranger.Open(t.Context(), "/a.csv")),
		"stat":   second(stranger.Stat(t.Context(), "/a.csv")),
		"remove": stranger.Remove(t.Context(), "/a.csv"),
		"rename": stranger.Rename(t.Context(), "/a.csv", "/b.csv"),
	} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("another connector can %s: %v", what, err)
		}
	}
	if got := names(t, s, "/"); !slices.Equal(got, []string{"a.csv"}) {
		t.Errorf("/ shows %v", got)
	}
}

func second[T any](_ T, err error) error { return err }

func TestATemporaryNameWaitsForItsRename(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.connector(t, SFTP)
	s := w.enter(t, c.ID)
	w.run(t)
	put(t, s, "/a.csv.part", "first")
	put(t, s, "/a.csv.part", "E-mail\na@example.org\n") // again, after the line broke
	put(t, s, "/now.csv", "E-mail\n")
	until(t, "the other file is done", func() bool { return slices.Equal(names(t, s, "/processed"), []string{"now.csv"}) })
	if got := names(t, s, "/"); !slices.Equal(got, []string{"a.csv.part"}) {
		t.Fatalf("/ shows %v", got)
	}
	if err := s.Rename(t.Context(), "/a.csv.part", "/a.csv"); err != nil {
		t.Fatal(err)
	}
	until(t, "it is done", func() bool { return slices.Equal(names(t, s, "/processed"), []string{"a.csv", "now.csv"}) })
	if got := read(t, s, "/processed/a.csv"); got != "E-mail\na@example.org\n" {
		t.Errorf("kept: %q", got)
	}
	w.locked(func() {
		if len(w.blobs) != 2 || len(w.started) != 2 {
			t.Errorf("%d blobs, imports %v", len(w.blobs), w.started)
		}
	})
}

func TestWhatAClientMayDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hold = make(chan struct{})
	c, _ := w.connector(t, SFTP)
	s := w.enter(t, c.ID)
	put(t, s, "/bad.csv", "bad")
	put(t, s, "/good.csv", "good")
	ctx := t.Context()
	for _, held := range []string{".hidden", "x.tmp"} {
		put(t, s, held, "x")
		if err := s.Remove(ctx, held); err != nil {
			t.Errorf("remove %s: %v", held, err)
		}
	}
	w.run(t)
	until(t, "taken", func() bool { return errors.Is(s.Remove(ctx, "/nothing"), fs.ErrNotExist) && len(w.startedIDs()) == 1 })
	for what, err := range map[string]error{
		"remove a taken file":       s.Remove(ctx, "/bad.csv"),
		"rename a taken file":       s.Rename(ctx, "/bad.csv", "/worse.csv"),
		"hold a taken file":         s.Rename(ctx, "/bad.csv", "/bad.csv.part"),
		"remove a folder":           s.Remove(ctx, "/processed"),
		"move across":               s.Rename(ctx, "/good.csv", "/processed/good.csv"),
		"move out of the tree":      s.Rename(ctx, "/good.csv", "/../../good.csv"),
		"name a file like a folder": s.Rename(ctx, "/good.csv", "/failed"),
		"put into processed":        send(t, s, "/processed/x.csv", "x"),
		"put a folder":              send(t, s, "/processed", "x"),
		"put deeper":                send(t, s, "/a/b.csv", "x"),
		"make a folder":             s.MakeFolder(ctx, "/new"),
		"make a folder there is":    s.MakeFolder(ctx, "/failed"),
		"bad name":                  send(t, s, "/a\x00b", "x"),
	} {
		if what == "move out of the tree" { // .. of the root is the root
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		refusal, _ := errors.AsType[*commands.Refusal](err)
		if refusal == nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) && !errors.Is(err, errName) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if info, err := s.Stat(ctx, "/bad.csv"); err != nil || info.Size() != 3 || info.IsDir() {
		t.Errorf("a file that is being imported: %v, %v", info, err)
	}
	close(w.hold)
	until(t, "both done", func() bool { return len(names(t, s, "/")) == 0 })
	if got := names(t, s, "/failed"); !slices.Equal(got, []string{"bad.csv", "bad.csv.reason.txt"}) {
		t.Errorf("/failed shows %v", got)
	}
	if info, err := s.Stat(ctx, "/good.csv"); err != nil || info.Size() != 4 {
		t.Errorf("a file that this session has put, after it was taken: %v, %v", info, err)
	}
	if err := s.Remove(ctx, "/failed/bad.csv"); err != nil {
		t.Fatal(err)
	}
	if got := names(t, s, "/failed"); len(got) != 0 {
		t.Errorf("/failed shows %v", got)
	}
	w.locked(func() {
		if len(w.blobs) != 2 {
			t.Errorf("%d blobs: imports keep their bytes", len(w.blobs))
		}
	})
}

func (w *world) startedIDs() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.started)
}
