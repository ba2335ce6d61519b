// Package pgtest gives tests a Postgres: one private cluster per test binary,
// made when the first test asks for it, and in it one fresh database per test
// with the migrations applied. Where IMPORTLEDGER_TEST_DATABASE_URL names a
// server, the databases are made there instead.
//
// A package that uses it hands its TestMain over, so that nothing outlives it:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"importledger/adapters/postgres"
)

// URLEnv names a server to test against, with a user who may create databases.
const URLEnv = "IMPORTLEDGER_TEST_DATABASE_URL"

// New returns a pool on a database of the test's own, with the migrations
// applied. Pool and database go when the test ends.
func New(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), URL(t), postgres.PoolConfig{MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// URL returns the connection string of a database of the test's own, with the
// migrations applied. The database goes when the test ends, whoever is still
// connected.
func URL(t testing.TB) string {
	t.Helper()
	s, err := sharedServer()
	if err != nil {
		t.Fatal(err)
	}
	return s.copyOf(t, s.template)
}

// CopyOf returns the connection string of a database of the test's own that holds what
// the one of another connection string holds now, as a backup does. Nobody may be
// connected to that one.
func CopyOf(t testing.TB, url string) string {
	t.Helper()
	s, err := sharedServer()
	if err != nil {
		t.Fatal(err)
	}
	from, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return s.copyOf(t, from.Database)
}

func (s *server) copyOf(t testing.TB, template string) string {
	t.Helper()
	name := "importledger_test_" + strings.ToLower(rand.Text()[:12])
	if err := s.exec(t.Context(), fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, template)); err != nil {
		t.Fatalf("making the test's database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if err := s.exec(ctx, fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", name)); err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
	})
	return s.database(name)
}

// M runs a package's tests and stops the cluster after them. It is what
// goleak.VerifyTestMain takes:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M{M: m}) }
type M struct{ *testing.M }

// Run runs the tests; its result is the process's exit status.
func (m M) Run() int {
	code := m.M.Run()
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		return max(code, 1)
	}
	return code
}

// Main is all that a TestMain has to do.
func Main(m *testing.M) {
	os.Exit(M{m}.Run())
}
