package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/projections"
)

// nobodyHome stands for all that a request must not reach before it may: using any
// of it panics.
type nobodyHome struct {
	Imports
	aggregate.Streams
	Database
	Projections
	Changes
	Account
	Drafts
	Exports
}

type (
	noPrograms struct{ Programs }
	noAudit    struct{ AuditLog }
)

// sessions know the tokens "all", "must-change" and "none".
type sessions struct{}

var everyScope = []string{importsRead, importsWrite, contactsRead, contactsWrite, auditRead, opsWrite}

func (sessions) Resume(_ context.Context, token string) (User, error) {
	switch token {
	case "all":
		return User{ID: "u1", Name: "Ann", Scopes: everyScope}, nil
	case "none":
		return User{ID: "u2", Name: "Bob"}, nil
	case "must-change":
		return User{ID: "u3", Name: "Eve", MustChange: true}, nil
	case "away":
		return User{}, errAway
	}
	return User{}, ErrNoSession
}

func (sessions) SignIn(_ context.Context, _ Client, name, password, _ string) (string, error) {
	if name != "ann" || password != "right" {
		return "", &commands.Refusal{Kind: commands.Unacceptable, Code: "sign-in-refused", Message: "The name or the password is wrong."}
	}
	return "all", nil
}
func (sessions) Join(_ context.Context, _ Client, secret, password, _ string) (string, error) {
	if secret != "good" {
		return "", &commands.Refusal{Kind: commands.NotFound, Code: "link-invalid", Message: "This link is not valid, or no longer. Ask for a new one."}
	}
	return "all", nil
}
func (sessions) Refused(context.Context, Client, string, string, string) error { return nil }
func (sessions) SignOut(context.Context, Client, string) error                 { return nil }
func (sessions) ChangePassword(context.Context, Client, string, string, string) (string, error) {
	return "all", nil
}
func (sessions) List(context.Context, string, int, int) ([]Session, int, error) { return nil, 0, nil }
func (sessions) Revoke(context.Context, By, string) error                       { return nil }

// people know nobody's name.
type people struct{ People }

func (people) Names(context.Context, []string) (map[string]string, error) { return nil, nil }

var errAway = errors.New("the database is away")

// quiet has nothing to tell: every page shows its bell.
type quiet struct{ Notifications }

func (quiet) Unread(context.Context, string) (int, error) { return 0, nil }
func (quiet) CheckUnsubscribe(token string) error {
	if token != "good" {
		return &commands.Refusal{Kind: commands.NotFound, Code: "unsubscribe-link-invalid", Message: "This link is not whole."}
	}
	return nil
}
func (q quiet) Unsubscribe(_ context.Context, token string) error { return q.CheckUnsubscribe(token) }

// noDoors and noWebhooks are nobody's either.
type noDoors struct {
	Connectors
	Samples
}
type noWebhooks struct{ Webhooks }

func newPages(t *testing.T) *Web {
	t.Helper()
	n := nobodyHome{}
	w, err := New(Config{Imports: n, Streams: n, DB: n, Projections: n, Changes: n, Account: n, Drafts: n, Notifications: quiet{}, Exports: n, Sessions: sessions{}, People: people{}, Programs: &noPrograms{}, Audit: &noAudit{},
		Connectors: noDoors{}, Samples: noDoors{}, Webhooks: noWebhooks{},
		Roles: map[string][]string{"viewer": {importsRead}}, Scopes: everyScope,
		Limits: Limits{Bytes: 20e6, Rows: 20000, Columns: 100}, Logger: slog.New(slog.DiscardHandler),
		Standing:         func(context.Context) ([]projections.Status, uint64, error) { panic("nobody may ask") },
		Identify:         func(context.Context, string) (uuid.UUID, bool, error) { panic("nobody may ask") },
		ExistingContacts: func(context.Context, []string) ([]uuid.UUID, error) { panic("nobody may ask") },
		IsUnavailable:    func(err error) bool { return errors.Is(err, errAway) }})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func ask(t *testing.T, w *Web, method, path, token string, change ...func(*http.Request)) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	r.Header.Set("Accept", "text/html")
	if token != "" {
		r.AddCookie(&http.Cookie{Name: SessionCookie, Value: token})
	}
	for _, c := range change {
		c(r)
	}
	out := httptest.NewRecorder()
	w.ServeHTTP(out, r)
	return out.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// address fills a route's pattern in.
func address(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	path = strings.NewReplacer("{$}", "", "{id}", "01JDABCDEFGHJKMNPQRSTVWXYZ", "{revision}", "1", "{row}", "1", "{name}", "all", "{attempt}", "1", "{version}", "x", "{file...}", "base.css").Replace(path)
	return method, path
}

func TestNoRouteIsOpenToStrangersOrToThoseWithoutItsScope(t *testing.T) {
	t.Parallel()
	w := newPages(t)
	open := []string{"GET /static/{version}/{file...}", "GET /sign-in", "POST /sign-in", "GET /join", "POST /join", "GET /unsubscribe/{token}", "POST /unsubscribe/{token}"}
	for _, r := range routes() {
		method, path := address(r.pattern)
		if r.who == public {
			if !slices.Contains(open, r.pattern) {
				t.Errorf("%s is open to everybody", r.pattern)
			}
			continue
		}
		for _, token := range []string{"", "forged"} {
			got := ask(t, w, method, path, token)
			if to := got.Header.Get("Location"); method == "GET" && (got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/sign-in?next=")) {
				t.Errorf("%s with the session %q: %d to %q", r.pattern, token, got.StatusCode, to)
			}
			if method != "GET" && got.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with the session %q: %d", r.pattern, token, got.StatusCode)
			}
			script := ask(t, w, method, path, token, func(r *http.Request) { r.Header.Set("Accept", "text/event-stream") })
			if script.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s for a script with the session %q: %d", r.pattern, token, script.StatusCode)
			}
		}
		if r.who == signedIn {
			continue
		}
		if got := ask(t, w, method, path, "none"); got.StatusCode != http.StatusForbidden || !strings.Contains(body(t, got), strings.Fields(r.who)[0]) {
			t.Errorf("%s without its scope: %d", r.pattern, got.StatusCode)
		}
		if got := ask(t, w, method, path, "must-change"); got.Header.Get("Location") != "/set-up" {
			t.Errorf("%s before a password was chosen: %d", r.pattern, got.StatusCode)
		}
	}
}

func TestAFormOfAnotherSiteDoesNothing(t *testing.T) {
	t.Parallel()
	w := newPages(t)
	for _, r := range routes() {
		method, path := address(r.pattern)
		if method != "POST" {
			continue
		}
		for name, header := range map[string]http.Header{
			"fetch metadata": {"Sec-Fetch-Site": {"cross-site"}},
			"same site only": {"Sec-Fetch-Site": {"same-site"}},
			"origin":         {"Origin": {"https://elsewhere.example"}},
		} {
			got := ask(t, w, method, path, "all", func(r *http.Request) {
				for k, v := range header {
					r.Header[k] = v
				}
			})
			if got.StatusCode != http.StatusForbidden {
				t.Errorf("%s by %s: %d", r.pattern, name, got.StatusCode)
			}
		}
	}
}

func TestPagesLetNothingInlineRunAndNothingForeignLoad(t *testing.T) {
	t.Parallel()
	w := newPages(t)
	for path, status := range map[string]int{"/sign-in": 200, "/nothing": 404, "/imports": 403, "/static/x/base.css": 200} {
		got := ask(t, w, "GET", path, map[bool]string{true: "none"}[status == 403])
		if got.StatusCode != status {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
		csp := got.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none';") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") || strings.Contains(csp, "*") {
			t.Errorf("%s: %s", path, csp)
		}
		for _, name := range []string{"X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "X-Request-Id", "Cache-Control"} {
			if got.Header.Get(name) == "" {
				t.Errorf("%s: no %s", path, name)
			}
		}
		page := body(t, got)
		if strings.Contains(page, " style=") || strings.Contains(page, "<style") || strings.Contains(page, "<script>") || strings.Contains(page, " onclick") {
			t.Errorf("%s has something inline:\n%s", path, page)
		}
	}
}

func TestSigningInLeadsOnlyToPagesOfOurs(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/imports/01JD?x=1": "/imports/01JD?x=1", "": "/imports", "//evil.example": "/imports", "https://evil.example": "/imports",
		"/\\evil.example": "/imports", "/a\nb": "/imports", "/sign-out": "/imports", "imports": "/imports",
	} {
		if got := safeNext(next); got != want {
			t.Errorf("after %q one comes to %q, want %q", next, got, want)
		}
	}
	w := newPages(t)
	got := ask(t, w, "POST", "/sign-in", "", func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = io.NopCloser(strings.NewReader(url.Values{"name": {"ann"}, "password": {"right"}, "next": {"/imports?q=x"}}.Encode()))
	})
	if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/imports?q=x" {
		t.Errorf("%d to %s", got.StatusCode, got.Header.Get("Location"))
	}
	if c := got.Cookies(); len(c) != 1 || c[0].Value != "all" || !c[0].HttpOnly || !c[0].Secure || c[0].Path != "/" || c[0].SameSite != http.SameSiteLaxMode {
		t.Errorf("cookies %v", c)
	}
	wrong := ask(t, w, "POST", "/sign-in", "", func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = io.NopCloser(strings.NewReader("name=ann&password=wrong"))
	})
	if page := body(t, wrong); wrong.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(page, "The name or the password is wrong.") || strings.Contains(page, `value="wrong"`) {
		t.Errorf("%d\n%s", wrong.StatusCode, page)
	}
}

func TestADatabaseThatIsAwayIsSaidWithWhatToDo(t *testing.T) {
	t.Parallel()
	got := ask(t, newPages(t), "GET", "/imports", "away")
	if page := body(t, got); got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || !strings.Contains(page, "Try again") {
		t.Errorf("%d\n%s", got.StatusCode, page)
	}
}

func TestARouteThatPanicsIsToldByItsNumber(t *testing.T) {
	t.Parallel()
	got := ask(t, newPages(t), "GET", "/imports", "all") // there is no database behind these pages
	if page := body(t, got); got.StatusCode != http.StatusInternalServerError || !strings.Contains(page, got.Header.Get("X-Request-Id")) {
		t.Errorf("%d\n%s", got.StatusCode, page)
	}
}

// TestTheSheetHasEveryShortcut holds what the module knows, what the sheet says and
// what the navigation offers together.
func TestTheSheetHasEveryShortcut(t *testing.T) {
	t.Parallel()
	module, err := staticFiles.ReadFile("static/keys.js")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(module), "const places = {")
	list, _, _ = strings.Cut(list, "}")
	places := regexp.MustCompile(`(\w): "(/\w+)"`).FindAllStringSubmatch(list, -1)
	page := body(t, ask(t, newPages(t), "GET", "/nothing", "all"))
	for _, place := range places {
		if !strings.Contains(page, "<kbd>g</kbd> <kbd>"+place[1]+"</kbd>") {
			t.Errorf("the sheet does not have g %s for %s", place[1], place[2])
		}
		if !strings.Contains(page, `href="`+place[2]+`"`) {
			t.Errorf("the navigation does not lead to %s", place[2])
		}
	}
	if said := strings.Count(page, "<kbd>g</kbd>"); said != len(places) {
		t.Errorf("the sheet has %d places, the module %d", said, len(places))
	}
}

// TestTheAuditLogHasWordsForEveryAction finds the names of actions in the source, and
// holds them against what the page can say and be asked for.
func TestTheAuditLogHasWordsForEveryAction(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`"((?:user|session|client|request|connector|webhook|projection|rebuilds)\.[a-z]+(?:-[a-z]+)*)"`)
	found := map[string]bool{}
	for _, pattern := range []string{"../auth/*.go", "../api/*.go", "*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || file == "audit_words.go" {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range name.FindAllStringSubmatch(string(source), -1) {
				found[m[1]] = true
			}
		}
	}
	if len(found) < 20 {
		t.Fatalf("only %d actions were found", len(found))
	}
	for action := range found {
		if actionWords(action) == action {
			t.Errorf("nothing says %s in words", action)
		}
	}
	for _, g := range actionGroups {
		for _, a := range g.Actions {
			if !found[a.Name] {
				t.Errorf("nobody writes %s down", a.Name)
			}
		}
	}
}
