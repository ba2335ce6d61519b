package blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Credentials for a bucket. Without an AccessKey they are those of the machine, on
// Amazon.
type Credentials struct{ AccessKey, SecretKey, SessionToken string }

// BucketConfig of a Bucket.
type BucketConfig struct {
	BucketURL
	Credentials Credentials
	Spool       string // folder for uploads until they are blobs
	// Stall ends a read or a request that nothing moves in; 0 is 30 s.
	Stall time.Duration
}

// Bucket keeps each blob in one object of a bucket.
//
// An object is put with the condition that there is none, and with the SHA-256 of its
// bytes, in one request: the store takes all of it or nothing, once.
type Bucket struct {
	spool
	config    BucketConfig
	store     minio.Core
	transport *http.Transport
}

var _ Store = (*Bucket)(nil)

// OpenBucket connects to a bucket, which must exist. Its errors say what to do.
func OpenBucket(ctx context.Context, config BucketConfig) (*Bucket, error) {
	config.Stall = cmp.Or(config.Stall, 30*time.Second)
	signing, err := config.signing()
	if err != nil {
		return nil, err
	}
	transport, err := minio.DefaultTransport(config.Secure)
	if err != nil {
		return nil, fmt.Errorf("bucket: %w", err)
	}
	transport.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 10 * time.Second}).DialContext
	transport.ResponseHeaderTimeout = config.Stall
	client, err := minio.New(config.Endpoint, &minio.Options{
		Creds: signing, Secure: config.Secure, Region: config.Region, Transport: transport, MaxRetries: 4,
	})
	if err != nil {
		return nil, fmt.Errorf("bucket: %w", err)
	}
	b := &Bucket{config: config, store: minio.Core{Client: client}, transport: transport}
	if err := b.Ping(ctx); err != nil {
		b.Close()
		if errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("no S3 store answers at %s: start it, or correct IMPORTLEDGER_BLOB_URL (%w)", config.Endpoint, err)
		}
		return nil, err
	}
	b.spool, err = openSpool(config.Spool)
	return b, err
}

// Close lets connections go that nobody uses.
func (b *Bucket) Close() { b.transport.CloseIdleConnections() }

func (c BucketConfig) signing() (*credentials.Credentials, error) {
	k := c.Credentials
	switch {
	case k.AccessKey != "" && k.SecretKey != "":
		return credentials.NewStaticV4(k.AccessKey, k.SecretKey, k.SessionToken), nil
	case k.AccessKey == "" && k.SecretKey == "" && c.OnAmazon():
		return credentials.NewIAM(""), nil
	}
	return nil, fmt.Errorf("the bucket %s needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", c.Bucket)
}

// Create implements Store.
func (b *Bucket) Create(ctx context.Context) (*Upload, error) { return b.create(ctx, b) }

// keep puts a finished upload.
func (b *Bucket) keep(u *Upload, key string) error {
	options := minio.PutObjectOptions{ContentType: "text/csv", DisableMultipart: true}
	options.SetMatchETagExcept("*")
	_, err := b.store.PutObject(u.ctx, b.config.Bucket, b.object(key), u.Reader(), u.size, "", u.SHA256(), options)
	if answer(err).StatusCode == http.StatusPreconditionFailed {
		return ErrExists
	}
	if err != nil {
		return b.explain(u.ctx, err)
	}
	// It is a blob now, whatever becomes of the file: one that stays is swept later.
	_ = u.Discard()
	return nil
}

// Open implements Store.
func (b *Bucket) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	if err := usable(ctx, key); err != nil {
		return nil, err
	}
	there, err := b.store.StatObject(ctx, b.config.Bucket, b.object(key), minio.StatObjectOptions{})
	if err != nil {
		err = b.explain(ctx, err)
		if errors.Is(err, ErrNotFound) {
			err = cmp.Or(b.Ping(ctx), err) // a bucket that is gone looks the same, and comes back
		}
		return nil, fmt.Errorf("blob %s: %w", key, err)
	}
	return &object{ctx: ctx, bucket: b, key: key, etag: there.ETag, size: there.Size}, nil
}

// Remove implements Store.
func (b *Bucket) Remove(ctx context.Context, key string) error {
	if err := usable(ctx, key); err != nil {
		return err
	}
	if err := b.store.RemoveObject(ctx, b.config.Bucket, b.object(key), minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("blob %s: %w", key, b.explain(ctx, err))
	}
	return nil
}

// Ping implements Store.
func (b *Bucket) Ping(ctx context.Context) error {
	there, err := b.store.BucketExists(ctx, b.config.Bucket)
	if err == nil && !there {
		err = minio.ErrorResponse{Code: minio.NoSuchBucket, StatusCode: http.StatusNotFound}
	}
	if err != nil {
		return b.explain(ctx, err)
	}
	return nil
}

func (b *Bucket) object(key string) string { return b.config.Prefix + key }

// answer is what the store said; empty where it was not the store.
func answer(err error) (a minio.ErrorResponse) {
	errors.As(err, &a)
	return a
}

// explain says what to do about a store that does not do what it was asked.
func (b *Bucket) explain(ctx context.Context, err error) error {
	a := answer(err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case a.Code == minio.NoSuchBucket:
		return fmt.Errorf("there is no bucket %s at %s: make it, or correct IMPORTLEDGER_BLOB_URL", b.config.Bucket, b.config.Endpoint)
	case a.StatusCode == http.StatusNotFound:
		return ErrNotFound
	case a.StatusCode == http.StatusForbidden || a.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%s does not let us use the bucket %s (%s): correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or what they may do there", b.config.Endpoint, b.config.Bucket, a.Code)
	case a.StatusCode == http.StatusNotImplemented:
		return fmt.Errorf("%s does not know conditional writes (If-None-Match), which keep a file from being overwritten: use a store that does", b.config.Endpoint)
	case a.StatusCode == http.StatusInsufficientStorage || a.Code == "XMinioStorageFull":
		return fmt.Errorf("%w: %s", ErrFull, a.Code)
	case a.StatusCode == 0 || a.StatusCode >= 500 || a.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("%w: the bucket %s at %s: %w", ErrUnavailable, b.config.Bucket, b.config.Endpoint, err)
	}
	return err
}
