package api

import (
	"context"
	"net/http"
	"net/url"
)

type ClientObject struct {
	ID        string   `json:"id" doc:"The client_id for POST /oauth2/token."`
	Name      string   `json:"name"`
	Scopes    []string `json:"scopes"`
	Origin    string   `json:"origin" enum:"bootstrap,managed" doc:"bootstrap: named by the server's environment."`
	CreatedAt int64    `json:"createdAt" doc:"Unix epoch, milliseconds."`
	RevokedAt *int64   `json:"revokedAt"`
}

type clientWithSecret struct {
	ClientObject
	Secret string `json:"secret" doc:"The client_secret. It is in this answer and never again."`
}

type clientsPage struct {
	Pagination pagination     `json:"pagination"`
	Items      []ClientObject `json:"items"`
}

type clientPath struct {
	ID string `path:"id" maxLength:"200"`
}

type createClientRequest struct {
	Body struct {
		Name   string   `json:"name" doc:"What people call the client." example:"Web shop"`
		Scopes []string `json:"scopes" minItems:"1" maxItems:"50" doc:"Of those that you have yourself."`
	} `nameHint:"CreateClientRequest"`
}

func (a *API) addClients() {
	const tag = "API clients"
	missing := []int{http.StatusNotFound}
	register(a, operation{route: "GET /ops/clients", id: "list-clients", tag: tag, summary: "List API clients by name, the revoked ones too"}, a.listClients)
	register(a, operation{route: "POST /ops/clients", id: "create-client", tag: tag, status: http.StatusCreated, summary: "Create an API client",
		about: "The secret is in this answer and never again.", errors: []int{http.StatusUnprocessableEntity}}, a.createClient)
	register(a, operation{route: "GET /ops/clients/{id}", id: "get-client", tag: tag, summary: "Get an API client", errors: missing}, a.getClient)
	register(a, operation{route: "POST /ops/clients/{id}/secret", id: "rotate-client-secret", tag: tag, summary: "Give an API client another secret",
		about: "The old secret stops at once, and within a minute the tokens that it brought.", errors: []int{http.StatusNotFound, http.StatusConflict}}, a.rotateClient)
	register(a, operation{route: "DELETE /ops/clients/{id}", id: "revoke-client", tag: tag, status: http.StatusNoContent, summary: "Revoke an API client, for good",
		about: "Its secret stops at once, and its tokens within a minute.", errors: missing}, a.revokeClient)
}

func clientOf(c Client) ClientObject {
	return ClientObject{ID: c.ID, Name: c.Name, Scopes: c.Scopes, Origin: c.Origin, CreatedAt: c.CreatedAt.UnixMilli(), RevokedAt: milliseconds(c.RevokedAt)}
}

func (a *API) listClients(ctx context.Context, in *PageQuery) (*struct{ Body clientsPage }, error) {
	found, total, err := a.access.Clients.List(ctx, in.offset(), in.PageSize)
	page := clientsPage{Pagination: paginate(*in, total, len(found), "/ops/clients", url.Values{}), Items: []ClientObject{}}
	for _, c := range found {
		page.Items = append(page.Items, clientOf(c))
	}
	return &struct{ Body clientsPage }{page}, err
}

func (a *API) createClient(ctx context.Context, in *createClientRequest) (*struct{ Body clientWithSecret }, error) {
	c, secret, err := a.access.Clients.Create(ctx, a.by(ctx), in.Body.Name, in.Body.Scopes)
	return &struct{ Body clientWithSecret }{clientWithSecret{clientOf(c), secret}}, err
}

func (a *API) getClient(ctx context.Context, in *clientPath) (*struct{ Body ClientObject }, error) {
	c, err := a.access.Clients.Find(ctx, in.ID)
	return &struct{ Body ClientObject }{clientOf(c)}, err
}

func (a *API) rotateClient(ctx context.Context, in *clientPath) (*struct{ Body clientWithSecret }, error) {
	c, secret, err := a.access.Clients.Rotate(ctx, a.by(ctx), in.ID)
	return &struct{ Body clientWithSecret }{clientWithSecret{clientOf(c), secret}}, err
}

func (a *API) revokeClient(ctx context.Context, in *clientPath) (*struct{}, error) {
	_, err := a.access.Clients.Revoke(ctx, a.by(ctx), in.ID)
	return nil, err
}
