package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"importledger/adapters/blob"
	"importledger/adapters/eventstore"
	"importledger/adapters/node"
	"importledger/adapters/postgres"
	"importledger/aggregate"
)

// storage is where everything is kept: the log, the database, the files. What no
// setting names is embedded, in the data directory.
type storage struct {
	log     *eventstore.Log
	pool    *pgxpool.Pool
	blobs   blob.Store
	node    *node.Node        // nil with an event store of one's own
	cluster *postgres.Cluster // nil with a Postgres of one's own

	closeBlobs func() // nil while they are not open
}

// openStorage opens what settings name, then what is embedded: nothing is made in
// the data directory for a server that does not answer. What was opened is closed
// again when something cannot be.
func openStorage(ctx context.Context, s *settings, dir *dataDir, logger *slog.Logger) (*storage, error) {
	st := &storage{}
	parts := []struct {
		named bool
		open  func(context.Context) error
	}{
		{s.EventStoreURL != "", func(ctx context.Context) error { return st.openLog(ctx, s, dir, logger) }},
		{s.DatabaseURL != "", func(ctx context.Context) error { return st.openDatabase(ctx, s, dir, logger) }},
		{s.BlobURL != "", func(ctx context.Context) (err error) {
			st.blobs, st.closeBlobs, err = openBlobs(ctx, s, dir)
			return err
		}},
	}
	for _, named := range []bool{true, false} {
		group, groupCtx := errgroup.WithContext(ctx)
		for _, part := range parts {
			if part.named == named {
				group.Go(func() error { return part.open(groupCtx) })
			}
		}
		if err := group.Wait(); err != nil {
			return nil, errors.Join(err, st.close(context.WithoutCancel(ctx)))
		}
	}
	return st, nil
}

func (st *storage) openLog(ctx context.Context, s *settings, dir *dataDir, logger *slog.Logger) error {
	connect := s.EventStoreURL
	if connect == "" {
		var err error
		if st.node, err = startNode(dir, logger); err != nil {
			return err
		}
		connect = st.node.ConnectionString()
	}
	var err error
	st.log, err = eventstore.Open(ctx, connect, eventstore.Config{Logger: logger})
	if err != nil && st.node == nil && ctx.Err() == nil {
		what, mend := explainEventStore(err, connect)
		return fmt.Errorf("%w: %s", what, mend)
	}
	return err
}

// startNode serves the log in a data directory to this process: whoever else is on this
// machine cannot read it.
func startNode(dir *dataDir, logger *slog.Logger) (*node.Node, error) {
	password := make([]byte, 24)
	if _, err := rand.Read(password); err != nil {
		return nil, fmt.Errorf("password of the embedded event store: %w", err)
	}
	return node.Open(node.Config{
		Dir: dir.file(logFolder), Logger: logger,
		Username: "importledger", Password: base64.RawURLEncoding.EncodeToString(password),
	})
}

// logFolder is where a data directory keeps the log.
const logFolder = "log"

// explainEventStore says of an event store that cannot be used what its operator
// needs to know, and what mends it.
func explainEventStore(err error, at string) (what error, mend string) { //nolint:staticcheck // ST1008: mend goes on where what ends
	mend = "correct IMPORTLEDGER_EVENTSTORE_URL"
	switch {
	case errors.Is(err, eventstore.ErrDenied):
		return fmt.Errorf("the event store at %s refuses the user name and password", maskURL(at)), mend
	case errors.Is(err, aggregate.ErrLogUnavailable):
		return fmt.Errorf("no event store answers at %s (%s)", maskURL(at), lastWords(err)), "start it, or " + mend
	}
	return err, mend
}

// lastWords is the innermost reason in what gRPC says, which quotes reasons into
// reasons.
func lastWords(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, "desc = "); i >= 0 {
		text = strings.Trim(text[i+len("desc = "):], `".`)
	}
	return text
}

func (st *storage) openDatabase(ctx context.Context, s *settings, dir *dataDir, logger *slog.Logger) error {
	connect := s.DatabaseURL
	var err error
	if connect == "" {
		st.cluster, err = postgres.StartCluster(ctx, postgres.ClusterConfig{Dir: dir.file("postgres"), Bin: s.PostgresBin, Logger: logger})
		if err != nil {
			return err
		}
		connect = st.cluster.URL()
	}
	if st.pool, err = postgres.Open(ctx, connect, postgres.PoolConfig{}); err != nil {
		return err
	}
	return postgres.Migrate(ctx, st.pool)
}

// close closes what is open, the log's users before the log.
func (st *storage) close(ctx context.Context) error {
	var all []error
	if st.log != nil {
		st.log.Close()
	}
	if st.pool != nil {
		st.pool.Close()
	}
	if st.closeBlobs != nil {
		st.closeBlobs()
	}
	if st.node != nil {
		all = append(all, st.node.Close())
	}
	if st.cluster != nil {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		all = append(all, st.cluster.Stop(ctx))
	}
	return errors.Join(all...)
}
