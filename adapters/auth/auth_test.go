package auth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"importledger/adapters/auth"
	"importledger/adapters/postgres/pgtest"
)

var instance = []byte("0123456789abcdef0123456789abcdef")

// stored are clients in memory, with a count of the questions asked.
type stored struct {
	mu      sync.Mutex
	clients map[string]auth.Credentials
	asked   int
	broken  error
}

func (s *stored) Credentials(_ context.Context, id string) (auth.Credentials, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	c, ok := s.clients[id]
	return c, ok, s.broken
}

func (s *stored) set(clients map[string]auth.Credentials) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients = maps.Clone(clients)
}

func (s *stored) questions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

var hashed = sync.OnceValues(func() (string, error) { return auth.Hash("right") })

// tokens knows the client "shop" with the secret "right" and two scopes.
func tokens(t *testing.T) (*auth.Tokens, *stored, *clock) {
	t.Helper()
	owner, _ := auth.NewOwner(nil)
	return tokensOf(t, instance, owner)
}

func tokensOf(t *testing.T, secret []byte, owner auth.Known) (*auth.Tokens, *stored, *clock) {
	t.Helper()
	hash, err := hashed()
	if err != nil {
		t.Fatal(err)
	}
	s := &stored{clients: map[string]auth.Credentials{"shop": {Hash: hash, Scopes: []string{"a:read", "b:write"}}}}
	c := &clock{at: time.Unix(1795500000, 0)}
	guard, err := auth.NewGuard(pgtest.New(t), instance, c.now)
	if err != nil {
		t.Fatal(err)
	}
	made, err := auth.NewTokens(guard, secret, s, owner)
	if err != nil {
		t.Fatal(err)
	}
	return made, s, c
}

func issue(t *testing.T, made *auth.Tokens, id, secret string, asked ...string) string {
	t.Helper()
	token, _, _, err := made.Issue(t.Context(), auth.Grant{ClientID: id, Secret: secret, Scopes: asked})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestATokenSaysWhoAskedAndWhatItMayDo(t *testing.T) {
	t.Parallel()
	made, _, _ := tokens(t)
	token, lifetime, granted, err := made.Issue(t.Context(), auth.Grant{ClientID: "shop", Secret: "right"})
	if err != nil || lifetime != 15*time.Minute || !slices.Equal(granted, []string{"a:read", "b:write"}) {
		t.Fatal(lifetime, granted, err)
	}
	id, scopes, err := made.Verify(t.Context(), token)
	if err != nil || id != "shop" || !slices.Equal(scopes, []string{"a:read", "b:write"}) {
		t.Fatal(id, scopes, err)
	}
	if again := issue(t, made, "shop", "right"); again == token {
		t.Fatal("two tokens are the same: they need a jti each")
	}
}

func TestATokenHasTheScopesAskedForAndNoOthers(t *testing.T) {
	t.Parallel()
	made, _, _ := tokens(t)
	_, scopes, err := made.Verify(t.Context(), issue(t, made, "shop", "right", "b:write", "b:write"))
	if err != nil || !slices.Equal(scopes, []string{"b:write"}) {
		t.Fatal(scopes, err)
	}
	if _, _, _, err := made.Issue(t.Context(), auth.Grant{ClientID: "shop", Secret: "right", Scopes: []string{"a:read", "ops:write"}}); !errors.Is(err, auth.ErrInvalidScope) {
		t.Fatal(err)
	}
}

func TestWrongCredentialsAreAllRefusedAlike(t *testing.T) {
	t.Parallel()
	owner, secret := auth.NewOwner([]string{"a:read"})
	made, _, _ := tokensOf(t, instance, owner)
	for name, credentials := range map[string][2]string{
		"wrong secret": {"shop", "wrong"}, "no secret": {"shop", ""}, "nobody": {"nobody", "right"}, "no id": {"", ""},
		"owner with a wrong secret": {auth.OwnerID, secret + "x"}, "owner without one": {auth.OwnerID, ""},
	} {
		if _, _, _, err := made.Issue(t.Context(), auth.Grant{ClientID: credentials[0], Secret: credentials[1]}); !errors.Is(err, auth.ErrInvalidClient) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheOwnerOfTheMachineGetsATokenWithItsRandomSecret(t *testing.T) {
	t.Parallel()
	owner, secret := auth.NewOwner([]string{"a:read", "ops:write"})
	if _, other := auth.NewOwner(nil); other == secret {
		t.Fatal("two starts have the same secret")
	}
	made, s, _ := tokensOf(t, instance, owner)
	_, scopes, err := made.Verify(t.Context(), issue(t, made, auth.OwnerID, secret))
	if err != nil || !slices.Equal(scopes, []string{"a:read", "ops:write"}) || s.questions() != 0 {
		t.Fatal(scopes, err, s.questions())
	}
}

func TestAForgedOrOldTokenIsRefused(t *testing.T) {
	t.Parallel()
	made, _, clock := tokens(t)
	good := issue(t, made, "shop", "right")
	head, rest, _ := strings.Cut(good, ".")
	body, signature, _ := strings.Cut(rest, ".")
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"iss": "importledger", "sub": "shop", "exp": clock.now().Add(time.Hour).Unix(), "scope": "a:read"}).
		SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	plainKey, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": "importledger", "sub": "shop", "exp": clock.now().Add(time.Hour).Unix(), "scope": "a:read"}).
		SignedString(instance)
	if err != nil {
		t.Fatal(err)
	}
	other, _, _ := tokensOf(t, []byte(strings.Repeat("x", 32)), auth.Known{})
	wider := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"importledger","sub":"shop","exp":9999999999,"scope":"a:read ops:write"}`))
	for name, token := range map[string]string{
		"empty": "", "garbage": "garbage", "dots": "..", "no signature": head + "." + body + ".", "another body": head + "." + wider + "." + signature,
		"algorithm none": none, "signed with the secret itself": plainKey, "of another instance": issue(t, other, "shop", "right"),
	} {
		if _, _, err := made.Verify(t.Context(), token); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	clock.pass(auth.Lifetime - time.Second)
	if _, _, err := made.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	clock.pass(2 * time.Second)
	if _, _, err := made.Verify(t.Context(), good); !errors.Is(err, auth.ErrInvalidToken) {
		t.Fatal("an expired token is taken:", err)
	}
}

func TestAClientThatIsGoneIsRefusedHalfAMinuteLaterAndNotAskedForBefore(t *testing.T) {
	t.Parallel()
	made, s, clock := tokens(t)
	token := issue(t, made, "shop", "right")
	before := s.questions()
	for range 10 {
		if _, _, err := made.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	if asked := s.questions() - before; asked != 1 {
		t.Fatalf("asked %d times for one client", asked)
	}
	s.set(nil)
	clock.pass(30 * time.Second)
	if _, _, err := made.Verify(t.Context(), token); !errors.Is(err, auth.ErrInvalidToken) {
		t.Fatal(err)
	}
}

func TestAScopeThatIsTakenAwayIsTakenFromTokensToo(t *testing.T) {
	t.Parallel()
	made, s, clock := tokens(t)
	token := issue(t, made, "shop", "right")
	s.set(map[string]auth.Credentials{"shop": {Scopes: []string{"a:read"}}})
	clock.pass(30 * time.Second)
	_, scopes, err := made.Verify(t.Context(), token)
	if err != nil || !slices.Equal(scopes, []string{"a:read"}) {
		t.Fatal(scopes, err)
	}
}

func TestADatabaseThatIsAwayIsNoRefusal(t *testing.T) {
	t.Parallel()
	made, s, clock := tokens(t)
	token := issue(t, made, "shop", "right")
	away := errors.New("away")
	s.mu.Lock()
	s.broken = away
	s.mu.Unlock()
	clock.pass(time.Minute)
	_, _, err := made.Verify(t.Context(), token)
	if refused, ok := errors.AsType[*auth.Refused](err); ok || !errors.Is(err, away) {
		t.Fatal(refused, err)
	}
	if _, _, _, err := made.Issue(t.Context(), auth.Grant{ClientID: "shop", Secret: "right"}); !errors.Is(err, away) {
		t.Fatal(err)
	}
}

func TestACrowdIsServedOrToldToComeBackAndNeverLetInWrongly(t *testing.T) {
	t.Parallel()
	made, _, clock := tokens(t)
	var crowd sync.WaitGroup
	var mu sync.Mutex
	outcomes := map[string]int{}
	for range 100 {
		crowd.Go(func() {
			_, _, _, err := made.Issue(t.Context(), auth.Grant{ClientID: "shop", Secret: "wrong"})
			refused, ok := errors.AsType[interface {
				error
				OAuthError() string
			}](err)
			if !ok {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			outcomes[refused.OAuthError()]++
		})
	}
	crowd.Wait()
	if looked := outcomes["invalid_client"]; looked == 0 || looked > 11 || looked+outcomes["slow_down"] != 100 {
		t.Fatal(outcomes) // eleven: ten are free, and one more starts the delays
	}
	clock.pass(15 * time.Minute)
	issue(t, made, "shop", "right")
}

func TestWhatCannotBeSafeDoesNotStart(t *testing.T) {
	t.Parallel()
	if _, err := auth.NewGuard(nil, instance[:31], nil); err == nil {
		t.Error("a guard with a short key starts")
	}
	guard, err := auth.NewGuard(nil, instance, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := auth.NewTokens(guard, instance[:31], &stored{}, auth.Known{}); err == nil {
		t.Error("tokens with a short secret start")
	}
}

func TestAHashHoldsNoSecretAndIsNeverTheSame(t *testing.T) {
	t.Parallel()
	a, err := auth.Hash("secret-1")
	if err != nil {
		t.Fatal(err)
	}
	b, err := auth.Hash("secret-1")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("secret-1"))
	if a == b || strings.Contains(a, "secret-1") || strings.Contains(a, base64.RawStdEncoding.EncodeToString(sum[:])) ||
		!strings.HasPrefix(a, "$argon2id$v=19$m=7168,t=5,p=1$") {
		t.Fatal(a, b)
	}
}
