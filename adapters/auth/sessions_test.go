package auth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"importledger/adapters/auth"
)

func TestASessionEndsByIdlenessByAgeAndByHand(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann := h.user("ann", "viewer")
	idle := h.signedIn("ann")
	h.clock.pass(12*time.Hour - time.Minute)
	if !h.isGood(idle) { // and with that used
		t.Fatal("it ended early")
	}
	h.clock.pass(12*time.Hour - time.Minute)
	if !h.isGood(idle) {
		t.Fatal("its use does not count")
	}
	h.clock.pass(12 * time.Hour)
	if h.isGood(idle) {
		t.Fatal("an idle session goes on")
	}
	used := h.signedIn("ann")
	for range 28 {
		h.clock.pass(12*time.Hour - 30*time.Minute)
		if !h.isGood(used) {
			t.Fatal("it ended early")
		}
	}
	h.clock.pass(15 * time.Hour / 2)
	if !h.isGood(used) {
		t.Fatal("it ended early")
	}
	h.clock.pass(7 * time.Hour)
	if h.isGood(used) {
		t.Fatal("a session lasts for ever")
	}
	one, two := h.signedIn("ann"), h.signedIn("ann")
	all, total, err := h.sessions.List(t.Context(), ann.ID, 0, 10)
	if err != nil || total != 2 || len(all) != 2 {
		t.Fatal(all, total, err)
	}
	session, _, err := h.sessions.Resume(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := h.sessions.Revoke(t.Context(), h.admin, session.ID); err != nil {
			t.Fatal(err)
		}
	}
	if h.isGood(one) || !h.isGood(two) {
		t.Fatal("not the one that was revoked")
	}
	if err := h.sessions.SignOut(t.Context(), auth.By{}, two); err != nil || h.isGood(two) {
		t.Fatal("signing out does not sign out", err)
	}
}

func TestASessionThatWasPlantedIsNeverTakenOver(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.user("ann", "viewer")
	h.user("eve", "viewer")
	planted := h.signedIn("eve")
	token, _, err := h.sessions.SignIn(t.Context(), auth.By{}, auth.SignIn{Name: "ann", Password: password, Previous: planted})
	if err != nil {
		t.Fatal(err)
	}
	if token == planted || h.isGood(planted) || !h.isGood(token) {
		t.Fatal("the session that was there before signing in goes on")
	}
}

func TestNothingThatIsStoredOpensASession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.user("ann", "viewer")
	token := h.signedIn("ann")
	var dump string
	if err := h.db.QueryRow(t.Context(), "SELECT string_agg(s::text || encode(token_hash, 'escape'), ' ') FROM ledger.sessions s").Scan(&dump); err != nil {
		t.Fatal(err)
	}
	if len(token) < 43 || strings.Contains(dump, token) {
		t.Fatal(token, dump)
	}
}

func TestACookieIsForThisHostOnlyAndNotForScripts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.user("ann", "viewer")
	token := h.signedIn("ann")
	text := auth.Cookie(token).String()
	for _, part := range []string{"__Host-importledger=" + token, "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q lacks %q", text, part)
		}
	}
	if strings.Contains(text, "Domain") || !strings.Contains(auth.NoCookie().String(), "Max-Age=0") {
		t.Error(text, auth.NoCookie())
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if _, found, err := h.sessions.Of(r); found || err != nil {
		t.Fatal(found, err)
	}
	r.AddCookie(auth.Cookie(token))
	if is, found, err := h.sessions.Of(r); !found || err != nil || is.User.Name != "ann" {
		t.Fatal(is, err)
	}
}
