package api

import (
	"context"
	"net/http"
	"net/url"
)

type sessionObject struct {
	ID        string `json:"id" doc:"Names the session; opens nothing."`
	UserID    string `json:"userId"`
	UserName  string `json:"userName"`
	Agent     string `json:"agent" doc:"What the browser calls itself."`
	CreatedAt int64  `json:"createdAt" doc:"Unix epoch, milliseconds."`
	SeenAt    int64  `json:"seenAt" doc:"To the minute."`
	ExpiresAt int64  `json:"expiresAt" doc:"When it ends however much it is used; unused, it ends earlier."`
}

type sessionsPage struct {
	Pagination pagination      `json:"pagination"`
	Items      []sessionObject `json:"items"`
}

type sessionsQuery struct {
	PageQuery
	UserID string `query:"userId" maxLength:"100" doc:"Only the sessions of this user."`
}

type sessionPath struct {
	ID string `path:"id" maxLength:"100"`
}

func (a *API) addSessions() {
	const tag = "Users"
	register(a, operation{route: "GET /ops/sessions", id: "list-sessions", tag: tag, summary: "List the browsers that are signed in, the one used last first"}, a.listSessions)
	register(a, operation{route: "DELETE /ops/sessions/{id}", id: "revoke-session", tag: tag, status: http.StatusNoContent, summary: "End a session",
		about: "It is over with its next request. Ending one that has ended is no error."}, a.revokeSession)
}

func (a *API) listSessions(ctx context.Context, in *sessionsQuery) (*struct{ Body sessionsPage }, error) {
	found, total, err := a.access.Sessions.List(ctx, in.UserID, in.offset(), in.PageSize)
	page := sessionsPage{Pagination: paginate(in.PageQuery, total, len(found), "/ops/sessions", url.Values{"userId": {in.UserID}}), Items: []sessionObject{}}
	for _, s := range found {
		page.Items = append(page.Items, sessionObject{ID: s.ID, UserID: s.User.ID, UserName: s.User.Name, Agent: s.Agent,
			CreatedAt: s.CreatedAt.UnixMilli(), SeenAt: s.SeenAt.UnixMilli(), ExpiresAt: s.ExpiresAt.UnixMilli()})
	}
	return &struct{ Body sessionsPage }{page}, err
}

func (a *API) revokeSession(ctx context.Context, in *sessionPath) (*struct{}, error) {
	return nil, a.access.Sessions.Revoke(ctx, a.by(ctx), in.ID)
}
