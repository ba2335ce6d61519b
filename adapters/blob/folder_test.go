package blob

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func openFolder(t *testing.T) *Folder {
	t.Helper()
	f, err := OpenFolder(filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func folderPlace(t *testing.T) place {
	f := openFolder(t)
	return place{Store: f, kept: func() []string { return files(t, f.dir) }, again: func() Store {
		again, err := OpenFolder(f.dir)
		if err != nil {
			t.Fatal(err)
		}
		return again
	}}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

func TestAKeyNeverLeavesTheFolder(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	outside := filepath.Join(filepath.Dir(f.dir), "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"../outside", outside} {
		if _, err := f.Open(t.Context(), bad); !errors.Is(err, ErrKey) {
			t.Errorf("Open(%q): %v", bad, err)
		}
		if err := f.Remove(t.Context(), bad); !errors.Is(err, ErrKey) {
			t.Errorf("Remove(%q): %v", bad, err)
		}
		if err := begin(t, f, "x").Commit(bad); !errors.Is(err, ErrKey) {
			t.Errorf("Commit(%q): %v", bad, err)
		}
	}
	if b, err := os.ReadFile(outside); err != nil || string(b) != "secret" {
		t.Errorf("outside: %q, %v", b, err)
	}
}

func TestABlobThatIsBeingReadSurvivesItsRemoval(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	commit(t, f, key, "whole")
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

func TestAFolderThatIsGoneIsSeen(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	if err := f.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(f.dir); err != nil {
		t.Fatal(err)
	}
	if err := f.Ping(t.Context()); err == nil {
		t.Error("nobody noticed")
	}
}
