package blob

import (
	"context"
	"errors"
	"io"

	"importledger/commands"
)

var (
	// ErrNotFound says that there is no blob under a key.
	ErrNotFound = errors.New("no such blob")
	// ErrExists says that there already is a blob under a key. Blobs never change.
	ErrExists = errors.New("blob exists already")
	// ErrKey says that a key is not 1 to 64 of A-Z a-z 0-9 _ -.
	ErrKey = errors.New("not a blob key")
	// ErrFull says that the storage has no room for the bytes.
	ErrFull = &commands.Refusal{Kind: commands.Unavailable, Code: "file-store-full",
		Message: "There is no room for the file at the moment. Tell whoever runs this service, and try again later."}
	// ErrUnavailable says that the storage cannot be reached at the moment.
	ErrUnavailable = &commands.Refusal{Kind: commands.Unavailable, Code: "file-store-unavailable",
		Message: "The store of files cannot be reached at the moment. Try again shortly."}
)

// Store keeps blobs. It is safe for concurrent use by any number of processes.
type Store interface {
	// Create begins an upload. Writing fails once ctx is done. Always Discard in the
	// end: after Commit that does nothing.
	Create(ctx context.Context) (*Upload, error)
	// Open opens the blob under key for reading, until ctx ends. ErrNotFound: there
	// is none.
	Open(ctx context.Context, key string) (io.ReadSeekCloser, error)
	// Remove removes the blob under key. That there is none is no error: removing
	// again, after an answer that got lost, comes to the same.
	Remove(ctx context.Context, key string) error
	// Ping tells whether blobs can be read and kept at the moment.
	Ping(ctx context.Context) error
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
