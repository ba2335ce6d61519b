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
	"os"
)

var errUploadOver = errors.New("upload is committed or discarded already")

// keeper makes an upload a blob and sets its over, or returns ErrExists.
type keeper interface {
	keep(u *Upload, key string) error
	Open(ctx context.Context, key string) (io.ReadSeekCloser, error)
}

// Upload is bytes on their way in. It is an io.Writer; afterwards Commit makes it
// a blob, or Discard drops it. It is not safe for concurrent use.
type Upload struct {
	ctx    context.Context
	store  keeper
	file   *os.File
	out    io.Writer // file
	size   int64
	sum    hash.Hash
	failed error // of a write: what was kept is not what was sent
	over   bool
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
// cut takes nothing away. After an error there is no blob of it, unless it says
// ErrUnavailable: then nobody knows. ErrExists: the key is taken by other bytes. The
// same bytes again are the same blob: whoever stored them may not have come further
// than that.
func (u *Upload) Commit(key string) error {
	if u.over {
		return errUploadOver
	}
	if err := usable(u.ctx, key); err != nil {
		return err
	}
	if u.failed != nil {
		return u.failed
	}
	err := u.store.keep(u, key)
	if errors.Is(err, ErrExists) {
		err = u.keptBefore(key)
	}
	if err != nil {
		return fmt.Errorf("blob %s: %w", key, err)
	}
	return nil
}

// keptBefore ends the upload where the blob that has its key is the same.
func (u *Upload) keptBefore(key string) (err error) {
	blob, err := u.store.Open(u.ctx, key)
	if err != nil {
		return err
	}
	there := sha256.New()
	n, err := io.Copy(there, blob)
	if err = errors.Join(err, blob.Close()); err != nil {
		return err
	}
	if n != u.size || !bytes.Equal(there.Sum(nil), u.sum.Sum(nil)) {
		return ErrExists
	}
	return u.Discard()
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
