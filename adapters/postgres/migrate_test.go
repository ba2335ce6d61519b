package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
)

// unmigrated is a pool on a database as it was before the first migration.
func unmigrated(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.New(t)
	if _, err := pool.Exec(t.Context(), "DROP SCHEMA ledger CASCADE"); err != nil {
		t.Fatal(err)
	}
	return pool
}

func TestMigratingTwiceIsMigratingOnce(t *testing.T) {
	t.Parallel()
	pool := unmigrated(t)
	for range 2 {
		if err := postgres.Migrate(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
	}
	if got := rows(t, pool, "SELECT count(*) FROM ledger.migrations WHERE version_id = 1"); got != 1 {
		t.Errorf("migration 1 was applied %d times", got)
	}
}

func TestProcessesThatStartAtOnceMigrateOnce(t *testing.T) {
	t.Parallel()
	pool := unmigrated(t)
	var all errgroup.Group
	for range 8 {
		all.Go(func() error { return postgres.Migrate(t.Context(), pool) })
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, pool, "SELECT count(*) FROM ledger.migrations WHERE version_id = 1"); got != 1 {
		t.Errorf("migration 1 was applied %d times", got)
	}
}

func TestADatabaseOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	if _, err := pool.Exec(t.Context(), "INSERT INTO ledger.migrations (version_id, is_applied) VALUES (9999, true)"); err != nil {
		t.Fatal(err)
	}
	wantSentence(t, postgres.Migrate(t.Context(), pool), "made by a newer importledger")
}

func TestEveryTableAndColumnSaysWhatItHolds(t *testing.T) {
	t.Parallel()
	found, err := pgtest.New(t).Query(t.Context(), `
		SELECT c.relname || coalesce('.' || a.attname, '')
		FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum >= 0 AND NOT a.attisdropped
		WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'r' AND c.relname <> 'migrations'
		  AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)`)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var name string
		if err := found.Scan(&name); err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s has no comment", name)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
}

func rows(t *testing.T, pool *pgxpool.Pool, sql string) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
