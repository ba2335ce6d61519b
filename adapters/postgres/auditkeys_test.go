package postgres_test

import (
	"testing"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
)

func TestKeysOfExportsStay(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	keys := postgres.NewAuditKeys(pool)
	for _, key := range []string{"old", "new", "old"} {
		if err := keys.Add(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	all, err := keys.List(t.Context())
	if err != nil || len(all) != 2 || all[0].Public != "new" || all[1].Public != "old" || all[0].Since.Before(all[1].Since) {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestALedgerHasAnIDThatStays(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	if _, err := postgres.InstanceID(t.Context(), pool); err == nil {
		t.Error("a ledger that nobody has come to has an id")
	}
	if err := postgres.EnsureKey(t.Context(), pool, "one"); err != nil {
		t.Fatal(err)
	}
	first, err := postgres.InstanceID(t.Context(), pool)
	again, errAgain := postgres.InstanceID(t.Context(), pool)
	if err != nil || errAgain != nil || len(first) != 36 || first != again {
		t.Errorf("%q, %q, %v, %v", first, again, err, errAgain)
	}
}
