package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// uploading begins the names of files that are not blobs yet. Keys have no dots.
const uploading = ".upload-"

// spool is a folder of uploads on their way. Every upload holds a lock (flock) on
// its file that ends with its process, so an upload that can be locked is nobody's.
// Age says nothing: one over a slow line may take hours.
type spool struct{ dir string }

// openSpool opens the folder dir, which it makes where there is none, and removes
// the uploads that processes which no longer live have left in it.
func openSpool(dir string) (spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil { //nolint:gosec // G703: the operator names it
		return spool{}, fmt.Errorf("blob folder: %w", err)
	}
	s := spool{dir}
	if err := s.sweep(); err != nil {
		return spool{}, fmt.Errorf("blob folder: sweeping left-over uploads: %w", err)
	}
	return s, nil
}

func (s spool) sweep() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	var failed []error
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), uploading) {
			failed = append(failed, sweepUpload(filepath.Join(s.dir, entry.Name())))
		}
	}
	return errors.Join(failed...)
}

func sweepUpload(path string) error {
	file, err := os.Open(path) //nolint:gosec // G304: the folder's own files
	if errors.Is(err, fs.ErrNotExist) {
		return nil // committed or discarded meanwhile
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // nothing was written
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

// create begins an upload that store makes a blob.
func (s spool) create(ctx context.Context, store keeper) (*Upload, error) {
	file, err := s.createFile()
	if err != nil {
		return nil, fmt.Errorf("beginning an upload: %w", saidFull(err))
	}
	return &Upload{ctx: ctx, store: store, file: file, out: file, sum: sha256.New()}, nil
}

// createFile makes a file for an upload and locks it. A sweep that came between
// the two may have taken it away; then another one is made.
func (s spool) createFile() (*os.File, error) {
	for {
		file, err := os.CreateTemp(s.dir, uploading)
		if err != nil {
			return nil, err
		}
		if err := lock(file, syscall.LOCK_EX); err != nil {
			return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
		}
		_, err = os.Stat(file.Name())
		if err == nil {
			return file, nil
		}
		if err := file.Close(); err != nil {
			return nil, err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
}

// saidFull adds ErrFull to errors of a disk or a quota that is full.
func saidFull(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
