package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestADataDirectoryHasOneOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")
	first, err := openDataDir(path, "serve")
	if err != nil {
		t.Fatal(err)
	}
	_, err = openDataDir(path, "import")
	if !errors.Is(err, errDataDirHeld) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) || !strings.Contains(err.Error(), "importledger serve") {
		t.Errorf("the second is told %v", err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	again, err := openDataDir(path, "import")
	if err != nil {
		t.Fatalf("after the first left: %v", err)
	}
	if err := again.close(); err != nil {
		t.Fatal(err)
	}
}

func TestTheSecretKeyIsMadeOnceForTheOwnerOnly(t *testing.T) {
	t.Parallel()
	d := testDataDir(t)
	first, err := d.secretKey("")
	if err != nil || len(first) != secretKeyBytes {
		t.Fatalf("%d bytes, %v", len(first), err)
	}
	if again, err := d.secretKey(""); err != nil || !bytes.Equal(again, first) {
		t.Errorf("the key changed: %v", err)
	}
	if info, err := os.Stat(d.file("secret.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, wrong := range []string{"short", "c2hvcnQ="} {
		if _, err := d.secretKey(wrong); err == nil || strings.Contains(err.Error(), wrong) {
			t.Errorf("key %q: %v", wrong, err)
		}
	}
}

func TestADataDirectoryThatCannotBeUsedIsSaidInOneSentence(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "below")} {
		if _, err := openDataDir(path, "serve"); err == nil || !strings.Contains(err.Error(), "--data") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func testDataDir(t *testing.T) *dataDir {
	t.Helper()
	d, err := openDataDir(filepath.Join(t.TempDir(), "data"), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	return d
}
