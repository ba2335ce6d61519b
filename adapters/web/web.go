package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"importledger/aggregate"
	"importledger/events"
	"importledger/projections"
)

// Config is what the pages are made of. All of it is required, but for PublicURL, Now
// and Observe.
type Config struct {
	Imports       Imports
	Streams       aggregate.Streams
	DB            Database
	Projections   Projections
	Changes       Changes
	Account       Account
	Sessions      Sessions
	People        People
	Programs      Programs
	Audit         AuditLog
	Drafts        Drafts
	Connectors    Connectors
	Samples       Samples
	Webhooks      Webhooks
	Notifications Notifications
	Exports       Exports
	Limits        Limits
	Logger        *slog.Logger
	// Roles are the scopes of each role that a user can have, and Scopes all there are.
	Roles  map[string][]string
	Scopes []string
	// PublicURL is what people reach the pages at, without a slash at its end; empty:
	// what the browser that asks reaches them at.
	PublicURL string

	// Standing tells how the read models stand, and how many events the log has.
	Standing func(context.Context) ([]projections.Status, uint64, error)
	// Identify finds a contact's nxId for an nxId or a key identifier's value; false:
	// it can be neither. Whether there is such a contact is not its question.
	Identify func(ctx context.Context, identifier string) (uuid.UUID, bool, error)
	// ExistingContacts reads nxIds and refuses those of nobody.
	ExistingContacts func(ctx context.Context, nxIDs []string) ([]uuid.UUID, error)
	// IsUnavailable tells that Postgres cannot be reached at the moment.
	IsUnavailable func(error) bool
	// Observe is told of every request, by its route's pattern.
	Observe func(method, route string, status int, took time.Duration)
	Now     func() time.Time // nil: time.Now
}

// Limits are the rules of a file that are told before one is chosen.
type Limits struct {
	Bytes   int64
	Rows    int
	Columns int
}

// Web serves the pages. Call Drain before its server is shut down.
type Web struct {
	Config
	mux       *http.ServeMux
	guard     *http.CrossOriginProtection
	assets    *assets
	pages     map[string]*template.Template
	streaming chan struct{}
	drained   chan struct{}
	drain     sync.Once
	moments   moments
	upkeep    *upkeep
}

// New makes the pages. It fails when something is missing from cfg, when a template
// is wrong and when a route does not say who may use it.
func New(cfg Config) (*Web, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Observe == nil {
		cfg.Observe = func(string, string, int, time.Duration) {}
	}
	w := &Web{Config: cfg, mux: http.NewServeMux(), guard: http.NewCrossOriginProtection(),
		streaming: make(chan struct{}, maxStreams), drained: make(chan struct{}), upkeep: newUpkeep()}
	var err error
	if w.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if w.pages, err = w.parsePages(); err != nil {
		return nil, err
	}
	return w, w.addRoutes()
}

// complete names the fields that are missing.
func (cfg Config) complete() error {
	var missing []error
	v := reflect.ValueOf(cfg)
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if !slices.Contains([]string{"PublicURL", "Now", "Observe"}, name) && v.Field(i).IsZero() {
			missing = append(missing, fmt.Errorf("the pages' %s is missing", name))
		}
	}
	return errors.Join(missing...)
}

// Drain ends the streams of those who watch imports, since the server waits for them
// when it is shut down.
func (w *Web) Drain() { w.drain.Do(func() { close(w.drained) }) }

// Close drains, ends verifications, and returns when they have ended or
// ctx does.
func (w *Web) Close(ctx context.Context) error {
	w.Drain()
	return w.upkeep.end(ctx)
}

// Exports are files that prove imports.
type Exports interface {
	// Export writes nothing before it knows that there is such an import.
	Export(ctx context.Context, importID string, w io.Writer) error
}

// Database is a pool of connections to Postgres.
type Database interface {
	projections.Querier
	projections.Beginner
}

// Projections keeps the read models; a *projections.Projector does.
type Projections interface {
	WaitFor(ctx context.Context, position events.Position, names ...string) error
	Verify(ctx context.Context, names []string) (projections.Verification, error)
	Retry(ctx context.Context, name string) error
	AskRebuild(ctx context.Context, names []string) error
	AskRollback(ctx context.Context, name string) error
	PauseRebuild(ctx context.Context, names []string) error
	ResumeRebuild(ctx context.Context, names []string) error
	CancelRebuild(ctx context.Context, names []string) error
	LimitRebuilds(ctx context.Context, perSecond int) error
	RebuildLimit(ctx context.Context) (perSecond int, err error)
}

// Changes tells which imports have changed in the imports list, whichever process
// has projected it. It may miss one.
type Changes interface {
	// Follow gives what has changed of an import, or with an empty id of any, since it
	// was last taken, until stop.
	Follow(importID string) (changed <-chan projections.Changed, stop func())
}

// Account keeps what holds for the ledger as a whole.
type Account interface {
	KeyIdentifier(ctx context.Context) (string, error)
	// SetKeyIdentifier fails with a *commands.Refusal once it can change no more.
	SetKeyIdentifier(ctx context.Context, meta events.Meta, key string) (events.Position, error)
}
