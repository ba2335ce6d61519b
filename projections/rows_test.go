package projections_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"importledger/projections"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type failer interface {
	Helper()
	Fatal(...any)
}

// rowsOf gives all rows of a read model, its checkpoint aside, as text.
func rowsOf(t testing.TB, pool *pgxpool.Pool, name string) []string {
	t.Helper()
	var all []string
	for _, table := range collect[string](t, pool, "SELECT tablename::text FROM pg_tables WHERE schemaname = $1 AND tablename <> 'checkpoint' ORDER BY 1", name) {
		for _, row := range collect[string](t, pool, fmt.Sprintf("SELECT x::text FROM %s.%s x ORDER BY 1", name, table)) {
			all = append(all, table+" "+row)
		}
	}
	return all
}

// everything is the rows of all read models.
func everything(t testing.TB, pool *pgxpool.Pool) []string {
	t.Helper()
	var all []string
	for _, name := range projections.Names() {
		all = append(all, rowsOf(t, pool, name)...)
	}
	return all
}

func collect[T any](t testing.TB, pool *pgxpool.Pool, sql string, args ...any) []T {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func exec(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func sameRows(t failer, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	var b strings.Builder
	for _, row := range want {
		if !slices.Contains(got, row) {
			fmt.Fprintln(&b, "missing:", row)
		}
	}
	for _, row := range got {
		if !slices.Contains(want, row) {
			fmt.Fprintln(&b, "too many:", row)
		}
	}
	t.Fatal(what, "\n", b.String())
}

// must gives the value of a query that has to succeed.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
