package auth_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"importledger/adapters/auth"
)

func (h *house) client(scopes ...string) (auth.Client, string) {
	h.t.Helper()
	made, secret, err := h.clients.Create(h.t.Context(), h.admin, "Shop", scopes)
	if err != nil {
		h.t.Fatal(err)
	}
	return made, secret
}

func (p process) token(t *testing.T, id, secret string) (string, error) {
	t.Helper()
	token, _, _, err := p.tokens.Issue(t.Context(), auth.Grant{ClientID: id, Secret: secret})
	return token, err
}

func TestAClientGetsTokensForItsScopes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made, secret := h.client("b", "a", "b")
	if !slices.Equal(made.Scopes, []string{"a", "b"}) || made.Origin != "managed" || len(secret) < 43 {
		t.Fatal(made, secret)
	}
	token, err := h.token(t, made.ID, secret)
	if err != nil {
		t.Fatal(err)
	}
	id, scopes, err := h.another().tokens.Verify(t.Context(), token)
	if err != nil || id != made.ID || !slices.Equal(scopes, []string{"a", "b"}) {
		t.Fatal(id, scopes, err)
	}
	var stored string
	if err := h.db.QueryRow(t.Context(), "SELECT c::text FROM ledger.api_clients c").Scan(&stored); err != nil || strings.Contains(stored, secret) {
		t.Fatal("the secret is stored", err)
	}
	page, total, err := h.clients.List(t.Context(), 0, 10)
	if err != nil || total != 1 || page[0].ID != made.ID {
		t.Fatal(page, total, err)
	}
}

func TestARotatedSecretStopsAndItsTokensWithIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made, old := h.client("a")
	token, err := h.token(t, made.ID, old)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := h.another()
	if _, _, err := elsewhere.tokens.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	_, secret, err := h.clients.Rotate(t.Context(), h.admin, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.token(t, made.ID, old); !errors.Is(err, auth.ErrInvalidClient) {
		t.Fatal("the old secret is good:", err)
	}
	fresh, err := h.token(t, made.ID, secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]process{"here": h.process, "elsewhere": elsewhere} { // at once, though an older answer is kept
		if _, _, err := p.tokens.Verify(t.Context(), fresh); err != nil {
			t.Errorf("%s: a token of the new secret is refused: %v", name, err)
		}
	}
	h.clock.pass(30 * time.Second)
	if id, _, err := elsewhere.tokens.Verify(t.Context(), token); !errors.Is(err, auth.ErrInvalidToken) || id != made.ID {
		t.Fatal("a token of the old secret is good:", id, err)
	}
}

func TestARevokedClientIsOutWithinAMinuteAndForGood(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made, secret := h.client("a")
	elsewhere := h.another()
	token, err := h.token(t, made.ID, secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := elsewhere.tokens.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is no change
		if is, err := h.clients.Revoke(t.Context(), h.admin, made.ID); err != nil || is.RevokedAt == nil {
			t.Fatal(is, err)
		}
	}
	if _, err := elsewhere.token(t, made.ID, secret); !errors.Is(err, auth.ErrInvalidClient) {
		t.Fatal(err)
	}
	h.clock.pass(59 * time.Second)
	if _, _, err := elsewhere.tokens.Verify(t.Context(), token); !errors.Is(err, auth.ErrInvalidToken) {
		t.Fatal(err)
	}
	if _, _, err := h.clients.Rotate(t.Context(), h.admin, made.ID); !errors.Is(err, auth.ErrClientRevoked) {
		t.Fatal(err)
	}
	if _, err := h.clients.Revoke(t.Context(), h.admin, "nobody"); !errors.Is(err, auth.ErrNoClient) {
		t.Fatal(err)
	}
}

func TestNobodyMakesAClientThatMayMore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ops := auth.By{ID: "ops-only", Scopes: []string{"ops"}}
	wide, _ := h.client("a", "ops")
	if _, _, err := h.clients.Create(t.Context(), ops, "x", []string{"a"}); !errors.Is(err, auth.ErrBeyondYou) {
		t.Error(err)
	}
	if _, _, err := h.clients.Rotate(t.Context(), ops, wide.ID); !errors.Is(err, auth.ErrBeyondYou) {
		t.Error(err)
	}
	for _, c := range []struct {
		name   string
		scopes []string
		code   string
	}{{"", []string{"a"}, "client-name-invalid"}, {"a\nb", []string{"a"}, "client-name-invalid"}, {"x", []string{"z"}, "scope-unknown"}, {"x", nil, "scope-missing"}} {
		if _, _, err := h.clients.Create(t.Context(), h.admin, c.name, c.scopes); err == nil || !strings.HasPrefix(err.Error(), c.code) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestTheClientOfTheEnvironmentIsTheSameForAllProcesses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	elsewhere := h.another()
	start := func(p process, id, secret string) {
		t.Helper()
		if err := p.clients.Bootstrap(t.Context(), id, secret); err != nil {
			t.Fatal(err)
		}
	}
	start(h.process, "me", "secret")
	token, err := elsewhere.token(t, "me", "secret")
	if err != nil {
		t.Fatal(err)
	}
	start(elsewhere, "me", "secret")
	h.clock.pass(time.Minute)
	if _, scopes, err := h.tokens.Verify(t.Context(), token); err != nil || !slices.Equal(scopes, roles["admin"]) {
		t.Fatal("the same environment again ended a token:", scopes, err)
	}
	start(h.process, "me", "another")
	if _, err := elsewhere.token(t, "me", "secret"); !errors.Is(err, auth.ErrInvalidClient) {
		t.Fatal(err)
	}
	start(h.process, "you", "another")
	if _, err := elsewhere.token(t, "me", "another"); !errors.Is(err, auth.ErrInvalidClient) {
		t.Fatal("a client that the environment names no more is good:", err)
	}
	if _, _, err := h.clients.Rotate(t.Context(), h.admin, "you"); err == nil || !strings.HasPrefix(err.Error(), "client-of-environment") {
		t.Fatal(err)
	}
	made, _ := h.client("a")
	for _, id := range []string{made.ID, auth.OwnerID} {
		if err := h.clients.Bootstrap(t.Context(), id, "x"); !errors.Is(err, auth.ErrClientTaken) {
			t.Errorf("%s was taken over: %v", id, err)
		}
	}
}
