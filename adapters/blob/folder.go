package blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Folder keeps each blob in one file, named by its key. Other processes, on other
// machines too, may use the same folder.
type Folder struct {
	spool
	commit sync.Mutex // between seeing that a key is free and taking it, where links cannot do that
}

var _ Store = (*Folder)(nil)

// OpenFolder opens the folder dir, which it makes where there is none, and removes
// the uploads that processes which no longer live have left in it.
func OpenFolder(dir string) (*Folder, error) {
	s, err := openSpool(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{spool: s}, nil
}

// Create implements Store.
func (f *Folder) Create(ctx context.Context) (*Upload, error) { return f.create(ctx, f) }

// keep makes a finished upload durable under its key's name.
func (f *Folder) keep(u *Upload, key string) error {
	if err := u.file.Sync(); err != nil {
		u.failed = saidFull(err)
		return u.failed
	}
	path := filepath.Join(f.dir, key)
	err := f.name(u.file.Name(), path)
	if errors.Is(err, ErrExists) {
		return cmp.Or(f.sync(), err) // of whoever came first it is not known whether he did
	}
	if err != nil {
		return err
	}
	u.over = true
	if err := errors.Join(u.file.Close(), f.sync()); err != nil {
		// Whether the name lasts is not known, so it must not stay.
		return errors.Join(saidFull(err), os.Remove(path))
	}
	return nil
}

// name gives a finished upload its key's name, unless that is taken. A link tells
// that and takes it in one step, whoever else is at it.
func (f *Folder) name(upload, path string) error {
	switch err := os.Link(upload, path); {
	case errors.Is(err, fs.ErrExist):
		return ErrExists
	case err == nil:
		if err := os.Remove(upload); err != nil {
			return errors.Join(err, os.Remove(path))
		}
		return nil
	case !linksMissing(err):
		return err
	}
	f.commit.Lock()
	defer f.commit.Unlock()
	switch _, err := os.Lstat(path); {
	case err == nil:
		return ErrExists
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return os.Rename(upload, path)
}

// linksMissing tells a file system that has no hard links.
func linksMissing(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EMLINK)
}

// Open implements Store.
func (f *Folder) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	path, err := f.path(ctx, key)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path) //nolint:gosec // G304: path has checked the key
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob %s: %w", key, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", key, err)
	}
	return file, nil
}

// Remove implements Store.
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

// Ping implements Store: a file system that was mounted there may be gone.
func (f *Folder) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := os.Stat(f.dir); err != nil {
		return fmt.Errorf("blob folder: %w", err)
	}
	return nil
}

func (f *Folder) path(ctx context.Context, key string) (string, error) {
	if err := usable(ctx, key); err != nil {
		return "", err
	}
	return filepath.Join(f.dir, key), nil
}

// usable tells what is wrong with a key or a context.
func usable(ctx context.Context, key string) error {
	if !isKey(key) {
		return fmt.Errorf("%w: %.80q", ErrKey, key)
	}
	return ctx.Err()
}

// sync makes names durable that were given or taken away.
func (f *Folder) sync() error {
	dir, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
