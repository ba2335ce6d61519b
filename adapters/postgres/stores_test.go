package postgres_test

import (
	"sync"
	"testing"
	"time"

	"importledger/adapters/postgres"
	"importledger/adapters/postgres/pgtest"
)

func TestAnIdempotencyKeyBelongsToTheFirstRequest(t *testing.T) {
	t.Parallel()
	keys := postgres.NewIdempotencyKeys(pgtest.New(t))
	claim := func(client, fingerprint, id, wantFingerprint, wantID string) {
		t.Helper()
		f, i, claimed, err := keys.Claim(t.Context(), client, "key", fingerprint, id)
		if err != nil || f != wantFingerprint || i != wantID || claimed != (id == wantID) {
			t.Errorf("got %q %q %v %v", f, i, claimed, err)
		}
	}
	claim("c", "f1", "import-1", "f1", "import-1")
	claim("c", "f1", "import-2", "f1", "import-1")
	claim("c", "f2", "import-3", "f1", "import-1")
	claim("d", "f2", "import-4", "f2", "import-4")

	if err := keys.Forget(t.Context(), "c", "key", "import-3"); err != nil {
		t.Fatal(err)
	}
	claim("c", "f1", "import-5", "f1", "import-1") // it was not import-3's to give back
	if err := keys.Forget(t.Context(), "c", "key", "import-1"); err != nil {
		t.Fatal(err)
	}
	claim("c", "f3", "import-6", "f3", "import-6")
}

func TestOfRequestsAtOnceOneClaimsTheKey(t *testing.T) {
	t.Parallel()
	keys := postgres.NewIdempotencyKeys(pgtest.New(t))
	var mu sync.Mutex
	var claims int
	winners := map[string]bool{}
	var all sync.WaitGroup
	for _, id := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
		all.Go(func() {
			_, winner, claimed, err := keys.Claim(t.Context(), "c", "key", "f", id)
			mu.Lock()
			defer mu.Unlock()
			winners[winner] = true
			if err != nil {
				t.Error(err)
			}
			if claimed {
				claims++
			}
		})
	}
	all.Wait()
	if claims != 1 || len(winners) != 1 {
		t.Errorf("%d claims, winners %v", claims, winners)
	}
}

func TestOldIdempotencyKeysExpire(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	keys := postgres.NewIdempotencyKeys(pool)
	for _, key := range []string{"old", "new"} {
		if _, _, _, err := keys.Claim(t.Context(), "c", key, "f", "import-"+key); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Exec(t.Context(), "UPDATE ledger.idempotency_keys SET created_at = now() - interval '2 days' WHERE key = 'old'"); err != nil {
		t.Fatal(err)
	}
	if n, err := keys.Expire(t.Context(), time.Now().Add(-24*time.Hour)); err != nil || n != 1 {
		t.Errorf("%d expired, %v", n, err)
	}
	if got := rows(t, pool, "SELECT count(*) FROM ledger.idempotency_keys WHERE key = 'new'"); got != 1 {
		t.Error("a new key expired")
	}
}

func TestADraftIsKeptUntilItIsRemoved(t *testing.T) {
	t.Parallel()
	drafts := postgres.NewDrafts(pgtest.New(t))
	want := func(id, draft string) {
		t.Helper()
		got, ok, err := drafts.Load(t.Context(), id)
		if err != nil || ok != (draft != "") || string(got) != draft {
			t.Errorf("%s: %s %v %v, want %s", id, got, ok, err, draft)
		}
	}
	save := func(id, draft string) {
		t.Helper()
		if err := drafts.Save(t.Context(), id, []byte(draft)); err != nil {
			t.Fatal(err)
		}
	}
	want("a", "")
	save("a", `{"step": 2}`)
	save("b", `{"step": 3}`)
	save("a", `{"step": 4}`)
	want("a", `{"step": 4}`)
	for range 2 {
		if err := drafts.Remove(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		want("a", "")
	}
	want("b", `{"step": 3}`)
}

func TestOldDraftsExpire(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	drafts := postgres.NewDrafts(pool)
	for _, id := range []string{"old", "new"} {
		if err := drafts.Save(t.Context(), id, []byte(`{"step": 2}`)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Exec(t.Context(), "UPDATE ledger.import_drafts SET saved_at = now() - interval '2 days' WHERE import_id = 'old'"); err != nil {
		t.Fatal(err)
	}
	if n, err := drafts.Expire(t.Context(), time.Now().Add(-24*time.Hour)); err != nil || n != 1 {
		t.Errorf("%d expired, %v", n, err)
	}
	if _, ok, err := drafts.Load(t.Context(), "new"); !ok || err != nil {
		t.Errorf("a new draft: %v, %v", ok, err)
	}
}
