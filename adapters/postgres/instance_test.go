package postgres_test

import (
	"errors"
	"sync"
	"testing"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
)

func TestALedgerIsTiedToTheFirstKey(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	results := make([]error, 8)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() { results[i] = postgres.EnsureKey(t.Context(), pool, []string{"one", "other"}[i%2]) })
	}
	all.Wait()
	for i, err := range results {
		if errors.Is(err, postgres.ErrOtherKey) == errors.Is(results[(i+1)%2], postgres.ErrOtherKey) {
			t.Errorf("%v", results)
			break
		}
	}
	tied, other := "one", "other"
	if results[0] != nil {
		tied, other = other, tied
	}
	if err := postgres.EnsureKey(t.Context(), pool, tied); err != nil {
		t.Errorf("the same key again: %v", err)
	}
	if err := postgres.EnsureKey(t.Context(), pool, other); !errors.Is(err, postgres.ErrOtherKey) {
		t.Errorf("another key: %v", err)
	}
}

func TestALedgerIsTiedToOneLog(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	if id, err := postgres.LogID(t.Context(), pool); err != nil || id != "" {
		t.Errorf("a new database: %q, %v", id, err)
	}
	if err := postgres.EnsureKey(t.Context(), pool, "key"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"one", "one", "other"} {
		if err := postgres.TieLog(t.Context(), pool, id); err != nil {
			t.Fatal(err)
		}
		if got, err := postgres.LogID(t.Context(), pool); err != nil || got != id {
			t.Errorf("tied to %q, %v, want %q", got, err, id)
		}
	}
}
