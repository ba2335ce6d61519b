package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"importledger/adapters/api"
	"importledger/adapters/auth"
)

// Every route that needs a scope, with every scope, and with tokens that are none:
// only the right cells pass.
func TestOnlyTheRightTokenPassesAnyRoute(t *testing.T) {
	t.Parallel()
	s := serveHere(t)
	expired := s.issuerAt(func() time.Time { return time.Now().Add(-auth.Lifetime - time.Minute) }).token(t)
	forged := s.issuerWith([]byte(strings.Repeat("x", 32)), time.Now).token(t)
	unsigned := strings.Join(strings.Split(s.token(), ".")[:2], ".") + "."
	tokens := map[string]string{}
	for _, scope := range api.Scopes() {
		tokens[scope] = s.token(scope)
	}
	cells := 0
	for path, methods := range s.document().Paths {
		for method, op := range methods {
			route, needs := strings.ToUpper(method)+" "+path, scopeOf(op.Security)
			try := func(authorization string) int {
				cells++
				r := s.request(strings.ToUpper(method), nowhere(path), "")
				if authorization != "" {
					r.Header.Set("Authorization", authorization)
				}
				return s.send(r).status
			}
			if needs == "" {
				continue // who may call it is not a question of scopes
			}
			for name, bad := range map[string]string{"no token": "", "no token at all": "Bearer ", "a wrong token": "Bearer nonsense", "another scheme": "Basic dGVzdDp0ZXN0",
				"an expired token": "Bearer " + expired, "a token of another instance": "Bearer " + forged, "an unsigned token": "Bearer " + unsigned} {
				if got := try(bad); got != http.StatusUnauthorized {
					t.Errorf("%s with %s: %d", route, name, got)
				}
			}
			for scope, token := range tokens {
				got := try("Bearer " + token)
				if scope == needs && !strings.Contains(needs, " ") && (got == http.StatusUnauthorized || got == http.StatusForbidden || got >= 500) {
					t.Errorf("%s with %s: %d, though it is the right scope", route, scope, got)
				}
				if scope != needs && got != http.StatusForbidden {
					t.Errorf("%s with %s: %d, though it needs %s", route, scope, got, needs)
				}
			}
			if got := try("Bearer " + s.token(strings.Fields(needs)...)); got == http.StatusUnauthorized || got == http.StatusForbidden || got >= 500 {
				t.Errorf("%s with %s: %d, though these are the right scopes", route, needs, got)
			}
			for _, missing := range strings.Fields(needs) {
				others := slices.DeleteFunc(api.Scopes(), func(one string) bool { return one == missing })
				if got := try("Bearer " + s.token(others...)); got != http.StatusForbidden {
					t.Errorf("%s with every scope but %s: %d", route, missing, got)
				}
			}
		}
	}
	if cells < 400 {
		t.Errorf("only %d cells: the document has lost its routes", cells)
	}
}

func scopeOf(security []map[string][]string) string {
	for _, needs := range security {
		if scopes := needs["token"]; len(scopes) > 0 {
			return strings.Join(scopes, " ")
		}
	}
	return ""
}

// nowhere fills a path with ids of nothing, so that what passes changes nothing.
func nowhere(path string) string {
	return strings.NewReplacer("{id}", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "{revision}", "0", "{identifier}", uuid.Nil.String(), "{name}", "nothing", "{row}", "1", "{attribute}", "nothing").Replace(path)
}
