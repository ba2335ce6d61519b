package auth_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"importledger/adapters/auth"
	"importledger/adapters/postgres/pgtest"
)

var roles = auth.Roles{"admin": {"a", "b", "ops"}, "editor": {"a", "b"}, "auditor": {"a"}, "viewer": {"a"}}

// house is one process on a database of the test's own.
type house struct {
	t     *testing.T
	db    *pgxpool.Pool
	clock *clock
	admin auth.By
	process
}

type process struct {
	guard    *auth.Guard
	users    *auth.Users
	sessions *auth.Sessions
	clients  *auth.Clients
	tokens   *auth.Tokens
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, db: pgtest.New(t), clock: &clock{at: time.Now().Truncate(time.Minute)}}
	h.process = h.another()
	h.admin = auth.By{ID: "the-admin", Scopes: roles["admin"]}
	return h
}

// another is one more process on the same database.
func (h *house) another() process {
	h.t.Helper()
	guard, err := auth.NewGuard(h.db, instance, h.clock.now)
	if err != nil {
		h.t.Fatal(err)
	}
	p := process{guard: guard, users: auth.NewUsers(guard, roles), clients: auth.NewClients(guard, roles["admin"])}
	p.sessions = auth.NewSessions(p.users)
	owner, _ := auth.NewOwner(roles["admin"])
	if p.tokens, err = auth.NewTokens(guard, instance, p.clients, owner); err != nil {
		h.t.Fatal(err)
	}
	return p
}

const password = "correct horse battery"

// user is somebody who has chosen the password above.
func (h *house) user(name, role string) auth.User {
	h.t.Helper()
	_, link, err := h.users.Invite(h.t.Context(), h.admin, name, role)
	if err != nil {
		h.t.Fatal(err)
	}
	is, err := h.users.UseLink(h.t.Context(), auth.By{}, link.Token, password)
	if err != nil {
		h.t.Fatal(err)
	}
	return is
}

func (h *house) signIn(name, password string) (string, error) {
	token, _, err := h.sessions.SignIn(h.t.Context(), from("192.0.2.1"), auth.SignIn{Name: name, Password: password, Agent: "Browser"})
	return token, err
}

func (h *house) signedIn(name string) string {
	h.t.Helper()
	token, err := h.signIn(name, password)
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

func (h *house) isGood(token string) bool {
	h.t.Helper()
	_, found, err := h.sessions.Resume(h.t.Context(), token)
	if err != nil {
		h.t.Fatal(err)
	}
	return found
}

func from(address string) auth.By { return auth.By{Address: netip.MustParseAddr(address)} }

func TestAnInvitedUserChoosesAPasswordOnceAndSignsIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made, link, err := h.users.Invite(t.Context(), h.admin, "ann@example.org", "editor")
	if err != nil || !made.Invited {
		t.Fatal(made, err)
	}
	if _, err := h.signIn("ann@example.org", ""); !errors.Is(err, auth.ErrSignIn) {
		t.Fatal("somebody without a password signed in:", err)
	}
	if is, err := h.users.LinkUser(t.Context(), link.Token); err != nil || is.Name != "ann@example.org" {
		t.Fatal(is, err)
	}
	if _, err := h.users.UseLink(t.Context(), auth.By{}, link.Token, "short"); err == nil {
		t.Fatal("a short password was taken")
	}
	is, err := h.users.UseLink(t.Context(), auth.By{}, link.Token, password)
	if err != nil || is.Invited {
		t.Fatal(is, err)
	}
	if _, err := h.users.UseLink(t.Context(), auth.By{}, link.Token, password); !errors.Is(err, auth.ErrLink) {
		t.Fatal("the link worked twice:", err)
	}
	token, session, err := h.sessions.SignIn(t.Context(), auth.By{}, auth.SignIn{Name: "Ann@Example.org", Password: password, Agent: "A\nB"})
	if err != nil || session.User.ID != made.ID || session.Agent != "AB" || !slices.Equal(session.Scopes, roles["editor"]) {
		t.Fatal(session, err)
	}
	if !h.isGood(token) || h.isGood(token+"x") || h.isGood("") || h.isGood(session.ID) {
		t.Fatal("the wrong tokens are good")
	}
}

func TestALinkEndsByAgeAndByASecondOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made, first, err := h.users.Invite(t.Context(), h.admin, "ann", "viewer")
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := h.users.Reset(t.Context(), h.admin, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.users.UseLink(t.Context(), auth.By{}, first.Token, password); !errors.Is(err, auth.ErrLink) {
		t.Fatal("a replaced link works:", err)
	}
	h.clock.pass(72 * time.Hour)
	if _, err := h.users.UseLink(t.Context(), auth.By{}, second.Token, password); !errors.Is(err, auth.ErrLink) {
		t.Fatal("an old link works:", err)
	}
}

func TestOfTwoWhoUseALinkAtOnceOneGetsIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, link, err := h.users.Invite(t.Context(), h.admin, "ann", "viewer")
	if err != nil {
		t.Fatal(err)
	}
	other := h.another()
	outcomes := make([]error, 2)
	var both sync.WaitGroup
	for i, users := range []*auth.Users{h.users, other.users} {
		both.Go(func() { _, outcomes[i] = users.UseLink(t.Context(), auth.By{}, link.Token, password) })
	}
	both.Wait()
	if (outcomes[0] == nil) == (outcomes[1] == nil) || !errors.Is(errors.Join(outcomes...), auth.ErrLink) {
		t.Fatal(outcomes)
	}
}

func TestNamesAndRolesAreChecked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann := h.user("ann", "viewer")
	for _, c := range []struct{ name, role, code string }{
		{"", "viewer", "user-name-invalid"}, {"a b", "viewer", "user-name-invalid"}, {"ann\u0435", "viewer", "user-name-invalid"},
		{strings.Repeat("a", 101), "viewer", "user-name-invalid"}, {"ANN", "viewer", "user-name-taken"}, {"bob", "king", "role-unknown"},
	} {
		if _, _, err := h.users.Invite(t.Context(), h.admin, c.name, c.role); err == nil || !strings.HasPrefix(err.Error(), c.code) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, bad := range []string{"eleven char", strings.Repeat("ab", 20), strings.Repeat("ab1c2", 41), "ann\x00 and the others", "\xff\xfe and the others", "annabel-lee-Ann"} {
		if _, err := h.users.SetPassword(t.Context(), h.admin, ann.ID, bad); (err == nil) != (bad == "annabel-lee-Ann") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestNobodyHandsOutMoreThanTheyHave(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.user("root", "admin")
	boss, ann := h.user("boss", "admin"), h.user("ann", "viewer")
	ops := auth.By{ID: "ops-only", Scopes: []string{"ops"}}
	for name, do := range map[string]func() error{
		"invite an admin": func() error { _, _, err := h.users.Invite(t.Context(), ops, "x", "admin"); return err },
		"promote":         func() error { _, err := h.users.SetRole(t.Context(), ops, ann.ID, "admin"); return err },
		"demote":          func() error { _, err := h.users.SetRole(t.Context(), ops, boss.ID, "viewer"); return err },
		"reset an admin":  func() error { _, _, err := h.users.Reset(t.Context(), ops, boss.ID); return err },
		"an admin's password": func() error {
			_, err := h.users.SetPassword(t.Context(), ops, boss.ID, "another password")
			return err
		},
	} {
		if err := do(); !errors.Is(err, auth.ErrBeyondYou) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.users.Disable(t.Context(), ops, boss.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.users.Enable(t.Context(), ops, boss.ID); !errors.Is(err, auth.ErrBeyondYou) {
		t.Fatal(err)
	}
}

func TestTheLastAdminStays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	one := h.user("one", "admin")
	if _, _, err := h.users.Invite(t.Context(), h.admin, "invited", "admin"); err != nil { // cannot sign in yet
		t.Fatal(err)
	}
	if _, err := h.users.Disable(t.Context(), h.admin, one.ID); !errors.Is(err, auth.ErrLastAdmin) {
		t.Fatal(err)
	}
	if _, err := h.users.SetRole(t.Context(), h.admin, one.ID, "viewer"); !errors.Is(err, auth.ErrLastAdmin) {
		t.Fatal(err)
	}
	two := h.user("two", "admin")
	outcomes := make([]error, 2)
	var both sync.WaitGroup
	for i, id := range []string{one.ID, two.ID} { // each the other's only peer
		both.Go(func() { _, outcomes[i] = h.users.Disable(t.Context(), h.admin, id) })
	}
	both.Wait()
	if (outcomes[0] == nil) == (outcomes[1] == nil) || !errors.Is(errors.Join(outcomes...), auth.ErrLastAdmin) {
		t.Fatal(outcomes)
	}
}

func TestAChangeOfAUserEndsTheirSessionsInEveryProcess(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.user("root", "admin")
	ann := h.user("ann", "editor")
	elsewhere := h.another()
	for name, do := range map[string]func() error{
		"role":     func() error { _, err := h.users.SetRole(t.Context(), h.admin, ann.ID, "viewer"); return err },
		"password": func() error { _, err := h.users.SetPassword(t.Context(), h.admin, ann.ID, password); return err },
		"disabled": func() error { _, err := h.users.Disable(t.Context(), h.admin, ann.ID); return err },
	} {
		if _, err := h.users.Enable(t.Context(), h.admin, ann.ID); err != nil {
			t.Fatal(err)
		}
		token := h.signedIn("ann")
		if err := do(); err != nil {
			t.Fatal(name, err)
		}
		if _, found, err := elsewhere.sessions.Resume(t.Context(), token); found || err != nil {
			t.Errorf("%s: the session goes on (%v)", name, err)
		}
	}
	again := auth.User{}
	for range 2 { // the second time it is no change
		var err error
		if again, err = h.users.Disable(t.Context(), h.admin, ann.ID); err != nil || again.DisabledAt == nil {
			t.Fatal(again, err)
		}
	}
	if _, err := h.signIn("ann", password); !errors.Is(err, auth.ErrSignIn) {
		t.Fatal("a disabled user signed in:", err)
	}
	if _, err := h.users.Disable(t.Context(), h.admin, "nobody"); !errors.Is(err, auth.ErrNoUser) {
		t.Fatal(err)
	}
}

func TestAUserChangesTheirPassword(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.user("ann", "viewer")
	here, there := h.signedIn("ann"), h.signedIn("ann")
	change := func(current, next string) (string, error) {
		return h.sessions.ChangePassword(t.Context(), from("192.0.2.1"), here, current, next)
	}
	if _, err := change("wrong", "a new long password"); !errors.Is(err, auth.ErrSignIn) {
		t.Fatal(err)
	}
	if _, err := change(password, password); err == nil {
		t.Fatal("the same again was taken")
	}
	if _, err := change(password, "short"); err == nil || !h.isGood(here) {
		t.Fatal("a short one was taken")
	}
	token, err := change(password, "a new long password")
	if err != nil || h.isGood(here) || h.isGood(there) || !h.isGood(token) {
		t.Fatal(err, "sessions of the old password go on")
	}
	if _, err := h.signIn("ann", password); !errors.Is(err, auth.ErrSignIn) {
		t.Fatal("the old password is good")
	}
	if _, err := h.signIn("ann", "a new long password"); err != nil {
		t.Fatal(err)
	}
	if _, err := change(password, "a new long password"); !errors.Is(err, auth.ErrSignedOut) {
		t.Fatal(err)
	}
}

func TestTheFirstStartMakesAnAdminOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other := h.another()
	made := make([]string, 2)
	var both sync.WaitGroup
	for i, users := range []*auth.Users{h.users, other.users} {
		both.Go(func() {
			var err error
			if made[i], err = users.Bootstrap(t.Context(), ""); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if (made[0] == "") == (made[1] == "") {
		t.Fatal("not exactly one password was given out", made)
	}
	_, session, err := h.sessions.SignIn(t.Context(), auth.By{}, auth.SignIn{Name: "admin", Password: made[0] + made[1]})
	if err != nil || !session.User.MustChange || len(session.Scopes) != 0 || session.User.Role != "admin" {
		t.Fatal("who must change the password may do something", session, err)
	}
	if again, err := h.users.Bootstrap(t.Context(), ""); again != "" || err != nil {
		t.Fatal(again, err)
	}
}

func TestTheEnvironmentSetsTheAdminsPassword(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	start := func(password string) {
		t.Helper()
		if made, err := h.users.Bootstrap(t.Context(), password); made != "" || err != nil {
			t.Fatal(made, err)
		}
	}
	start("secret")
	token, session, err := h.sessions.SignIn(t.Context(), auth.By{}, auth.SignIn{Name: "admin", Password: "secret"})
	if err != nil || session.User.MustChange || len(session.Scopes) != 3 {
		t.Fatal(session, err)
	}
	start("secret")
	if !h.isGood(token) {
		t.Fatal("the same password again ended a session")
	}
	start("another")
	if h.isGood(token) {
		t.Fatal("another password left a session")
	}
	if _, err := h.signIn("admin", "another"); err != nil {
		t.Fatal(err)
	}
}
