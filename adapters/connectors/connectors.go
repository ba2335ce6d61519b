package connectors

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// The protocols that files come in by.
const (
	SFTP = "sftp"
	FTPS = "ftps"
)

// Connector is somebody who may drop files, and what becomes of them.
type Connector struct {
	ID          string
	Name        string
	Protocol    string
	Username    string
	HasPassword bool
	PublicKeys  []string // as in authorized_keys
	Template    aggregate.Template
	Enabled     bool
	CreatedAt   time.Time

	access int // rises when who may come in changes
}

// The outcomes of a file.
const (
	Imported    = "imported"
	Failed      = "failed"
	Quarantined = "quarantined" // its import could not be started, for no reason of its own
)

// File is a file that a connector has dropped.
type File struct {
	ImportID   string
	Name       string // as the client called it
	ReceivedAt time.Time
	Outcome    string // empty while it is held, waits or is being imported
	ReasonCode string
	Reason     string
}

// Upload is a file on its way into the blob store.
type Upload interface {
	io.Writer
	Size() int64
	SHA256() string          // hex
	Commit(key string) error // durable and readable under key from then on
	Discard() error          // leaves nothing behind; no effect after Commit
}

// Imports starts imports.
type Imports interface {
	// Drop starts the import of a file that is stored under its id, or was refused
	// while it came in. It may be called again: an import is started once.
	Drop(ctx context.Context, importID string, meta events.Meta, file events.File, refused *commands.Refusal, t aggregate.Template) (events.State, error)
	// Ending gives the event that ended an import; nil while it goes on.
	Ending(ctx context.Context, importID string) (events.Event, error)
	// CheckTemplate refuses a template that no file could follow, and gives it as it
	// is to be kept.
	CheckTemplate(ctx context.Context, t aggregate.Template) (aggregate.Template, error)
}

// Passwords hashes and compares.
type Passwords interface {
	Hash(password string) (string, error)
	// Match tells whether password is the one behind hash. An empty hash matches
	// none, and takes as long.
	Match(ctx context.Context, password, hash string) (bool, error)
}

// DB is a Postgres that has schema ledger; a *pgxpool.Pool is one.
type DB interface {
	Begin(ctx context.Context) (pgx.Tx, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Deps is what connectors need of the world.
type Deps struct {
	DB        DB
	Imports   Imports
	Passwords Passwords

	NewUpload  func(ctx context.Context) (Upload, error)
	OpenBlob   func(ctx context.Context, key string) (io.ReadSeekCloser, error)
	RemoveBlob func(ctx context.Context, key string) error // that there is none is no error
	// TryLock claims a connector's files for this process, until release is called or
	// the process dies; lost is closed when the claim is lost before that.
	TryLock func(ctx context.Context, connectorID string) (release func(), lost <-chan struct{}, ok bool, err error)
	// ParseKey reads a line of authorized_keys and gives it in the one form that it is
	// kept and compared in; its errors are sentences.
	ParseKey func(line string) (string, error)
	// IsTransient tells failures that pass by themselves, such as a database away.
	IsTransient func(error) bool

	DigestKey []byte // keys the digests that wrong passwords are counted under
	MaxBytes  int64  // of a file
	Limits    Limits
	Now       func() time.Time
	NewID     func() string // ULIDs
	Logger    *slog.Logger
}

// Limits bound what connectors may cost; zero values stand for the defaults.
type Limits struct {
	Waiting  int // files that a connector may have in its folder before they are imported; 100
	Sessions int // of a connector at once, in all processes together; 10
	Uploads  int // of a session at once; 4
	Shown    int // files that each folder lists, the newest; 1,000
}

func (l Limits) orDefaults() Limits {
	set := func(n *int, standard int) {
		if *n == 0 {
			*n = standard
		}
	}
	set(&l.Waiting, 100)
	set(&l.Sessions, 10)
	set(&l.Uploads, 4)
	set(&l.Shown, 1000)
	return l
}

// Connectors is what all parts of this package share. Safe for concurrent use.
type Connectors struct {
	deps     Deps
	sessions *sessions
	turns    *turns
	wake     chan struct{} // a file waits

	// How a wrong password's answer and a taker that failed wait; tests do not.
	delay, rest func(context.Context, time.Duration) error
}

// New makes connectors that take no files before Run.
func New(deps Deps) *Connectors {
	deps.Limits = deps.Limits.orDefaults()
	return &Connectors{deps: deps, sessions: newSessions(), turns: newTurns(), wake: make(chan struct{}, 1), delay: wait, rest: wait}
}

// tell wakes the taker. It never blocks: what it misses, the next look finds.
func (c *Connectors) tell() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func refuse(kind commands.Kind, code, message string, details ...commands.Detail) *commands.Refusal {
	return &commands.Refusal{Kind: kind, Code: code, Message: message, Details: details}
}
