package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

var (
	// ErrNotFound says that there is no blob under a key.
	ErrNotFound = errors.New("no such blob")
	// ErrExists says that there already is a blob under a key. Blobs never change.
	ErrExists = errors.New("blob exists already")
	// ErrKey says that a key is not 1 to 64 of A-Z a-z 0-9 _ -.
	ErrKey = errors.New("not a blob key")
	// ErrFull says that the storage has no room for the bytes.
	ErrFull = errors.New("storage is full")
)

// uploading begins the names of files that are not blobs yet. Keys have no dots.
const uploading = ".upload-"

// Folder keeps each blob in one file, named by its key. It is safe for concurrent use.
type Folder struct {
	dir    string
	commit sync.Mutex // between seeing that a key is free and taking it
}

// OpenFolder opens the folder dir, which it makes where there is none, and removes
// the uploads that processes which no longer live have left in it.
//
// Every upload holds a lock (flock) on its file that ends with its process, so an
// upload that can be locked is nobody's. Age says nothing: one over a slow line may
// take hours.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("blob folder: %w", err)
	}
	f := &Folder{dir: dir}
	if err := f.sweep(); err != nil {
		return nil, fmt.Errorf("blob folder: sweeping left-over uploads: %w", err)
	}
	return f, nil
}

func (f *Folder) sweep() error {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	var failed []error
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), uploading) {
			failed = append(failed, sweepUpload(filepath.Join(f.dir, entry.Name())))
		}
	}
	return errors.Join(failed...)
}

func sweepUpload(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // committed or discarded meanwhile
	}
	if err != nil {
		return err
	}
	defer file.Close()
	switch err := lock(file, syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil // somebody is writing it
	case err != nil:
		return err
	}
	// It may have become a blob between opening and locking: then the path is gone.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func lock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// Open opens the blob under key for reading. ErrNotFound: there is none.
func (f *Folder) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	path, err := f.path(ctx, key)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob %s: %w", key, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", key, err)
	}
	return file, nil
}

// Remove removes the blob under key. That there is none is no error: removing
// again, after an answer that got lost, comes to the same.
func (f *Folder) Remove(ctx context.Context, key string) error {
	path, err := f.path(ctx, key)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("blob %s: %w", key, err)
	}
	if err := f.sync(); err != nil {
		return fmt.Errorf("blob %s: %w", key, err)
	}
	return nil
}

func (f *Folder) path(ctx context.Context, key string) (string, error) {
	if !isKey(key) {
		return "", fmt.Errorf("%w: %.80q", ErrKey, key)
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return filepath.Join(f.dir, key), nil
}

func isKey(key string) bool {
	if len(key) < 1 || len(key) > 64 {
		return false
	}
	for i := range len(key) {
		c := key[i]
		if !('A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

// sync makes names durable that were given or taken away.
func (f *Folder) sync() error {
	dir, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
