package main

import (
	"context"
	"net/http"
	"time"

	"importledger/adapters/api"
	"importledger/adapters/auth"
)

// forAPI fits who may come in to what the API asks for. The shapes are the same on
// both sides; the two adapters only do not know each other.
func (a *access) forAPI(s *settings) api.Access {
	return api.Access{
		Sessions: apiSessions{a.sessions}, Users: apiUsers{a.users}, Clients: apiClients{a.clients}, Audit: apiAudit{a.guard.Audit()},
		Limits: a.limits, Address: auth.Proxies{}.Address, RequestsPerMinute: s.RequestsPerMinute,
	}
}

// each converts a page.
func each[A, B any](page []A, convert func(A) B) []B {
	all := make([]B, len(page))
	for i, one := range page {
		all[i] = convert(one)
	}
	return all
}

type apiTokens struct{ *auth.Tokens }

func (t apiTokens) Issue(ctx context.Context, g api.Grant) (string, time.Duration, []string, error) {
	return t.Tokens.Issue(ctx, auth.Grant(g))
}

type apiUsers struct{ users *auth.Users }

func apiUser(u auth.User) api.User { return api.User(u) }

func (u apiUsers) List(ctx context.Context, offset, limit int) ([]api.User, int, error) {
	page, total, err := u.users.List(ctx, offset, limit)
	return each(page, apiUser), total, err
}

func (u apiUsers) Find(ctx context.Context, id string) (api.User, error) {
	is, err := u.users.Find(ctx, id)
	return api.User(is), err
}

func (u apiUsers) Invite(ctx context.Context, by api.By, name, role string) (api.User, api.Link, error) {
	is, link, err := u.users.Invite(ctx, auth.By(by), name, role)
	return api.User(is), api.Link(link), err
}

func (u apiUsers) SetRole(ctx context.Context, by api.By, id, role string) (api.User, error) {
	is, err := u.users.SetRole(ctx, auth.By(by), id, role)
	return api.User(is), err
}

func (u apiUsers) Disable(ctx context.Context, by api.By, id string) (api.User, error) {
	is, err := u.users.Disable(ctx, auth.By(by), id)
	return api.User(is), err
}

func (u apiUsers) Enable(ctx context.Context, by api.By, id string) (api.User, error) {
	is, err := u.users.Enable(ctx, auth.By(by), id)
	return api.User(is), err
}

func (u apiUsers) Reset(ctx context.Context, by api.By, id string) (api.User, api.Link, error) {
	is, link, err := u.users.Reset(ctx, auth.By(by), id)
	return api.User(is), api.Link(link), err
}

func (u apiUsers) SetPassword(ctx context.Context, by api.By, id, password string) (api.User, error) {
	is, err := u.users.SetPassword(ctx, auth.By(by), id, password)
	return api.User(is), err
}

type apiSessions struct{ sessions *auth.Sessions }

func apiSession(s auth.Session) api.Session {
	return api.Session{ID: s.ID, User: api.User(s.User), Scopes: s.Scopes, Agent: s.Agent, CreatedAt: s.CreatedAt, SeenAt: s.SeenAt, ExpiresAt: s.ExpiresAt}
}

func (s apiSessions) Of(r *http.Request) (api.Session, bool, error) {
	is, found, err := s.sessions.Of(r)
	return apiSession(is), found, err
}

func (s apiSessions) List(ctx context.Context, userID string, offset, limit int) ([]api.Session, int, error) {
	page, total, err := s.sessions.List(ctx, userID, offset, limit)
	return each(page, apiSession), total, err
}

func (s apiSessions) Revoke(ctx context.Context, by api.By, id string) error {
	return s.sessions.Revoke(ctx, auth.By(by), id)
}

type apiClients struct{ clients *auth.Clients }

func apiClient(c auth.Client) api.Client { return api.Client(c) }

func (c apiClients) List(ctx context.Context, offset, limit int) ([]api.Client, int, error) {
	page, total, err := c.clients.List(ctx, offset, limit)
	return each(page, apiClient), total, err
}

func (c apiClients) Find(ctx context.Context, id string) (api.Client, error) {
	is, err := c.clients.Find(ctx, id)
	return api.Client(is), err
}

func (c apiClients) Create(ctx context.Context, by api.By, name string, scopes []string) (api.Client, string, error) {
	is, secret, err := c.clients.Create(ctx, auth.By(by), name, scopes)
	return api.Client(is), secret, err
}

func (c apiClients) Rotate(ctx context.Context, by api.By, id string) (api.Client, string, error) {
	is, secret, err := c.clients.Rotate(ctx, auth.By(by), id)
	return api.Client(is), secret, err
}

func (c apiClients) Revoke(ctx context.Context, by api.By, id string) (api.Client, error) {
	is, err := c.clients.Revoke(ctx, auth.By(by), id)
	return api.Client(is), err
}

type apiAudit struct{ *auth.Audit }

func (a apiAudit) Note(ctx context.Context, action string, by api.By, target, detail string) error {
	return a.Audit.Note(ctx, action, auth.By(by), target, detail)
}

func (a apiAudit) List(ctx context.Context, f api.AuditFilter, offset, limit int) ([]api.AuditEntry, int, error) {
	page, total, err := a.Audit.List(ctx, auth.Filter(f), offset, limit)
	return each(page, func(e auth.Entry) api.AuditEntry { return api.AuditEntry(e) }), total, err
}
