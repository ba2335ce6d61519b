package main

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"importledger/adapters/blob"
)

// openBlobs opens the store of uploaded files, and gives what closes it again.
func openBlobs(ctx context.Context, s *settings, dir *dataDir) (blob.Store, func(), error) {
	if strings.HasPrefix(s.BlobURL, "s3://") {
		b, err := openBucket(ctx, s, dir.file("uploads"))
		if err != nil {
			return nil, nil, err
		}
		return b, b.Close, nil
	}
	path := dir.file("files")
	if s.BlobURL != "" {
		var err error
		if path, err = blobFolder(s.BlobURL); err != nil {
			return nil, nil, err
		}
	}
	f, err := blob.OpenFolder(path)
	return f, func() {}, err
}

// openBucket opens the bucket that the settings name; uploads wait in spool.
func openBucket(ctx context.Context, s *settings, spool string) (*blob.Bucket, error) {
	at, err := blob.ParseBucketURL(s.BlobURL)
	if err != nil {
		return nil, err // was found when the settings were loaded
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return blob.OpenBucket(ctx, blob.BucketConfig{BucketURL: at, Credentials: s.bucketKeys, Spool: spool})
}

// bucketKeys are the credentials of the S3 store, by the names that all of its
// clients go by.
func bucketKeys(env environment) blob.Credentials {
	return blob.Credentials{AccessKey: env.get("AWS_ACCESS_KEY_ID"), SecretKey: env.get("AWS_SECRET_ACCESS_KEY"), SessionToken: env.get("AWS_SESSION_TOKEN")}
}

func isBlobURL(v string) error {
	if strings.HasPrefix(v, "s3://") {
		_, err := blob.ParseBucketURL(v)
		return err
	}
	_, err := blobFolder(v)
	return err
}

func blobFolder(v string) (string, error) {
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "file" || u.Host != "" || !strings.HasPrefix(u.Path, "/") || u.RawQuery != "" {
		return "", errors.New("must be file:/// and an absolute path, or s3://BUCKET")
	}
	return filepath.FromSlash(u.Path), nil
}

func (d *doctor) storedFiles(ctx context.Context) finding {
	if d.settings.BlobURL == "" {
		return allWell("in the data directory")
	}
	if strings.HasPrefix(d.settings.BlobURL, "s3://") {
		return d.bucket(ctx)
	}
	path, err := blobFolder(d.settings.BlobURL)
	if err != nil {
		return mustMend("correct IMPORTLEDGER_BLOB_URL", "%v", err)
	}
	dir := nearestFolder(path)
	if err := writable(dir); err != nil {
		return mustMend("make it writable for this user, or correct IMPORTLEDGER_BLOB_URL", "%s is not writable (%v)", dir, cause(err))
	}
	return allWell("%s, writable", path)
}
