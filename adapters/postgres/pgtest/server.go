package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"importledger/adapters/postgres"
)

// shared is the server of this test binary.
var shared struct {
	sync.Mutex
	server *server
	err    error // what the first start failed with: it is not tried again per test
}

// sharedServer starts the server for the first test that asks.
func sharedServer() (*server, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		if shared.server, shared.err = startServer(); shared.err != nil {
			shared.err = fmt.Errorf("no Postgres to test with: %w", shared.err)
		}
	}
	return shared.server, shared.err
}

func stopShared() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		return nil
	}
	err := shared.server.stop()
	shared.server = nil
	return err
}

// server is where the tests' databases are made.
type server struct {
	url      string
	template string
	admin    *pgxpool.Pool     // makes and drops databases
	cluster  *postgres.Cluster // nil where somebody else's server is used
	dir      string            // the cluster's
}

func startServer() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	s := &server{url: os.Getenv(URLEnv), template: "importledger_template_" + postgres.MigrationsDigest()}
	if s.url == "" {
		if err := s.startCluster(ctx); err != nil {
			return nil, err
		}
	}
	var err error
	if s.admin, err = postgres.Open(ctx, s.url, postgres.PoolConfig{MaxConns: 4}); err == nil {
		err = s.ensureTemplate(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *server) startCluster(ctx context.Context) (err error) {
	if err := removeAbandoned(); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp(tempRoot(), clusterPrefix); err != nil {
		return err
	}
	if s.cluster, err = postgres.StartCluster(ctx, Config(s.dir)); err != nil {
		return errors.Join(err, os.RemoveAll(s.dir))
	}
	s.url = s.cluster.URL()
	return nil
}

func (s *server) stop() error {
	if s.admin != nil {
		s.admin.Close()
	}
	if s.cluster == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(s.cluster.Stop(ctx), os.RemoveAll(s.dir))
}

// database is the server's URL with another database.
func (s *server) database(name string) string {
	u, err := url.Parse(s.url)
	if err != nil {
		panic(err) // it has been connected to
	}
	u.Path = "/" + name
	return u.String()
}

// exec runs one statement outside of a transaction, as those on databases need.
func (s *server) exec(ctx context.Context, sql string) error {
	_, err := s.admin.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return err
}

// ensureTemplate makes the database that the tests' ones are copies of. Several
// test binaries may share a server: the first one makes it, aside, so that it
// is whole or not there. Other migrations have another template.
func (s *server) ensureTemplate(ctx context.Context) error {
	lock, err := s.admin.Acquire(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	if _, err := lock.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended($1, 0))", s.template); err != nil {
		return err
	}
	err = s.makeTemplate(ctx)
	_, unlockErr := lock.Exec(ctx, "SELECT pg_advisory_unlock(hashtextextended($1, 0))", s.template)
	return errors.Join(err, unlockErr)
}

func (s *server) makeTemplate(ctx context.Context) error {
	var there bool
	err := s.admin.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", s.template).Scan(&there)
	if err != nil || there {
		return err
	}
	aside := s.template + "_new"
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + aside, "CREATE DATABASE " + aside + " TEMPLATE template0"} {
		if err := s.exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := s.migrate(ctx, aside); err != nil {
		return err
	}
	return s.exec(ctx, fmt.Sprintf("ALTER DATABASE %s RENAME TO %s", aside, s.template))
}

func (s *server) migrate(ctx context.Context, name string) error {
	pool, err := postgres.Open(ctx, s.database(name), postgres.PoolConfig{})
	if err != nil {
		return err
	}
	defer pool.Close()
	return postgres.Migrate(ctx, pool)
}
