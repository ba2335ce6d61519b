package api

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

type UserObject struct {
	ID                 string `json:"id"`
	Name               string `json:"name"`
	Role               string `json:"role" enum:"admin,editor,auditor,viewer"`
	State              string `json:"state" enum:"active,invited,disabled"`
	MustChangePassword bool   `json:"mustChangePassword" doc:"May do nothing but choose a password."`
	CreatedAt          int64  `json:"createdAt" doc:"Unix epoch, milliseconds."`
	SignedInAt         *int64 `json:"signedInAt" doc:"When the user last signed in."`
	DisabledAt         *int64 `json:"disabledAt"`
}

// linkObject is where a user chooses a password. The token stands behind a #, so
// that browsers send it to no server and in no Referer.
type linkObject struct {
	_         struct{} `nullable:"true"`
	Path      string   `json:"path" doc:"Of a page of this server where the user chooses a password, once. It is a secret, and shown only here." example:"/join#Zk3…"`
	ExpiresAt int64    `json:"expiresAt"`
}

type userWithLink struct {
	UserObject
	Link *linkObject `json:"link"`
}

type usersPage struct {
	Pagination pagination   `json:"pagination"`
	Items      []UserObject `json:"items"`
}

type UserPath struct {
	User string `path:"user" maxLength:"100" doc:"The user's id."`
}

type inviteRequest struct {
	Body struct {
		Name string `json:"name" doc:"What the user signs in with: letters, digits and . _ @ + -" example:"ann@example.org"`
		Role string `json:"role" enum:"admin,editor,auditor,viewer"`
	} `nameHint:"InviteRequest"`
}

type changeUserRequest struct {
	UserPath
	Body struct {
		Role    *string `json:"role,omitempty" enum:"admin,editor,auditor,viewer"`
		Enabled *bool   `json:"enabled,omitempty" doc:"false keeps the user out, and ends their sessions."`
	} `nameHint:"ChangeUserRequest"`
}

type passwordRequest struct {
	UserPath
	Body struct {
		Password *string `json:"password,omitempty" doc:"Absent: the answer has a link by which the user chooses one."`
	} `nameHint:"PasswordRequest"`
}

func (a *API) addUsers() {
	const tag = "Users"
	missing := []int{http.StatusNotFound}
	refusals := []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity}
	register(a, operation{route: "GET /ops/users", id: "list-users", tag: tag, summary: "List users by name"}, a.listUsers)
	register(a, operation{route: "POST /ops/users", id: "invite-user", tag: tag, status: http.StatusCreated, summary: "Invite a user",
		about: "The answer has a link by which the user chooses a password, within 72 hours.", errors: refusals[1:]}, a.inviteUser)
	register(a, operation{route: "GET /ops/users/{user}", id: "get-user", tag: tag, summary: "Get a user", errors: missing}, a.getUser)
	register(a, operation{route: "PUT /ops/users/{user}", id: "change-user", tag: tag, summary: "Change a user's role, disable or enable a user",
		about: "It is in force with the next request. Another role ends the user's sessions. The last admin stays.", errors: refusals}, a.changeUser)
	register(a, operation{route: "POST /ops/users/{user}/password", id: "reset-password", tag: tag, summary: "Reset a user's password",
		about: "Gives a link by which the user chooses another; or sets one, which the user has to change when they sign in.", errors: refusals}, a.resetPassword)
}

func userOf(u User) UserObject {
	o := UserObject{ID: u.ID, Name: u.Name, Role: u.Role, State: "active", MustChangePassword: u.MustChange,
		CreatedAt: u.CreatedAt.UnixMilli(), SignedInAt: milliseconds(u.SignedInAt), DisabledAt: milliseconds(u.DisabledAt)}
	switch {
	case u.DisabledAt != nil:
		o.State = "disabled"
	case u.Invited:
		o.State = "invited"
	}
	return o
}

func withLink(u User, l Link) *struct{ Body userWithLink } {
	return &struct{ Body userWithLink }{userWithLink{userOf(u), &linkObject{Path: "/join#" + l.Token, ExpiresAt: l.ExpiresAt.UnixMilli()}}}
}

func milliseconds(t *time.Time) *int64 {
	if t == nil {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}

func (a *API) listUsers(ctx context.Context, in *PageQuery) (*struct{ Body usersPage }, error) {
	found, total, err := a.access.Users.List(ctx, in.offset(), in.PageSize)
	page := usersPage{Pagination: paginate(*in, total, len(found), "/ops/users", url.Values{}), Items: []UserObject{}}
	for _, u := range found {
		page.Items = append(page.Items, userOf(u))
	}
	return &struct{ Body usersPage }{page}, err
}

func (a *API) inviteUser(ctx context.Context, in *inviteRequest) (*struct{ Body userWithLink }, error) {
	u, link, err := a.access.Users.Invite(ctx, a.by(ctx), in.Body.Name, in.Body.Role)
	return withLink(u, link), err
}

func (a *API) getUser(ctx context.Context, in *UserPath) (*struct{ Body UserObject }, error) {
	u, err := a.access.Users.Find(ctx, in.User)
	return &struct{ Body UserObject }{userOf(u)}, err
}

func (a *API) changeUser(ctx context.Context, in *changeUserRequest) (*struct{ Body UserObject }, error) {
	users, by := a.access.Users, a.by(ctx)
	u, err := users.Find(ctx, in.User)
	if err == nil && in.Body.Role != nil {
		u, err = users.SetRole(ctx, by, u.ID, *in.Body.Role)
	}
	if err == nil && in.Body.Enabled != nil {
		if *in.Body.Enabled {
			u, err = users.Enable(ctx, by, u.ID)
		} else {
			u, err = users.Disable(ctx, by, u.ID)
		}
	}
	return &struct{ Body UserObject }{userOf(u)}, err
}

func (a *API) resetPassword(ctx context.Context, in *passwordRequest) (*struct{ Body userWithLink }, error) {
	u, err := a.access.Users.Find(ctx, in.User)
	if err != nil {
		return nil, err
	}
	if in.Body.Password != nil {
		u, err = a.access.Users.SetPassword(ctx, a.by(ctx), u.ID, *in.Body.Password)
		return &struct{ Body userWithLink }{userWithLink{UserObject: userOf(u)}}, err
	}
	u, link, err := a.access.Users.Reset(ctx, a.by(ctx), u.ID)
	return withLink(u, link), err
}
