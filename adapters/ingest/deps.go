package ingest

import (
	"context"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
	"importledger/projections"
)

// Upload is a file on its way into the blob store.
type Upload interface {
	io.Writer
	Size() int64
	SHA256() string          // hex
	Reader() io.ReadSeeker   // of what was written so far
	Commit(key string) error // durable and readable under key from then on
	Discard() error          // leaves nothing behind; no effect after Commit
}

// Rows are a file's rows below its header, in order.
type Rows interface {
	Read(*aggregate.Record) error // io.EOF after the last
	Skip(n int) error
}

// Deps is what ingest needs of the world.
type Deps struct {
	Log aggregate.Streams

	NewUpload func(ctx context.Context) (Upload, error)
	OpenBlob  func(ctx context.Context, key string) (io.ReadSeekCloser, error)
	// BlobMissing tells an error of OpenBlob that trying again will not mend.
	BlobMissing func(error) bool

	// Inspect checks a whole file against the file rules and tells what it is, but for
	// name, size and hash; what as leaves empty is found out.
	Inspect func(r io.Reader, as commands.Reading) (events.File, error)
	// OpenRows reads a file as Inspect found it, whatever the limits are by now.
	OpenRows func(r io.Reader, file events.File) (Rows, error)
	// NewCSV writes a file that a spreadsheet can open and that reads back equal; bom
	// begins it with a byte order mark.
	NewCSV func(w io.Writer, separator string, bom bool) CSVWriter
	// Harmless keeps a cell from being run as a formula by a spreadsheet; reading it
	// back gives the cell as it was.
	Harmless func(cell string) string

	Account    func(ctx context.Context) (keyIdentifier string, err error)
	Attributes func(ctx context.Context) ([]events.Attribute, error) // reserved ones included
	// LastMapping finds the mapping last used for files with these columns, nil where
	// there is none.
	LastMapping func(ctx context.Context, header []string, mode events.Mode) (*aggregate.LastUsed, error)
	// WithErrors lists imports of files with these columns that have rows in error,
	// newest first, as many as are worth looking at.
	WithErrors func(ctx context.Context, header []string) ([]string, error)
	// RowsInError gives an import's rejected rows in order, each once.
	RowsInError func(ctx context.Context, importID string) iter.Seq2[projections.RejectedRow, error]
	// RowsOfContact gives accepted rows about a contact, the latest first, from before a
	// number on; 0: from the latest of all.
	RowsOfContact func(ctx context.Context, contact uuid.UUID, before int64, limit int) ([]projections.ContactRow, error)
	// Claim ties a client's idempotency key to an import, once: where the key is tied
	// already, claimed is false and the fingerprint and import are the first ones.
	Claim func(ctx context.Context, client, key, fingerprint, importID string) (firstFingerprint, firstImport string, claimed bool, err error)

	// Continue begins the work on an import, as a part of the trace that its request
	// belongs to, and gives the traceparent that the import's events carry from then on,
	// or none. Optional.
	Continue func(ctx context.Context, traceParent, name string) (_ context.Context, carried string, end func(error))

	Identity aggregate.Identity
	MaxBytes int64
	Now      func() time.Time
	NewID    func() string // ULIDs
	Logger   *slog.Logger
}

// CSVWriter writes rows of cells.
type CSVWriter interface {
	Write(cells []string) error
	Flush() error
}
