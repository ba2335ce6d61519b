package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"

	"importledger/adapters/blob"
)

// bucket keeps a file in the S3 store, reads it, sees that nobody can overwrite it,
// and removes it: permissions have no other test.
func (d *doctor) bucket(ctx context.Context) (f finding) {
	const mend = "see that the store runs, and correct IMPORTLEDGER_BLOB_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	spool, err := os.MkdirTemp("", "importledger-doctor-")
	if err != nil {
		return mustMend("make room for temporary files", "a temporary folder cannot be made (%v)", cause(err))
	}
	defer func() {
		if err := os.RemoveAll(spool); err != nil && f.State == verdictOK {
			f = worthKnowing("remove it", "the temporary folder %s stays behind (%v)", spool, cause(err))
		}
	}()
	bucket, err := openBucket(ctx, d.settings, spool)
	if err != nil {
		return mustMend(mend, "%v", err)
	}
	defer bucket.Close()
	if err := tryStore(ctx, bucket); err != nil {
		return mustMend(mend, "%s: %v", maskURL(d.settings.BlobURL), err)
	}
	return allWell("%s, readable and writable", maskURL(d.settings.BlobURL))
}

// tryStore goes once through all that the ledger does with a store.
func tryStore(ctx context.Context, store blob.Store) (err error) {
	key := "doctor-" + rand.Text()
	if err := tryKeeping(ctx, store, key, "written by importledger doctor"); err != nil {
		return fmt.Errorf("a file cannot be kept: %w", err)
	}
	defer func() {
		if removed := store.Remove(ctx, key); removed != nil {
			err = errors.Join(err, fmt.Errorf("a file cannot be removed: %w", removed))
		}
	}()
	file, err := store.Open(ctx, key)
	if err != nil {
		return fmt.Errorf("a file cannot be read: %w", err)
	}
	_, err = io.Copy(io.Discard, file)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("a file cannot be read: %w", err)
	}
	if err := tryKeeping(ctx, store, key, "overwritten by importledger doctor"); !errors.Is(err, blob.ErrExists) {
		return errors.New("a file can be overwritten: use a store that knows conditional writes (If-None-Match)")
	}
	return nil
}

func tryKeeping(ctx context.Context, store blob.Store, key, text string) (err error) {
	upload, err := store.Create(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, upload.Discard()) }()
	if _, err := io.WriteString(upload, text); err != nil {
		return err
	}
	return upload.Commit(key)
}
