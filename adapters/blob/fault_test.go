package blob

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fullAfter takes n bytes, then is as full as a disk.
type fullAfter struct {
	w    io.Writer
	left int
}

func (f *fullAfter) Write(p []byte) (int, error) {
	if len(p) <= f.left {
		f.left -= len(p)
		return f.w.Write(p)
	}
	n, err := f.w.Write(p[:f.left])
	f.left = 0
	return n, errors.Join(err, &os.PathError{Op: "write", Path: "upload", Err: syscall.ENOSPC})
}

func TestAFullDiskLeavesNoPartialBlob(t *testing.T) {
	t.Parallel()
	for room := range 5 {
		f := openFolder(t)
		u, err := f.Create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		u.out = &fullAfter{u.file, room}
		_, err = io.Copy(u, strings.NewReader("12345"))
		if !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("room for %d: %v, want ErrFull because of ENOSPC", room, err)
		}
		u.out = u.file // there is room again, and the upload stays broken
		if _, err := u.Write([]byte("6")); !errors.Is(err, ErrFull) {
			t.Errorf("room for %d: writing on: %v", room, err)
		}
		if err := u.Commit(key); !errors.Is(err, ErrFull) {
			t.Errorf("room for %d: Commit: %v", room, err)
		}
		if err := u.Discard(); err != nil {
			t.Error(err)
		}
		if left := files(t, f.dir); len(left) != 0 {
			t.Errorf("room for %d: left over: %v", room, left)
		}
	}
}

func TestAFailedFsyncMakesNoBlob(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	u := begin(t, f, "x")
	if err := u.file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := u.Commit(key); err == nil {
		t.Fatal("committed without fsync")
	}
	if _, err := f.Open(t.Context(), key); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func TestAFailedRenameMakesNoBlobAndCanBeDiscarded(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	u := begin(t, f, "x")
	if err := os.Rename(u.file.Name(), u.file.Name()+"-gone"); err != nil {
		t.Fatal(err)
	}
	if err := u.Commit(key); err == nil {
		t.Fatal("committed a file that is gone")
	}
	if _, err := f.Open(t.Context(), key); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if err := os.Rename(u.file.Name()+"-gone", u.file.Name()); err != nil {
		t.Fatal(err)
	}
	if err := u.Discard(); err != nil {
		t.Error(err)
	}
}

func TestAFolderThatCannotBeMadeIsAnError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(filepath.Join(file, "blobs")); err == nil {
		t.Error("opened a folder below a file")
	}
}

// uploaderFolder tells the test binary to be a process that uploads until it is killed.
const uploaderFolder = "BLOB_TEST_UPLOADER_FOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(uploaderFolder); dir != "" {
		uploadForEver(dir)
	}
	os.Exit(m.Run())
}

func uploadForEver(dir string) {
	f, err := OpenFolder(dir)
	if err != nil {
		panic(err)
	}
	u, err := f.Create(context.Background())
	if err != nil {
		panic(err)
	}
	for said := false; ; said = true {
		if _, err := u.Write(make([]byte, 1<<10)); err != nil {
			panic(err)
		}
		if !said {
			os.Stdout.WriteString("writing\n")
			if _, err := io.Copy(io.Discard, os.Stdin); err != nil { // the parent kills before it closes this
				panic(err)
			}
		}
	}
}

func TestAKilledUploadIsSweptAndALivingOneIsNot(t *testing.T) {
	t.Parallel()
	f := openFolder(t)
	own := begin(t, f, "mine") // of this process, which lives

	uploader := exec.Command(os.Args[0])
	uploader.Env = append(os.Environ(), uploaderFolder+"="+f.dir)
	stdin, err := uploader.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := uploader.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := uploader.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "writing\n" {
		t.Fatalf("%q, %v", line, err)
	}

	if _, err := OpenFolder(f.dir); err != nil {
		t.Fatal(err)
	}
	if got := files(t, f.dir); len(got) != 2 {
		t.Errorf("while both live: %v, want both uploads", got)
	}

	if err := uploader.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := uploader.Wait(); err == nil {
		t.Error("the uploader ended by itself")
	}
	if err := stdin.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if got := files(t, f.dir); len(got) != 2 {
		t.Fatalf("after the kill, before the sweep: %v", got)
	}
	if _, err := OpenFolder(f.dir); err != nil {
		t.Fatal(err)
	}
	if got := files(t, f.dir); len(got) != 1 || got[0] != filepath.Base(own.file.Name()) {
		t.Errorf("after the sweep: %v, want only the living upload", got)
	}
	if err := own.Commit(key); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(f.dir); err != nil {
		t.Fatal(err)
	}
	if got := content(t, f, key); got != "mine" {
		t.Errorf("got %q", got)
	}
}
