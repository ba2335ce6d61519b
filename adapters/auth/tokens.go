package auth

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Lifetime is how long an access token is good.
const Lifetime = 15 * time.Minute

const issuer = "importledger"

// Config is what Tokens are made of.
type Config struct {
	Secret  []byte           // of the instance, at least 32 bytes; replicas share it
	Clients Clients          // those that are stored
	Known   []Known          // those of this process
	Hasher  *Hasher          // nil: one of its own
	Now     func() time.Time // nil: time.Now
}

// Tokens issues and verifies access tokens: JWTs signed with HS256 by a key that
// is derived from the instance's secret. Safe for concurrent use.
type Tokens struct {
	key     []byte
	clients Clients
	known   map[string]Known
	hasher  *Hasher
	grants  *grants
	parser  *jwt.Parser
	now     func() time.Time
}

// New makes Tokens. Two known clients with one id are an error.
func New(cfg Config) (*Tokens, error) {
	if len(cfg.Secret) < 32 {
		return nil, fmt.Errorf("the instance's secret has %d bytes, want at least 32", len(cfg.Secret))
	}
	key, err := hkdf.Key(sha256.New, cfg.Secret, nil, "importledger access token 1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive the token key: %w", err)
	}
	t := &Tokens{key: key, clients: cfg.Clients, known: map[string]Known{}, now: cfg.Now}
	if t.now == nil {
		t.now = time.Now
	}
	for _, k := range cfg.Known {
		if _, twice := t.known[k.id]; twice || k.id == "" {
			return nil, fmt.Errorf("API client %q is given twice, or has no id", k.id)
		}
		t.known[k.id] = k
	}
	if t.hasher = cfg.Hasher; t.hasher == nil {
		if t.hasher, err = NewHasher(); err != nil {
			return nil, err
		}
	}
	t.grants = newGrants(t.stored, t.now)
	t.parser = jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithTimeFunc(t.now))
	return t, nil
}

// claims are the registered ones and the scopes, as RFC 9068 §2.2.3 writes them.
type claims struct {
	jwt.RegisteredClaims
	Scope string `json:"scope"`
}

// Issue answers a client-credentials grant with a token for the scopes asked, or
// for all that the client may have. Errors: ErrInvalidClient, ErrInvalidScope, a
// *Refused "slow_down", or what Clients report.
func (t *Tokens) Issue(ctx context.Context, clientID, secret string, asked []string) (token string, lifetime time.Duration, granted []string, err error) {
	allowed, err := t.authenticate(ctx, clientID, secret)
	if err != nil {
		return "", 0, nil, err
	}
	granted = allowed
	if len(asked) > 0 {
		granted = slices.Compact(slices.Sorted(slices.Values(asked)))
		for _, s := range granted {
			if !slices.Contains(allowed, s) {
				return "", 0, nil, ErrInvalidScope
			}
		}
	}
	now := t.now()
	token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Subject: clientID, ID: rand.Text(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(Lifetime)),
		},
		Scope: strings.Join(granted, " "),
	}).SignedString(t.key)
	if err != nil {
		return "", 0, nil, fmt.Errorf("sign a token: %w", err)
	}
	return token, Lifetime, granted, nil
}

func (t *Tokens) authenticate(ctx context.Context, id, secret string) (allowed []string, err error) {
	if k, ok := t.known[id]; ok {
		sum := sha256.Sum256([]byte(secret))
		if subtle.ConstantTimeCompare(sum[:], k.secret[:]) != 1 {
			return nil, ErrInvalidClient
		}
		return k.scopes, nil
	}
	hash, allowed, found, err := t.clients.Credentials(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("find an API client: %w", err)
	}
	if !found {
		hash = "" // compared all the same, so that nobody learns by time which ids there are
	}
	leave, err := t.hasher.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	ok, err := t.hasher.match(ctx, secret, hash)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrInvalidClient
	}
	return allowed, nil
}

// Verify gives the client that a token was issued to and the scopes it has: those
// of the token that the client still may have. A client that was disabled or
// removed is refused at most 30 s later. Errors: ErrInvalidToken, or what Clients
// report.
func (t *Tokens) Verify(ctx context.Context, token string) (clientID string, scopes []string, err error) {
	var c claims
	if _, err := t.parser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return t.key, nil }); err != nil {
		return "", nil, ErrInvalidToken
	}
	allowed, err := t.grants.of(ctx, c.Subject)
	if err != nil {
		return "", nil, err
	}
	scopes = strings.Fields(c.Scope)
	scopes = slices.DeleteFunc(scopes, func(s string) bool { return !slices.Contains(allowed, s) })
	return c.Subject, scopes, nil
}

// stored gives the scopes that a client may have now; ErrInvalidToken when it may
// not call at all.
func (t *Tokens) stored(ctx context.Context, id string) ([]string, error) {
	if k, ok := t.known[id]; ok {
		return k.scopes, nil
	}
	_, scopes, found, err := t.clients.Credentials(ctx, id)
	switch {
	case err != nil:
		return nil, fmt.Errorf("find an API client: %w", err)
	case !found:
		return nil, ErrInvalidToken
	}
	return scopes, nil
}
