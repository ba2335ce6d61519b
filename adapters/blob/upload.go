package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"syscall"
)

var errUploadOver = errors.New("upload is committed or discarded already")

// Upload is bytes on their way in. It is an io.Writer; afterwards Commit makes it
// a blob, or Discard drops it. It is not safe for concurrent use.
type Upload struct {
	ctx    context.Context
	folder *Folder
	file   *os.File
	out    io.Writer // file
	size   int64
	sum    hash.Hash
	failed error // of a write: what was kept is not what was sent
	over   bool
}

// Create begins an upload. Writing fails once ctx is done. Always Discard in the
// end: after Commit that does nothing.
func (f *Folder) Create(ctx context.Context) (*Upload, error) {
	file, err := f.createFile()
	if err != nil {
		return nil, fmt.Errorf("beginning an upload: %w", saidFull(err))
	}
	return &Upload{ctx: ctx, folder: f, file: file, out: file, sum: sha256.New()}, nil
}

// createFile makes a file for an upload and locks it. A sweep that came between
// the two may have taken it away; then another one is made.
func (f *Folder) createFile() (*os.File, error) {
	for {
		file, err := os.CreateTemp(f.dir, uploading)
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

// Write keeps p. After an error the upload can only be discarded.
func (u *Upload) Write(p []byte) (int, error) {
	switch {
	case u.over:
		return 0, errUploadOver
	case u.failed != nil:
		return 0, u.failed
	}
	if err := u.ctx.Err(); err != nil {
		u.failed = fmt.Errorf("upload: %w", err)
		return 0, u.failed
	}
	n, err := u.out.Write(p)
	u.size += int64(n)
	u.sum.Write(p[:n]) // never fails, says package hash
	if err != nil {
		u.failed = fmt.Errorf("upload: after %d bytes: %w", u.size, saidFull(err))
	}
	return n, u.failed
}

// Size is how many bytes were written.
func (u *Upload) Size() int64 { return u.size }

// SHA256 is the sum of the bytes that were written, in hex.
func (u *Upload) SHA256() string { return hex.EncodeToString(u.sum.Sum(nil)) }

// Reader reads what was written up to now from its beginning, for checking it
// before Commit. It ends with the upload.
func (u *Upload) Reader() io.ReadSeeker { return io.NewSectionReader(u.file, 0, u.size) }

// Commit makes the upload the blob under key, durably: when it returns nil a power
// cut takes nothing away. After an error there is no blob of it. ErrExists: the key
// is taken by other bytes. The same bytes again are the same blob: whoever stored
// them may not have come further than that.
func (u *Upload) Commit(key string) error {
	if u.over {
		return errUploadOver
	}
	path, err := u.folder.path(u.ctx, key)
	if err != nil {
		return err
	}
	if u.failed != nil {
		return u.failed
	}
	if err := u.file.Sync(); err != nil {
		u.failed = fmt.Errorf("blob %s: %w", key, saidFull(err))
		return u.failed
	}
	err = u.folder.name(u.file.Name(), path)
	if errors.Is(err, ErrExists) {
		return u.commitAgain(key, path)
	}
	if err != nil {
		return fmt.Errorf("blob %s: %w", key, err)
	}
	u.over = true
	if err := errors.Join(u.file.Close(), u.folder.sync()); err != nil {
		// Whether the name lasts is not known, so it must not stay.
		return errors.Join(fmt.Errorf("blob %s: %w", key, saidFull(err)), os.Remove(path))
	}
	return nil
}

// commitAgain is Commit where the key is taken.
func (u *Upload) commitAgain(key, path string) error {
	same, err := u.equals(path)
	if err == nil && !same {
		err = ErrExists
	}
	if err == nil {
		err = u.folder.sync() // of whoever came first it is not known whether he did
	}
	if err != nil {
		return fmt.Errorf("blob %s: %w", key, err)
	}
	return u.Discard()
}

// equals tells whether a blob holds what was uploaded.
func (u *Upload) equals(path string) (same bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	there := sha256.New()
	n, err := io.Copy(there, file)
	return n == u.size && bytes.Equal(there.Sum(nil), u.sum.Sum(nil)), err
}

// name gives a finished upload its key's name, unless that is taken.
func (f *Folder) name(upload, path string) error {
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

// Discard drops the upload. Again, or after Commit, it does nothing.
func (u *Upload) Discard() error {
	if u.over {
		return nil
	}
	u.over = true
	// Closing first would end the lock while the name still stands.
	removed := os.Remove(u.file.Name())
	if err := errors.Join(removed, u.file.Close()); err != nil {
		return fmt.Errorf("discarding an upload: %w", err)
	}
	return nil
}

// saidFull adds ErrFull to errors of a disk or a quota that is full.
func saidFull(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
