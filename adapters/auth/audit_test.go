package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"importledger/adapters/auth"
)

func (h *house) entries(f auth.Filter) []auth.Entry {
	h.t.Helper()
	page, total, err := h.guard.Audit().List(h.t.Context(), f, 0, 100)
	if err != nil || total != len(page) {
		h.t.Fatal(total, page, err)
	}
	return page
}

func TestTheAuditLogTellsWhoDidWhatToWhom(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.user("root", "admin")
	ann := h.user("ann", "viewer")
	by := auth.By{ID: "shop", Scopes: roles["admin"], Address: from("192.0.2.77").Address, Request: "request-1"}
	for _, do := range []func() error{
		func() error { _, err := h.users.SetRole(t.Context(), by, ann.ID, "editor"); return err },
		func() error { return h.try(t, "ann", "wrong", "192.0.2.77") },
		func() error { _, err := h.signIn("ann", password); return err },
		func() error { _, _, err := h.users.Reset(t.Context(), by, ann.ID); return err },
		func() error { _, err := h.users.Disable(t.Context(), by, ann.ID); return err },
		func() error { _, err := h.users.Disable(t.Context(), by, ann.ID); return err }, // no change
		func() error { _, err := h.users.Enable(t.Context(), by, ann.ID); return err },
	} {
		if err := do(); err != nil && !errors.Is(err, auth.ErrSignIn) {
			t.Fatal(err)
		}
	}
	var told []string
	for _, e := range h.entries(auth.Filter{Target: ann.ID}) {
		told = append([]string{strings.TrimSpace(e.Action + " " + e.Detail)}, told...)
		if e.TargetName != "ann" || e.Times != 1 || !e.At.Equal(h.clock.now()) {
			t.Errorf("%+v", e)
		}
	}
	want := "user.invited viewer, user.joined by link, user.role-changed viewer → editor, user.sign-in-failed, user.signed-in, user.password-reset link, user.disabled, user.enabled"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	change := h.entries(auth.Filter{Action: auth.UserRoleChanged})
	if len(change) != 1 || change[0].Actor != "shop" || change[0].Network != "192.0.2.0/24" || change[0].Request != "request-1" {
		t.Errorf("%+v", change)
	}
	failed := h.entries(auth.Filter{Action: auth.SignInFailed})
	if len(failed) != 1 || failed[0].Actor != "" {
		t.Errorf("who failed to sign in is taken for the user: %+v", failed)
	}
	if got := h.entries(auth.Filter{Actor: ann.ID, From: h.clock.now(), To: h.clock.now().Add(time.Second)}); len(got) != 2 || got[1].ActorName != "ann" {
		t.Errorf("%+v", got)
	}
	if got := h.entries(auth.Filter{To: h.clock.now()}); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestANameThatNobodyHasIsNotWrittenDown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if err := h.try(t, "my-secret-password-in-the-wrong-field", "x", "192.0.2.1"); !errors.Is(err, auth.ErrSignIn) {
		t.Fatal(err)
	}
	var text string
	if err := h.db.QueryRow(t.Context(), "SELECT string_agg(l::text, ' ') FROM ledger.audit_log l").Scan(&text); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "my-secret") || !strings.Contains(text, auth.SignInFailed) {
		t.Fatal(text)
	}
}

func TestWhatHappensManyTimesIsTwoEntries(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	audit := h.guard.Audit()
	for range 100 {
		if err := audit.Note(t.Context(), auth.RequestForbidden, auth.By{ID: "shop"}, "GET /x", "a:read"); err != nil {
			t.Fatal(err)
		}
	}
	if err := audit.Note(t.Context(), auth.RequestForbidden, auth.By{ID: "else"}, "GET /x", "a:read"); err != nil {
		t.Fatal(err)
	}
	times := func() (all []int) {
		for _, e := range h.entries(auth.Filter{Actor: "shop"}) {
			all = append([]int{e.Times}, all...)
		}
		return all
	}
	if got := times(); len(got) != 1 || got[0] != 1 {
		t.Fatal("the first one is not there at once:", got)
	}
	h.clock.pass(time.Minute)
	if err := audit.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := times(); len(got) != 2 || got[1] != 99 {
		t.Fatal(got)
	}
	for range 2 {
		if err := audit.Note(t.Context(), auth.RequestForbidden, auth.By{ID: "shop"}, "GET /x", "a:read"); err != nil {
			t.Fatal(err)
		}
	}
	if err := audit.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := times(); len(got) != 4 || got[3] != 1 {
		t.Fatal(got)
	}
}

func TestTheAuditLogCannotBeRewritten(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann := h.user("ann", "viewer")
	for _, sql := range []string{"UPDATE ledger.audit_log SET actor = 'x'", "DELETE FROM ledger.audit_log", "TRUNCATE ledger.audit_log"} {
		if _, err := h.db.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	old := h.clock.now().Add(-100 * 24 * time.Hour)
	if _, err := h.db.Exec(t.Context(), "INSERT INTO ledger.audit_log (at, action, target) VALUES ($1, 'user.invited', 'old')", old); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		retention time.Duration
		left      int
	}{{101 * 24 * time.Hour, 1}, {0, 0}} {
		if err := h.guard.Tidy(t.Context(), c.retention); err != nil {
			t.Fatal(err)
		}
		if got := h.entries(auth.Filter{Target: "old"}); len(got) != c.left {
			t.Errorf("%s: %v", c.retention, got)
		}
	}
	if len(h.entries(auth.Filter{Target: ann.ID})) != 2 {
		t.Error("younger entries are gone")
	}
}

func TestAChangeThatCannotBeWrittenDownDoesNotHappen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann := h.user("ann", "viewer")
	token := h.signedIn("ann")
	if _, err := h.db.Exec(t.Context(), "ALTER TABLE ledger.audit_log ADD CHECK (action NOT LIKE 'user.%' AND action NOT LIKE 'client.%') NOT VALID"); err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func() error{
		"disable": func() error { _, err := h.users.Disable(t.Context(), h.admin, ann.ID); return err },
		"invite":  func() error { _, _, err := h.users.Invite(t.Context(), h.admin, "bob", "viewer"); return err },
		"client":  func() error { _, _, err := h.clients.Create(t.Context(), h.admin, "x", []string{"a"}); return err },
		"sign in": func() error { _, err := h.signIn("ann", password); return err },
	} {
		if err := do(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if !h.isGood(token) {
		t.Error("she was disabled all the same")
	}
	if err := pgx.BeginFunc(context.WithoutCancel(t.Context()), h.db, func(tx pgx.Tx) error {
		var users, clients, sessions int
		err := tx.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM ledger.users), (SELECT count(*) FROM ledger.api_clients), (SELECT count(*) FROM ledger.sessions)").
			Scan(&users, &clients, &sessions)
		if users != 1 || clients != 0 || sessions != 1 {
			t.Error(users, clients, sessions)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
