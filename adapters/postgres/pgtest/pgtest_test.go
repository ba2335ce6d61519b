package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"importledger/adapters/postgres/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.M{M: m}) }

func TestEveryTestHasADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	one, other := pgtest.New(t), pgtest.New(t)
	if _, err := one.Exec(t.Context(), "INSERT INTO ledger.idempotency_keys (client_id, key, fingerprint, import_id) VALUES ('c', 'k', 'f', 'i')"); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := other.QueryRow(t.Context(), "SELECT count(*) FROM ledger.idempotency_keys").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != 0 {
		t.Error("two tests share a database")
	}
}

func TestADatabaseGoesWithItsTest(t *testing.T) {
	t.Parallel()
	var url string
	t.Run("while somebody is connected", func(t *testing.T) {
		url = pgtest.URL(t)
		if _, err := pgx.Connect(t.Context(), url); err != nil {
			t.Fatal(err)
		}
	})
	if conn, err := pgx.Connect(t.Context(), url); err == nil {
		t.Error("the database is still there", conn.Close(t.Context()))
	}
}

// BenchmarkNew is what a test pays for its database.
func BenchmarkNew(b *testing.B) {
	pgtest.URL(b)
	for b.Loop() {
		pgtest.New(b)
	}
}
