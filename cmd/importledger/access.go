package main

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"importledger/adapters/api"
	"importledger/adapters/auth"
	"importledger/adapters/postgres"
)

// access is who may come in.
type access struct {
	owner    address // credentials of the data directory's owner
	users    *auth.Users
	sessions *auth.Sessions
	tokens   *auth.Tokens
}

func openAccess(s *settings, pool *pgxpool.Pool, secret []byte) (*access, error) {
	hasher, err := auth.NewHasher()
	if err != nil {
		return nil, err
	}
	a := &access{users: auth.NewUsers(auth.UsersConfig{DB: pool, Hasher: hasher, Roles: api.Roles()})}
	a.sessions = auth.NewSessions(a.users, derive(secret, "limits"))
	owner, ownerSecret := auth.NewOwner(api.Scopes())
	a.owner.ClientID, a.owner.ClientSecret = auth.OwnerID, ownerSecret
	known := []auth.Known{owner}
	if s.ClientID != "" {
		known = append(known, auth.NewKnown(s.ClientID, s.ClientSecret, api.Scopes()))
	}
	a.tokens, err = auth.New(auth.Config{Secret: derive(secret, "access tokens"), Clients: postgres.NewClients(pool), Known: known, Hasher: hasher})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// begin makes sure that somebody can come in: what the environment names exists,
// and a ledger that nobody can sign in to gets an admin, whose password is
// returned this once.
func (a *access) begin(ctx context.Context, s *settings) (adminPassword string, err error) {
	return a.users.Bootstrap(ctx, s.AdminPassword)
}
