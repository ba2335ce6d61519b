package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/netip"
	"strings"

	"importledger/adapters/api"
	"importledger/adapters/auth"
	"importledger/adapters/postgres"
	"importledger/adapters/web"
	"importledger/commands"
)

func (srv *server) makeWeb(s *settings) (err error) {
	audit := softAudit{srv.access.guard.Audit(), srv.logger}
	doors := webConnectors{srv.doors, srv.ledger.service, audit}
	srv.web, err = web.New(web.Config{
		Imports: srv.ledger.service, Streams: srv.ledger.log, DB: srv.ledger.pool, Projections: srv.ledger.projecting.projector,
		Changes: srv.ledger.projecting.changes, Account: srv.ledger.account, Sessions: browserSessions{srv.access.sessions, srv.access, s.RequestsPerMinute, srv.logger},
		People: webPeople{srv.access.users}, Programs: webPrograms{srv.access.clients}, Audit: webAudit{srv.access.guard.Audit()},
		Roles: api.Roles(), Scopes: api.Scopes(), PublicURL: strings.TrimSuffix(s.PublicURL, "/"),
		Connectors: doors, Samples: doors, Webhooks: webWebhooks{srv.ledger.notifier, audit},
		Drafts: postgres.NewDrafts(srv.ledger.pool), Notifications: bell{srv.ledger.notifier}, Exports: srv.exports, Limits: web.Limits{Bytes: s.MaxBytes, Rows: s.MaxRows, Columns: s.MaxColumns},
		Standing: srv.api.Standing, ExistingContacts: srv.api.ExistingContacts, Identify: srv.ledger.identify, Logger: srv.logger, IsUnavailable: postgres.IsUnavailable,
	})
	return err
}

// browserSessions fits sessions to what the pages ask for.
type browserSessions struct {
	*auth.Sessions
	access    *access
	perMinute int64 // requests of one user
	logger    *slog.Logger
}

func (b browserSessions) SignIn(ctx context.Context, from web.Client, name, password, previous string) (string, error) {
	token, _, err := b.Sessions.SignIn(ctx, by(from), auth.SignIn{Name: name, Password: password, Agent: from.Agent, Previous: previous})
	return token, slowly(err)
}

func (b browserSessions) Resume(ctx context.Context, token string) (web.User, error) {
	is, found, err := b.Sessions.Resume(ctx, token)
	if err == nil && !found {
		err = web.ErrNoSession
	}
	if err == nil {
		err = b.limited(ctx, is.User.ID)
	}
	return web.User{ID: is.User.ID, Name: is.User.Name, Role: is.User.Role, Scopes: b.ScopesOf(is.User.Role), MustChange: is.User.MustChange, Session: is.ID}, err
}

// limited counts pages with the API's requests.
func (b browserSessions) limited(ctx context.Context, userID string) error {
	wait, err := b.access.limits.Caller(ctx, userID, b.perMinute)
	if err != nil && ctx.Err() == nil {
		b.logger.Warn("access control", "error", err)
	}
	if wait > 0 {
		return &commands.Refusal{Kind: commands.TooMany, Code: "too-many-requests", Message: "These are more requests a minute than one user may send. Try again in a moment."}
	}
	return nil
}

func (b browserSessions) Refused(ctx context.Context, from web.Client, userID, route, scope string) error {
	who := by(from)
	who.ID = userID
	return b.access.guard.Audit().Note(ctx, auth.RequestForbidden, who, route, scope)
}

func (b browserSessions) Join(ctx context.Context, from web.Client, secret, password, previous string) (string, error) {
	token, err := b.Sessions.Join(ctx, by(from), auth.Join{Link: secret, Password: password, Agent: from.Agent, Previous: previous})
	return token, slowly(err)
}

func (b browserSessions) SignOut(ctx context.Context, from web.Client, token string) error {
	return b.Sessions.SignOut(ctx, by(from), token)
}

func (b browserSessions) ChangePassword(ctx context.Context, from web.Client, token, current, next string) (string, error) {
	newToken, err := b.Sessions.ChangePassword(ctx, by(from), token, current, next)
	return newToken, slowly(err)
}

func by(from web.Client) auth.By {
	address, err := netip.ParseAddr(from.Address)
	if err != nil {
		address = netip.Addr{} // not known
	}
	return auth.By{Address: address, Request: from.Request}
}

// slowly makes a refusal that a person can act on of the ways in which sign-ins are
// slowed down.
func slowly(err error) error {
	delayed, isDelayed := errors.AsType[*auth.Delayed](err)
	if isDelayed {
		seconds := int(math.Ceil(delayed.RetryAfter().Seconds()))
		return &commands.Refusal{Kind: commands.TooMany, Code: "slow-down", Err: err,
			Message: "Too many wrong attempts. Wait " + plural(seconds, "second") + ", then try again."}
	}
	if busy, ok := errors.AsType[*auth.Refused](err); ok {
		return &commands.Refusal{Kind: commands.TooMany, Code: "slow-down", Err: err, Message: busy.Error()}
	}
	return err
}
