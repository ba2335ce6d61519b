package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"importledger/events"
	"importledger/projections"
)

// Config is what a Notifier is made of.
type Config struct {
	DB *pgxpool.Pool
	// Key is the secret that secrets of webhooks and links to unsubscribe are derived
	// from, at least 32 bytes, the same in all processes.
	Key []byte
	// Head gives the end of the log: where a ledger that never told of anything begins.
	Head func(context.Context) (events.Position, error)
	// Changed tells that imports may have ended; it may miss some. stop ends it.
	Changed func() (changed <-chan projections.Changed, stop func())
	// Mail sends mail; nil: nobody gets any.
	Mail *MailServer
	// PublicURL is what people reach the web interface at, without a slash at its end;
	// empty: messages have no links. Mail needs it.
	PublicURL string
	// AllowHTTP lets webhooks be called without TLS, AllowPrivate on addresses that are
	// no public ones.
	AllowHTTP    bool
	AllowPrivate bool

	// Poll is how often the queue is looked at for what nobody tells of, such as jobs to
	// be tried again.
	Poll   time.Duration
	Now    func() time.Time
	Logger *slog.Logger
}

// Notifier tells of ended imports. Safe for concurrent use, also by several processes
// on one database.
type Notifier struct {
	Config
	client  *http.Client // calls webhooks
	queue   *river.Client[pgx.Tx]
	backoff func(attempt int) time.Duration
	step    func(name string) error // tests let a step fail; nil: none does
}

// New makes a Notifier that only answers questions until Run.
func New(cfg Config) (*Notifier, error) {
	if len(cfg.Key) < 32 {
		return nil, errors.New("the key of notifications has fewer than 32 bytes")
	}
	if cfg.Mail != nil && cfg.PublicURL == "" {
		return nil, errors.New("mail needs the public URL: without it nobody could unsubscribe")
	}
	n := &Notifier{Config: cfg, backoff: backoff}
	n.client = newWebhookClient(cfg.AllowPrivate)
	var err error
	n.queue, err = n.newQueue()
	return n, err
}

// Begin makes a ledger that never told of anything begin at the end of its log: what
// ended before is nobody's news. It must be called before imports can end.
func (n *Notifier) Begin(ctx context.Context) error {
	var begun bool
	if err := n.DB.QueryRow(ctx, "SELECT EXISTS (SELECT FROM ledger.notified)").Scan(&begun); err != nil {
		return fmt.Errorf("notifications: %w", err)
	}
	if begun {
		return nil
	}
	head, err := n.Head(ctx)
	if err != nil {
		return fmt.Errorf("notifications begin at the log's end: %w", err)
	}
	_, err = n.DB.Exec(ctx, "INSERT INTO ledger.notified (log_commit, log_prepare) VALUES ($1, $2) ON CONFLICT DO NOTHING", head.Commit, head.Prepare)
	if err != nil {
		return fmt.Errorf("notifications: %w", err)
	}
	return nil
}

// Run notices imports that end, and sends what is queued, until ctx ends; then it lets
// what is being sent come to its end.
func (n *Notifier) Run(ctx context.Context) error {
	// Not under ctx: the queue is stopped in order.
	if err := n.queue.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	var tidying sync.WaitGroup
	tidying.Go(func() { n.tidy(ctx) })
	n.follow(ctx)
	tidying.Wait()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err := n.queue.Stop(stopping); err != nil {
		return errors.Join(err, n.queue.StopAndCancel(context.WithoutCancel(ctx)))
	}
	return nil
}

// stopWithin is how long messages on their way may take when the process is to end.
const stopWithin = 5 * time.Second

func (n *Notifier) at(step string) error {
	if n.step == nil {
		return nil
	}
	return n.step(step)
}
