package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"importledger/adapters/api"
	"importledger/adapters/auth"
)

// access is who may come in.
type access struct {
	owner    address // credentials of the data directory's owner
	guard    *auth.Guard
	users    *auth.Users
	sessions *auth.Sessions
	clients  *auth.Clients
	tokens   *auth.Tokens
	limits   *auth.Limits
	proxies  auth.Proxies

	stop    context.CancelFunc // nil: not started
	running sync.WaitGroup
}

func openAccess(s *settings, pool *pgxpool.Pool, secret []byte) (*access, error) {
	guard, err := auth.NewGuard(pool, derive(secret, "limits"), time.Now)
	if err != nil {
		return nil, err
	}
	a := &access{guard: guard, users: auth.NewUsers(guard, api.Roles()), clients: auth.NewClients(guard, api.Scopes()), limits: auth.NewLimits(guard)}
	a.sessions = auth.NewSessions(a.users)
	if a.proxies, err = auth.ParseProxies(s.TrustedProxies); err != nil {
		return nil, err
	}
	owner, ownerSecret := auth.NewOwner(api.Scopes())
	a.owner.ClientID, a.owner.ClientSecret = auth.OwnerID, ownerSecret
	a.tokens, err = auth.NewTokens(guard, derive(secret, "access tokens"), a.clients, owner)
	return a, err
}

// begin makes sure that somebody can come in: what the environment names exists,
// and a ledger that nobody can sign in to gets an admin, whose password is
// returned this once.
func (a *access) begin(ctx context.Context, s *settings) (adminPassword string, err error) {
	if s.ClientID != "" {
		if err := a.clients.Bootstrap(ctx, s.ClientID, s.ClientSecret); err != nil {
			return "", err
		}
	}
	return a.users.Bootstrap(ctx, s.AdminPassword)
}

// keep writes down what the audit log has counted, and removes what has had its
// time, until close.
func (a *access) keep(ctx context.Context, s *settings, logger *slog.Logger) {
	ctx, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	a.running.Go(func() {
		a.every(ctx, logger, time.Minute, a.guard.Audit().Flush)
	})
	a.running.Go(func() {
		retention := time.Duration(s.AuditDays) * 24 * time.Hour
		a.every(ctx, logger, time.Hour, func(ctx context.Context) error { return a.guard.Tidy(ctx, retention) })
	})
}

func (a *access) every(ctx context.Context, logger *slog.Logger, pause time.Duration, do func(context.Context) error) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := do(ctx); err != nil && ctx.Err() == nil {
				logger.Warn("access control cannot put its tables in order", "error", err)
			}
		}
	}
}

// close ends what keep began. It comes after the last request.
func (a *access) close(ctx context.Context) error {
	if a.stop != nil {
		a.stop()
		a.running.Wait()
	}
	return a.guard.Audit().Close(ctx)
}
