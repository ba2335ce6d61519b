package main

import (
	"context"

	"importledger/adapters/auth"
	"importledger/adapters/web"
)

// Those who may come in, as the pages ask for them. The shapes are the same on both
// sides; the two adapters only do not know each other.

func byVisitor(visitor web.By) auth.By {
	who := by(visitor.From)
	who.ID, who.Scopes = visitor.User.ID, visitor.User.Scopes
	return who
}

type webPeople struct{ *auth.Users }

func webPerson(u auth.User) web.Person { return web.Person(u) }

func (p webPeople) List(ctx context.Context, offset, limit int) ([]web.Person, int, error) {
	page, total, err := p.Users.List(ctx, offset, limit)
	return each(page, webPerson), total, err
}

func (p webPeople) Find(ctx context.Context, id string) (web.Person, error) {
	is, err := p.Users.Find(ctx, id)
	return web.Person(is), err
}

func (p webPeople) Invite(ctx context.Context, by web.By, name, role string) (web.Person, web.Link, error) {
	is, link, err := p.Users.Invite(ctx, byVisitor(by), name, role)
	return web.Person(is), web.Link(link), err
}

func (p webPeople) SetRole(ctx context.Context, by web.By, id, role string) (web.Person, error) {
	is, err := p.Users.SetRole(ctx, byVisitor(by), id, role)
	return web.Person(is), err
}

func (p webPeople) Disable(ctx context.Context, by web.By, id string) (web.Person, error) {
	is, err := p.Users.Disable(ctx, byVisitor(by), id)
	return web.Person(is), err
}

func (p webPeople) Enable(ctx context.Context, by web.By, id string) (web.Person, error) {
	is, err := p.Users.Enable(ctx, byVisitor(by), id)
	return web.Person(is), err
}

func (p webPeople) Reset(ctx context.Context, by web.By, id string) (web.Person, web.Link, error) {
	is, link, err := p.Users.Reset(ctx, byVisitor(by), id)
	return web.Person(is), web.Link(link), err
}

type webPrograms struct{ clients *auth.Clients }

func webProgram(c auth.Client) web.Program { return web.Program(c) }

func (p webPrograms) List(ctx context.Context, offset, limit int) ([]web.Program, int, error) {
	page, total, err := p.clients.List(ctx, offset, limit)
	return each(page, webProgram), total, err
}

func (p webPrograms) Find(ctx context.Context, id string) (web.Program, error) {
	is, err := p.clients.Find(ctx, id)
	return web.Program(is), err
}

func (p webPrograms) Create(ctx context.Context, by web.By, name string, scopes []string) (web.Program, string, error) {
	is, secret, err := p.clients.Create(ctx, byVisitor(by), name, scopes)
	return web.Program(is), secret, err
}

func (p webPrograms) Rotate(ctx context.Context, by web.By, id string) (web.Program, string, error) {
	is, secret, err := p.clients.Rotate(ctx, byVisitor(by), id)
	return web.Program(is), secret, err
}

func (p webPrograms) Revoke(ctx context.Context, by web.By, id string) (web.Program, error) {
	is, err := p.clients.Revoke(ctx, byVisitor(by), id)
	return web.Program(is), err
}

type webAudit struct{ *auth.Audit }

func (a webAudit) Note(ctx context.Context, action string, by web.By, target, detail string) error {
	return a.Audit.Note(ctx, action, byVisitor(by), target, detail)
}

func (a webAudit) List(ctx context.Context, f web.AuditFilter, offset, limit int) ([]web.AuditEntry, int, error) {
	page, total, err := a.Audit.List(ctx, auth.Filter(f), offset, limit)
	return each(page, func(e auth.Entry) web.AuditEntry { return web.AuditEntry(e) }), total, err
}

func webSession(s auth.Session) web.Session {
	return web.Session{ID: s.ID, Agent: s.Agent, CreatedAt: s.CreatedAt, SeenAt: s.SeenAt, ExpiresAt: s.ExpiresAt}
}

func (b browserSessions) List(ctx context.Context, userID string, offset, limit int) ([]web.Session, int, error) {
	page, total, err := b.Sessions.List(ctx, userID, offset, limit)
	return each(page, webSession), total, err
}

func (b browserSessions) Revoke(ctx context.Context, by web.By, id string) error {
	return b.Sessions.Revoke(ctx, byVisitor(by), id)
}
