package api_test

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"importledger/adapters/api"
	"importledger/commands"
)

// visitors are who may come in, in memory: everybody who is asked for exists, but
// "nobody". What is refused is refused by whoever stands behind the API.
type visitors struct {
	mu       sync.Mutex
	noted    []string
	by       []api.By
	asked    []string
	sessions map[string]api.Session // by cookie
	over     map[string]time.Duration
	fails    error
	filter   api.AuditFilter
}

func (v *visitors) access() api.Access {
	return api.Access{Sessions: visitorSessions{v}, Users: visitorUsers{v}, Clients: visitorClients{v}, Audit: visitorAudit{v}, Limits: v,
		RequestsPerMinute: 1000, Address: func(r *http.Request) netip.Addr { return netip.MustParseAddrPort(r.RemoteAddr).Addr() }}
}

func (v *visitors) ask(by api.By, what string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.by, v.asked = append(v.by, by), append(v.asked, what)
	return v.fails
}

func (v *visitors) notes() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.noted)
}

func (v *visitors) Caller(_ context.Context, id string, _ int64) (time.Duration, error) {
	return v.over["caller "+id], nil
}

func (v *visitors) Address(_ context.Context, purpose string, from netip.Addr, _ int64) (time.Duration, error) {
	return v.over[purpose+" "+from.String()], nil
}

var (
	born        = time.UnixMilli(1795500000000)
	errNoPerson = &commands.Refusal{Kind: commands.NotFound, Code: "user-not-found", Message: "There is no such user."}
)

func person(id string) api.User {
	return api.User{ID: id, Name: "ann", Role: "viewer", CreatedAt: born, SignedInAt: &born}
}

type visitorUsers struct{ *visitors }

func (v visitorUsers) List(_ context.Context, offset, limit int) ([]api.User, int, error) {
	all := []api.User{person("1"), {ID: "2", Invited: true, CreatedAt: born}, {ID: "3", DisabledAt: &born, CreatedAt: born}}
	return all[min(offset, 3):min(offset+limit, 3)], 3, v.ask(api.By{}, "list")
}

func (v visitorUsers) Find(_ context.Context, id string) (api.User, error) {
	if id == "nobody" {
		return api.User{}, errNoPerson
	}
	return person("id-of-" + id), nil
}

func (v visitorUsers) Invite(_ context.Context, by api.By, name, role string) (api.User, api.Link, error) {
	return person(name), api.Link{Token: "t0ken", ExpiresAt: born}, v.ask(by, "invite "+name+" "+role)
}

func (v visitorUsers) SetRole(_ context.Context, by api.By, id, role string) (api.User, error) {
	return person(id), v.ask(by, "role "+id+" "+role)
}

func (v visitorUsers) Disable(_ context.Context, by api.By, id string) (api.User, error) {
	return person(id), v.ask(by, "disable "+id)
}

func (v visitorUsers) Enable(_ context.Context, by api.By, id string) (api.User, error) {
	return person(id), v.ask(by, "enable "+id)
}

func (v visitorUsers) Reset(_ context.Context, by api.By, id string) (api.User, api.Link, error) {
	return person(id), api.Link{Token: "t0ken", ExpiresAt: born}, v.ask(by, "reset "+id)
}

func (v visitorUsers) SetPassword(_ context.Context, by api.By, id, password string) (api.User, error) {
	return person(id), v.ask(by, "password "+id+" "+password)
}

type visitorSessions struct{ *visitors }

func (v visitorSessions) Of(r *http.Request) (api.Session, bool, error) {
	c, err := r.Cookie("__Host-importledger")
	if err != nil {
		return api.Session{}, false, nil //nolint:nilerr // there is no such cookie
	}
	if c.Value == "away" {
		return api.Session{}, false, errAway
	}
	is, found := v.sessions[c.Value]
	return is, found, nil
}

func (v visitorSessions) List(_ context.Context, userID string, _, _ int) ([]api.Session, int, error) {
	return []api.Session{{ID: "s1", User: person("1"), Agent: "Browser", CreatedAt: born, SeenAt: born, ExpiresAt: born}}, 1, v.ask(api.By{}, "sessions "+userID)
}

func (v visitorSessions) Revoke(_ context.Context, by api.By, id string) error {
	return v.ask(by, "revoke session "+id)
}

type visitorClients struct{ *visitors }

func program(id string) api.Client {
	return api.Client{ID: id, Name: "Shop", Scopes: []string{"imports:read"}, Origin: "managed", CreatedAt: born}
}

func (v visitorClients) List(context.Context, int, int) ([]api.Client, int, error) {
	return []api.Client{program("c1")}, 1, v.ask(api.By{}, "clients")
}

func (v visitorClients) Find(_ context.Context, id string) (api.Client, error) {
	return program(id), v.ask(api.By{}, "client "+id)
}

func (v visitorClients) Create(_ context.Context, by api.By, name string, scopes []string) (api.Client, string, error) {
	return program("c2"), "s3cret", v.ask(by, "create "+name)
}

func (v visitorClients) Rotate(_ context.Context, by api.By, id string) (api.Client, string, error) {
	return program(id), "s3cret", v.ask(by, "rotate "+id)
}

func (v visitorClients) Revoke(_ context.Context, by api.By, id string) (api.Client, error) {
	return program(id), v.ask(by, "revoke "+id)
}

type visitorAudit struct{ *visitors }

func (v visitorAudit) Note(_ context.Context, action string, by api.By, target, detail string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.noted = append(v.noted, action+" "+by.ID+" "+target+" "+detail)
	return nil
}

func (v visitorAudit) List(_ context.Context, f api.AuditFilter, _, _ int) ([]api.AuditEntry, int, error) {
	v.filter = f
	return []api.AuditEntry{{ID: 7, At: born, Action: "user.signed-in", Actor: "1", ActorName: "ann", Times: 1}}, 1, nil
}
