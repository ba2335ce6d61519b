package eventstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"importledger/events"
)

// Config of a Log. The zero value is fit for production.
type Config struct {
	Logger *slog.Logger // nil: silent

	// ServerMayBeAway lets Open succeed while the server cannot be reached; calls
	// then fail with aggregate.ErrLogUnavailable until it is there.
	ServerMayBeAway bool

	// Timeout bounds every single call, connecting included. A read of a stream
	// is one call per page. Default 10 s.
	Timeout time.Duration

	// SilentAfter is how long a subscription may hear nothing before its own
	// connection is tested, and how long that test may take. Default 5 s.
	SilentAfter time.Duration

	// MaxBackoff is the longest pause between two attempts to connect. Default
	// 500 ms.
	MaxBackoff time.Duration

	// MaxCalls bounds the calls in flight; subscriptions and CatchUp do not
	// count. Default 32.
	MaxCalls int
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Timeout = orDefault(c.Timeout, 10*time.Second)
	c.SilentAfter = orDefault(c.SilentAfter, 5*time.Second)
	c.MaxBackoff = orDefault(c.MaxBackoff, 500*time.Millisecond)
	c.MaxCalls = orDefault(c.MaxCalls, 32)
	return c
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Log is the event log. It survives its server: after an outage every call works
// again by itself. Safe for concurrent use.
type Log struct {
	config  Config
	clients *clients
}

// Open connects to the log and checks that it answers.
func Open(ctx context.Context, connectionString string, config Config) (*Log, error) {
	config = config.withDefaults()
	settings, err := parse(connectionString, config)
	if err != nil {
		return nil, err
	}
	l := &Log{config: config, clients: newClients(settings, config)}
	if err := l.Ping(ctx); err != nil {
		if config.ServerMayBeAway && isUnavailable(err) && ctx.Err() == nil {
			config.Logger.Warn("the event log cannot be reached yet", "error", err)
			return l, nil
		}
		l.Close()
		return nil, err
	}
	return l, nil
}

// parse reads a connection string. Its errors never repeat a string that may
// hold a password: where one holds an unescaped "/" or "#", a piece of it ends
// up in what the parsers call the host or the path.
func parse(connectionString string, config Config) (*esdb.Configuration, error) {
	const want = "the event log's connection string is not valid: " +
		"want esdb://[user:password@]host:port[?tls=false], with special characters in the password percent-encoded"
	settings, err := esdb.ParseConnectionString(connectionString)
	if err != nil {
		if strings.Contains(connectionString, "@") {
			return nil, errors.New(want)
		}
		return nil, fmt.Errorf("%s (%w)", want, err)
	}
	if err := settings.Validate(); err != nil {
		return nil, fmt.Errorf("the event log's connection string is not valid: %w", err)
	}
	// One attempt: the client gives up for good after its last one, so the
	// attempts that count are ours.
	settings.MaxDiscoverAttempts = 1
	settings.DiscoveryInterval = 0
	settings.GossipTimeout = max(1, min(settings.GossipTimeout, int(config.Timeout/time.Second)))
	settings.Logger = func(level esdb.LogLevel, format string, args ...any) {
		// Whoever called reports what matters; this is for looking closely.
		if config.Logger.Enabled(context.Background(), slog.LevelDebug) {
			config.Logger.Debug("event store client: "+fmt.Sprintf(format, args...), "level", level)
		}
	}
	return settings, nil
}

// Close ends the connections that are not in use, and those in use when their
// call is over; later calls fail. Close subscribers first.
func (l *Log) Close() { l.clients.close() }

// Ping tells whether the log answers, and lets us read it.
func (l *Log) Ping(ctx context.Context) error {
	_, err := l.Head(ctx)
	return err
}

// Head gives the position of the last event in the whole log, ours or not; the
// zero Position for an empty log. It is at or behind everything a subscription
// will deliver, but need not be the position of an event of ours: a read model
// that has seen all may stay before it. It costs one read of one event.
func (l *Log) Head(ctx context.Context) (events.Position, error) {
	var head events.Position
	err := l.call(ctx, "ask for the head of the log", func(ctx context.Context, client *esdb.Client) error {
		var err error
		head, err = readHead(ctx, client)
		return err
	})
	return head, err
}

func readHead(ctx context.Context, client *esdb.Client) (events.Position, error) {
	read, err := client.ReadAll(ctx, esdb.ReadAllOptions{Direction: esdb.Backwards, From: esdb.End{}}, 1)
	if err != nil {
		return events.Position{}, err
	}
	defer read.Close()
	last, err := read.Recv()
	if errors.Is(err, io.EOF) {
		return events.Position{}, nil
	}
	if err != nil {
		return events.Position{}, err
	}
	return position(last.OriginalEvent().Position), nil
}

func position(p esdb.Position) events.Position {
	return events.Position{Commit: p.Commit, Prepare: p.Prepare}
}

func recorded(e *esdb.RecordedEvent) events.Recorded {
	return events.Recorded{
		ID: e.EventID, Stream: e.StreamID, Revision: e.EventNumber, Position: position(e.Position),
		Type: e.EventType, Recorded: e.CreatedDate, Data: e.Data, Metadata: e.UserMetadata,
	}
}
