package postgres

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrationTable remembers which migrations were applied.
const migrationTable = "ledger.migrations"

// Migrate brings schemas ledger and queue to the version of this program. Several
// processes may call it at once: one migrates, the others wait. A database of a
// newer program is refused.
func Migrate(ctx context.Context, pool *pgxpool.Pool) (err error) {
	unlock, err := lockMigrations(ctx, pool)
	if err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	db := stdlib.OpenDBFromPool(pool)
	defer func() { err = errors.Join(err, db.Close(), unlock()) }()
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithTableName(migrationTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	has, knows, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	if has > knows {
		return fmt.Errorf("the database was made by a newer importledger (its schema is at %d, this one knows %d): start that version or a later one", has, knows)
	}
	return migrateQueue(ctx, pool)
}

// lockMigrations waits for the advisory lock that the process which migrates
// holds, and makes the schema that goose keeps its table in. Goose's own locker
// polls, and is taken too late to make the schema under it. The lock has a
// connection of its own, so that callers on one pool cannot starve each other.
func lockMigrations(ctx context.Context, pool *pgxpool.Pool) (unlock func() error, err error) {
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	unlock = func() error { return conn.Close(context.WithoutCancel(ctx)) }
	_, err = conn.Exec(ctx, "SELECT pg_advisory_lock($1)", lockID("migrations", "ledger"))
	if err == nil {
		_, err = conn.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS ledger")
	}
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	return unlock, nil
}

// MigrationsDigest is a short name for exactly these migrations, fit for a
// database's name.
func MigrationsDigest() string {
	sum := sha256.New()
	err := fs.WalkDir(migrationFiles, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := migrationFiles.ReadFile(path)
		sum.Write(text)
		return err
	})
	if err != nil {
		panic(err) // the files are in the program
	}
	queue, err := queueMigrator(nil)
	if err != nil {
		panic(err) // they too
	}
	for _, m := range queue.AllVersions() {
		sum.Write([]byte(m.SQLUp))
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}
