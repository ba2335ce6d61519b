package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"importledger/adapters/postgres"
)

// shared is the server of this test binary.
var shared struct {
	sync.Mutex
	server  *server
	err     error // what the first start failed with: it is not tried again per test
	cluster *postgres.Cluster
	dir     string
}

// sharedServer starts the server for the first test that asks.
func sharedServer() (server, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = startShared()
	}
	if shared.err != nil {
		return server{}, fmt.Errorf("no Postgres to test with: %w", shared.err)
	}
	return *shared.server, nil
}

func startShared() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	base := os.Getenv(URLEnv)
	if base == "" {
		if err := removeAbandoned(); err != nil {
			return nil, err
		}
		var err error
		if shared.dir, err = os.MkdirTemp(tempRoot(), clusterPrefix); err != nil {
			return nil, err
		}
		if shared.cluster, err = postgres.StartCluster(ctx, Config(shared.dir)); err != nil {
			return nil, errors.Join(err, os.RemoveAll(shared.dir))
		}
		base = shared.cluster.URL()
	}
	s := &server{url: base, template: templateName()}
	return s, s.ensureTemplate(ctx)
}

func stopShared() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := errors.Join(shared.cluster.Stop(ctx), os.RemoveAll(shared.dir))
	shared.cluster = nil
	return err
}

const clusterPrefix = "importledger-pgtest-"

// removeAbandoned clears away what test binaries that were killed left behind.
// A folder of the last minutes may belong to one that is just starting.
func removeAbandoned() error {
	dirs, err := filepath.Glob(filepath.Join(tempRoot(), clusterPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < 10*time.Minute {
			continue // gone already, or young
		}
		inUse, err := postgres.ClusterInUse(dir)
		if err != nil || inUse {
			continue // somebody else's
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// Dir is a folder for a cluster of the test's own. Unlike t.TempDir, the user
// that Postgres runs under can enter it where the test is root.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(tempRoot(), clusterPrefix)
	if err == nil {
		err = os.Chmod(dir, 0o711)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Config is a cluster for tests in dir: it loses data with the machine's power,
// though not when a process is killed, and takes as many clients as parallel
// tests make.
func Config(dir string) postgres.ClusterConfig {
	return postgres.ClusterConfig{
		Dir:       dir,
		SystemDir: filepath.Join(os.TempDir(), "importledger-pgtest-system"),
		Settings: map[string]string{
			"fsync": "off", "full_page_writes": "off",
			"max_connections": "200", "shared_buffers": "64MB", "max_wal_size": "256MB",
		},
	}
}

// Cluster starts a cluster for one test, which may kill and stop it.
func Cluster(t testing.TB, cfg postgres.ClusterConfig) *postgres.Cluster {
	t.Helper()
	c, err := postgres.StartCluster(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return c
}

// ensureTemplate makes the database that the tests' ones are copies of. Several
// test binaries may share a server: the first one makes it, aside, so that it
// is whole or not there.
func (s *server) ensureTemplate(ctx context.Context) (err error) {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended($1, 0))", s.template); err != nil {
		return err
	}
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", s.template).Scan(&there); err != nil || there {
		return err
	}
	aside := s.template + "_new"
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + aside, "CREATE DATABASE " + aside + " TEMPLATE template0"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := s.migrate(ctx, aside); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, fmt.Sprintf("ALTER DATABASE %s RENAME TO %s", aside, s.template))
	return err
}

func (s *server) migrate(ctx context.Context, name string) error {
	pool, err := postgres.Open(ctx, s.database(name), postgres.PoolConfig{})
	if err != nil {
		return err
	}
	defer pool.Close()
	return postgres.Migrate(ctx, pool)
}

// templateName is another one for other migrations.
func templateName() string {
	return "importledger_template_" + postgres.MigrationsDigest()
}
