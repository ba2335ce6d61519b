package auth_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"importledger/adapters/auth"
)

func (p process) try(t *testing.T, name, password, address string) error {
	t.Helper()
	_, _, err := p.sessions.SignIn(t.Context(), from(address), auth.SignIn{Name: name, Password: password})
	return err
}

// delayed gives how long an attempt is put off; 0: it was looked at.
func delayed(err error) time.Duration {
	if d, ok := errors.AsType[*auth.Delayed](err); ok {
		return d.RetryAfter()
	}
	return 0
}

func TestWrongPasswordsGetSlowerInAllProcessesTogether(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.user("ann", "viewer")
	processes := []process{h.process, h.another()}
	processes[0].guard.CompareCheaply(password)
	compared := processes[1].guard.CompareCheaply(password)
	for i := range 11 {
		if err := processes[i%2].try(t, "ann", "wrong", "192.0.2.1"); !errors.Is(err, auth.ErrSignIn) {
			t.Fatal(i, err)
		}
	}
	before := compared.Load()
	wait := delayed(processes[1].try(t, "ann", password, "192.0.2.1"))
	if wait != 2*time.Second || compared.Load() != before {
		t.Fatal("an attempt that came too soon was looked at", wait)
	}
	for _, want := range []time.Duration{4 * time.Second, 8 * time.Second, 16 * time.Second} {
		h.clock.pass(wait)
		if err := processes[0].try(t, "ann", "wrong", "192.0.2.1"); !errors.Is(err, auth.ErrSignIn) {
			t.Fatal(err)
		}
		// What time has forgiven is less than a whole attempt.
		if wait = delayed(processes[1].try(t, "ann", "wrong", "192.0.2.1")); wait > want || wait <= want/4 {
			t.Fatal(wait, want)
		}
	}
	if err := h.try(t, "ann", password, "198.51.100.1"); err != nil {
		t.Fatal("her own place has to wait for the other's attempts:", err)
	}
	h.clock.pass(15 * time.Minute)
	if err := h.try(t, "ann", password, "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	if err := h.try(t, "ann", "wrong", "192.0.2.1"); !errors.Is(err, auth.ErrSignIn) {
		t.Fatal("a right one forgives the wrong ones:", err)
	}
}

func TestOnePlaceThatTriesManyNamesGetsSlower(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.user("ann", "viewer")
	h.guard.CompareCheaply(password)
	looked := 0
	for i := range 80 {
		address := fmt.Sprintf("2001:db8::%x", i+1) // one subscriber has all of them
		if delayed(h.try(t, fmt.Sprintf("user%d", i), "wrong", address)) == 0 {
			looked++
		}
	}
	if looked != 61 {
		t.Fatal(looked)
	}
	if delayed(h.try(t, "ann", password, "2001:db8::1:0:0:1")) == 0 {
		t.Fatal("the /64 is let in by another name")
	}
	if err := h.try(t, "ann", password, "2001:db8:0:1::1"); err != nil {
		t.Fatal("another place has to wait:", err)
	}
}

func TestOneNameTriedFromEverywhereGetsSlower(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.guard.CompareCheaply(password)
	looked := 0
	for i := range 110 {
		if delayed(h.try(t, "ann", "wrong", fmt.Sprintf("198.51.%d.1", i))) == 0 {
			looked++
		}
	}
	if looked != 101 {
		t.Fatal(looked)
	}
	h.clock.pass(time.Minute)
	if wait := delayed(h.try(t, "ann", "wrong", "203.0.113.1")); wait != 0 {
		t.Fatal("its owner waits for more than a minute:", wait)
	}
}

func TestWhoDoesNotExistTakesAsLong(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann, bob := h.user("ann", "viewer"), h.user("bob", "viewer")
	if _, err := h.users.Disable(t.Context(), h.admin, bob.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.users.Invite(t.Context(), h.admin, "cho", "viewer"); err != nil {
		t.Fatal(err)
	}
	made, _ := h.client("a")
	compared := h.guard.CompareCheaply(password)
	for _, name := range []string{"ann", "bob", "cho", "nobody", "no name at all", ""} {
		before := compared.Load()
		if err := h.try(t, name, "wrong", "192.0.2.1"); !errors.Is(err, auth.ErrSignIn) || compared.Load() != before+1 {
			t.Errorf("%q: %d comparisons, %v", name, compared.Load()-before, err)
		}
	}
	for _, id := range []string{made.ID, "nobody", ann.ID, ""} {
		before := compared.Load()
		if _, err := h.token(t, id, "wrong"); !errors.Is(err, auth.ErrInvalidClient) || compared.Load() != before+1 {
			t.Errorf("%q: %d comparisons, %v", id, compared.Load()-before, err)
		}
	}
}

func TestCountsTellNoNamesAndNoAddresses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.user("ann", "viewer")
	if err := h.try(t, "ann", "wrong", "192.0.2.1"); !errors.Is(err, auth.ErrSignIn) {
		t.Fatal(err)
	}
	var n int
	err := h.db.QueryRow(t.Context(), "SELECT count(*) FROM ledger.secret_attempts WHERE length(key) = 16").Scan(&n)
	if err != nil || n != 3 {
		t.Fatal(n, err)
	}
	h.clock.pass(25 * time.Hour)
	if err := h.guard.Tidy(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if err := h.db.QueryRow(t.Context(), "SELECT count(*) FROM ledger.secret_attempts").Scan(&n); err != nil || n != 0 {
		t.Fatal(n, err)
	}
}
