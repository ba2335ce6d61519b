package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/minio/minio-go/v7"
)

// object reads a blob of a bucket from wherever it is asked to. A connection that
// breaks or stalls in the middle is replaced: a worker may read one file for minutes.
type object struct {
	ctx    context.Context
	bucket *Bucket
	key    string
	etag   string // all of it is read of one and the same object
	size   int64

	at    int64
	body  io.ReadCloser // from at on; nil: not asked for yet
	leave context.CancelFunc
	over  bool
}

var errClosed = errors.New("the blob is closed")

// attempts is how often in a row a read may fail that brought nothing.
const attempts = 4

// Read implements io.Reader.
func (o *object) Read(p []byte) (int, error) {
	var failed error
	for try := range attempts {
		switch {
		case o.over:
			return 0, errClosed
		case o.at >= o.size:
			return 0, io.EOF
		case len(p) == 0:
			return 0, nil
		case o.ctx.Err() != nil:
			return 0, o.ctx.Err()
		}
		if try > 0 {
			if err := o.pause(time.Duration(try) * 100 * time.Millisecond); err != nil {
				return 0, err
			}
		}
		n, err := o.read(p)
		o.at += int64(n)
		if err != nil {
			o.drop()
			failed = err
		}
		if n > 0 {
			return n, nil
		}
		if errors.Is(err, ErrNotFound) {
			break
		}
	}
	return 0, fmt.Errorf("blob %s, at byte %d of %d: %w", o.key, o.at, o.size, failed)
}

// read reads on in the body, or in a new one, and ends it when nothing comes.
func (o *object) read(p []byte) (int, error) {
	if o.body == nil {
		if err := o.open(); err != nil {
			return 0, err
		}
	}
	alarm := time.AfterFunc(o.bucket.config.Stall, o.leave)
	defer alarm.Stop()
	n, err := o.body.Read(p[:min(int64(len(p)), o.size-o.at)])
	if err != nil && o.ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err) // the end came before its time too
	}
	return n, err
}

func (o *object) open() error {
	ctx, leave := context.WithCancel(o.ctx)
	var options minio.GetObjectOptions
	err := errors.Join(options.SetMatchETag(o.etag), options.SetRange(o.at, o.size-1))
	if err == nil {
		o.body, _, _, err = o.bucket.store.GetObject(ctx, o.bucket.config.Bucket, o.bucket.object(o.key), options)
	}
	if err != nil {
		leave()
		return o.bucket.explain(o.ctx, err)
	}
	o.leave = leave
	return nil
}

// drop leaves the body; the next read asks for another. What closing says about it
// is of no use to anybody.
func (o *object) drop() {
	if o.body == nil {
		return
	}
	o.leave()
	_ = o.body.Close()
	o.body = nil
}

func (o *object) pause(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-o.ctx.Done():
		return o.ctx.Err()
	}
}

// Seek implements io.Seeker.
func (o *object) Seek(offset int64, whence int) (int64, error) {
	if o.over {
		return 0, errClosed
	}
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += o.at
	case io.SeekEnd:
		offset += o.size
	default:
		return 0, errors.New("blob: seek from where?")
	}
	if offset < 0 {
		return 0, errors.New("blob: seek to before the beginning")
	}
	if offset != o.at {
		o.drop()
		o.at = offset
	}
	return offset, nil
}

// Close implements io.Closer.
func (o *object) Close() error {
	o.drop()
	o.over = true
	return nil
}
