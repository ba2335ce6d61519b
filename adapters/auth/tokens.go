package auth

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Lifetime is how long an access token is good.
const Lifetime = 15 * time.Minute

const (
	issuer    = "importledger"
	minSecret = 32 // bytes
)

var errShortSecret = fmt.Errorf("the instance's secret is too short, want at least %d bytes", minSecret)

// Credentials are what a stored client is known by.
type Credentials struct {
	Hash       string // of its secret, as Hash writes it
	Generation int    // counts its secrets: tokens are good for the one that brought them
	Scopes     []string
}

// ClientFinder finds the credentials of stored clients; Clients do. false is for an
// unknown and for a revoked one; an error means that nobody can tell now.
type ClientFinder interface {
	Credentials(ctx context.Context, id string) (Credentials, bool, error)
}

// Tokens issues and verifies access tokens: JWTs signed with HS256 by a key that
// is derived from the instance's secret. Safe for concurrent use.
type Tokens struct {
	*Guard
	key     []byte
	clients ClientFinder
	owner   Known
	grants  *grants
	parser  *jwt.Parser
	seen    *seen
}

// NewTokens makes Tokens for stored clients and for the machine's owner. The
// secret, of at least 32 bytes, is shared by replicas.
func NewTokens(g *Guard, secret []byte, clients ClientFinder, owner Known) (*Tokens, error) {
	if len(secret) < minSecret {
		return nil, errShortSecret
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "importledger access token 1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive the token key: %w", err)
	}
	t := &Tokens{Guard: g, key: key, clients: clients, owner: owner}
	t.grants, t.seen = newGrants(t.stored, t.now), newSeen(t.now)
	t.parser = jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithTimeFunc(t.now))
	return t, nil
}

// claims are the registered ones, the scopes as RFC 9068 §2.2.3 writes them, and
// the client's generation.
type claims struct {
	jwt.RegisteredClaims
	Scope      string `json:"scope"`
	Generation int    `json:"gen,omitempty"`
}

// Grant is a request for a token.
type Grant struct {
	ClientID string
	Secret   string
	Sent     string   // the secret as it was sent, where decoding changed it and not every client encodes
	Scopes   []string // none: all that the client may have
	Address  netip.Addr
	Request  string // id of the request
}

// Issue answers a client-credentials grant with a token for the scopes asked, or
// for all that the client may have. Errors: ErrInvalidClient, ErrInvalidScope,
// *Delayed, a *Refused "slow_down", or what the database reports.
func (t *Tokens) Issue(ctx context.Context, in Grant) (token string, lifetime time.Duration, granted []string, err error) {
	is, err := t.authenticate(ctx, in)
	if err != nil {
		return "", 0, nil, err
	}
	granted = is.Scopes
	if len(in.Scopes) > 0 {
		granted = slices.Compact(slices.Sorted(slices.Values(in.Scopes)))
		for _, s := range granted {
			if !slices.Contains(is.Scopes, s) {
				return "", 0, nil, ErrInvalidScope
			}
		}
	}
	now := t.now()
	token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Subject: in.ClientID, ID: rand.Text(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(Lifetime)),
		},
		Scope: strings.Join(granted, " "), Generation: is.Generation,
	}).SignedString(t.key)
	if err != nil {
		return "", 0, nil, fmt.Errorf("sign a token: %w", err)
	}
	return token, Lifetime, granted, t.audit.Note(ctx, TokenIssued, By{ID: in.ClientID, Address: in.Address, Request: in.Request}, in.ClientID, "")
}

// authenticate checks a client's secret. The owner's needs no delay: nobody can
// guess it.
func (t *Tokens) authenticate(ctx context.Context, in Grant) (Credentials, error) {
	if in.ClientID == t.owner.id {
		if t.owner.has(in.Secret) {
			return Credentials{Scopes: t.owner.scopes}, nil
		}
		if err := t.audit.Note(ctx, ClientFailed, By{Address: in.Address, Request: in.Request}, in.ClientID, ""); err != nil {
			return Credentials{}, err
		}
		return Credentials{}, ErrInvalidClient
	}
	var is Credentials
	secrets := []string{in.Secret}
	if in.Sent != "" && in.Sent != in.Secret {
		secrets = append(secrets, in.Sent)
	}
	_, _, err := t.try(ctx, trial{by: By{Address: in.Address, Request: in.Request}, subject: "client " + in.ClientID, secrets: secrets,
		wrong: ErrInvalidClient, failed: ClientFailed, delayed: ClientDelayed,
		find: func(ctx context.Context) (id, hash string, err error) {
			found, ok, err := t.clients.Credentials(ctx, in.ClientID)
			if err != nil || !ok {
				return "", "", err
			}
			is = found
			return in.ClientID, found.Hash, nil
		}})
	return is, err
}

// Verify gives the client that a token was issued to and the scopes it has: those
// of the token that the client still may have. A client that was revoked or got
// another secret is refused at most 30 s later, and named beside the error. Errors:
// ErrInvalidToken, or what the database reports.
func (t *Tokens) Verify(ctx context.Context, token string) (clientID string, scopes []string, err error) {
	c, err := t.seen.of(token, func() (claims, error) { return t.read(token) })
	if err != nil {
		return "", nil, err
	}
	is := Credentials{Scopes: t.owner.scopes}
	if c.Subject != t.owner.id {
		if is, err = t.grants.of(ctx, c.Subject, c.Generation); err != nil {
			return c.Subject, nil, err
		}
	}
	if is.Generation != c.Generation {
		return c.Subject, nil, ErrInvalidToken
	}
	scopes = strings.Fields(c.Scope)
	scopes = slices.DeleteFunc(scopes, func(s string) bool { return !slices.Contains(is.Scopes, s) })
	return c.Subject, scopes, nil
}

// read checks a token's signature and times, and gives what it claims.
func (t *Tokens) read(token string) (c claims, err error) {
	if _, err := t.parser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return t.key, nil }); err != nil {
		return claims{}, ErrInvalidToken
	}
	return c, nil
}

// stored gives what a client may do now; ErrInvalidToken when it may not call at
// all.
func (t *Tokens) stored(ctx context.Context, id string) (Credentials, error) {
	is, found, err := t.clients.Credentials(ctx, id)
	switch {
	case err != nil:
		return Credentials{}, fmt.Errorf("find an API client: %w", err)
	case !found:
		return Credentials{}, ErrInvalidToken
	}
	return is, nil
}
