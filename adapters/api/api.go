package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"

	"importledger/aggregate"
	"importledger/projections"
)

// Config is what the API is made of. All of it is required, but for Now,
// Tracing and Dependencies.
type Config struct {
	Imports     Imports
	Streams     aggregate.Streams
	Log         Log
	DB          DB // a pool
	Projections Projections
	Changes     Changes
	Account     Account
	Connectors  Connectors
	Webhooks    Webhooks
	Exports     Exports
	Tokens      Tokens
	Access      Access
	Metrics     *Metrics
	Logger      *slog.Logger
	Version     string // of the program

	// Identify finds a contact's nxId for an nxId or a key identifier's value; false:
	// it can be neither. Whether there is such a contact is not its question.
	Identify func(ctx context.Context, identifier string) (uuid.UUID, bool, error)
	// IsUnavailable tells that Postgres cannot be reached at the moment.
	IsUnavailable func(error) bool
	// Tracing makes a span of every request; nil: none.
	Tracing trace.TracerProvider
	// Dependencies are what /readyz looks at.
	Dependencies []Dependency
	Now          func() time.Time // nil: time.Now
}

// API serves the HTTP API. Call Close when it is not served any more.
type API struct {
	imports       Imports
	streams       aggregate.Streams
	db            DB
	projections   Projections
	changes       Changes
	account       Account
	connectors    Connectors
	webhooks      Webhooks
	exports       Exports
	tokens        Tokens
	access        Access
	metrics       *Metrics
	tracer        trace.Tracer // nil: nobody looks
	log           *slog.Logger
	identify      func(context.Context, string) (uuid.UUID, bool, error)
	isUnavailable func(error) bool
	now           func() time.Time

	mux        *http.ServeMux
	huma       huma.API
	served     map[string]bool
	tagged     map[string]bool // routes whose answers carry an ETag
	faults     []error         // of routes, until New reports them
	end        *endFinder
	recent     recentImports
	health     *health
	background *background
	streaming  chan struct{}
	searching  chan struct{}
}

// DB is Postgres as reading the read models goes.
type DB interface {
	projections.Querier
	projections.Beginner
}

// New makes the API. It fails when something is missing from cfg, and when a route
// has no scope.
func New(cfg Config) (*API, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	a := &API{
		imports: cfg.Imports, streams: cfg.Streams, db: cfg.DB, projections: cfg.Projections, changes: cfg.Changes, account: cfg.Account, connectors: cfg.Connectors, webhooks: cfg.Webhooks, exports: cfg.Exports, tokens: cfg.Tokens, access: cfg.Access,
		metrics: cfg.Metrics, log: cfg.Logger, identify: cfg.Identify, isUnavailable: cfg.IsUnavailable, now: cfg.Now,
		mux: http.NewServeMux(), served: map[string]bool{}, tagged: map[string]bool{}, end: &endFinder{log: cfg.Log},
		background: newBackground(), streaming: make(chan struct{}, maxStreams), searching: make(chan struct{}, maxSearches),
	}
	if cfg.Tracing != nil {
		a.tracer = cfg.Tracing.Tracer("importledger/api")
	}
	if a.now == nil {
		a.now = time.Now
	}
	a.health = &health{api: a, dependencies: cfg.Dependencies, drained: make(chan struct{})}
	a.huma = humago.New(a.mux, document(cfg.Version))
	if err := a.metrics.registry.Register(standings{a}); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return a, a.addRoutes()
}

// complete names the fields that are missing.
func (cfg Config) complete() error {
	return errors.Join(missingIn(cfg), missingIn(cfg.Access))
}

func missingIn(config any) error {
	var missing []error
	v := reflect.ValueOf(config)
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if name != "Now" && name != "Dependencies" && name != "Tracing" && v.Field(i).IsZero() {
			missing = append(missing, fmt.Errorf("the API's %s is missing", name))
		}
	}
	return errors.Join(missing...)
}

func (a *API) addRoutes() error {
	a.addToken()
	a.addImportReads()
	a.addCreate()
	a.addPreview()
	a.addImportWrites()
	a.addImportFiles()
	a.addHistory()
	a.addExports()
	a.addProgress()
	a.addContacts()
	a.addProvenance()
	a.addKeyIdentifier()
	a.addAttributes()
	a.addAttributeWrites()
	a.addSegments()
	a.addSegmentWrites()
	a.addSegmentHistory()
	a.addConnectors()
	a.addWebhooks()
	a.addOperations()
	a.addRebuilds()
	a.addStoppedEvent()
	a.addUsers()
	a.addClients()
	a.addSessions()
	a.addAudit()
	a.addHealth()
	if err := a.addDocs(); err != nil {
		return err
	}
	return a.checkAccess()
}

func document(version string) huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "importledger", Version: version,
				Description: "Imports of contacts and events, as a ledger. JSON in and out; times are Unix epoch milliseconds. " +
					"Every write answers X-Ledger-Position; send it as ?after= to read what you wrote."},
			Extensions: map[string]any{"x-error-codes": errorCodes},
			Tags: []*huma.Tag{{Name: "Tokens"}, {Name: "Imports"}, {Name: "Contacts"}, {Name: "Attributes"}, {Name: "Segments"},
				{Name: "Connectors"}, {Name: "Operations"}, {Name: "Users"}, {Name: "API clients"}, {Name: "Webhooks"}, {Name: "Audit"}, {Name: "Health"}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token": {Type: "http", Scheme: "bearer", BearerFormat: "JWT",
						Description: "An access token of POST /oauth2/token. Each operation names the scope that it needs."},
					"session": {Type: "apiKey", In: "cookie", Name: "__Host-importledger",
						Description: "The session of a signed-in browser, for pages of this server. The user's role gives the scopes."},
				},
			},
		},
		Formats:       map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat},
		DefaultFormat: "application/json",
	}
}

// Drain makes /readyz say that the service is going, and ends the streams of those
// who follow imports: call it before the server is shut down, which waits for them.
func (a *API) Drain() { a.health.drain.Do(func() { close(a.health.drained) }) }

// Close drains, ends rebuilds, and returns when they have ended or ctx does.
func (a *API) Close(ctx context.Context) error {
	a.Drain()
	a.background.end()
	ended := make(chan struct{})
	go func() {
		a.background.work.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("work in the background has not ended: %w", ctx.Err())
	}
}
