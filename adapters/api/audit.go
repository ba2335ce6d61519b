package api

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

type auditObject struct {
	ID         int64   `json:"id" doc:"Rises with every entry."`
	At         int64   `json:"at" doc:"Unix epoch, milliseconds."`
	Action     string  `json:"action" example:"user.signed-in"`
	Actor      *string `json:"actor" doc:"Id of the user or API client; null: nobody known, or the server itself."`
	ActorName  *string `json:"actorName"`
	Target     *string `json:"target" doc:"Id of what it was done to, or the route that was refused."`
	TargetName *string `json:"targetName"`
	Times      int     `json:"times" doc:"The like within a minute is counted, and becomes one entry."`
	Detail     *string `json:"detail"`
	Network    *string `json:"network" doc:"The /24 or /48 that the address is in."`
	Request    *string `json:"request" doc:"Id of the request."`
}

type auditPage struct {
	Pagination pagination    `json:"pagination"`
	Items      []auditObject `json:"items"`
}

type auditQuery struct {
	PageQuery
	Actor  string `query:"actor" maxLength:"200" doc:"Id of a user or API client."`
	Target string `query:"target" maxLength:"200"`
	Action string `query:"action" maxLength:"100" example:"user.sign-in-failed"`
	From   int64  `query:"from" minimum:"0" maximum:"253402300799999" doc:"Unix epoch, milliseconds; inclusive."`
	To     int64  `query:"to" minimum:"0" maximum:"253402300799999" doc:"Unix epoch, milliseconds; exclusive."`
}

func (a *API) addAudit() {
	register(a, operation{route: "GET /ops/audit", id: "list-audit", tag: "Audit", summary: "List sign-ins, refusals and administrative changes, newest first"}, a.listAudit)
}

func (a *API) listAudit(ctx context.Context, in *auditQuery) (*struct{ Body auditPage }, error) {
	filter := AuditFilter{Actor: in.Actor, Target: in.Target, Action: in.Action, From: timeOf(in.From), To: timeOf(in.To)}
	found, total, err := a.access.Audit.List(ctx, filter, in.offset(), in.PageSize)
	page := auditPage{Items: []auditObject{}, Pagination: paginate(in.PageQuery, total, len(found), "/ops/audit",
		url.Values{"actor": {in.Actor}, "target": {in.Target}, "action": {in.Action}, "from": {millisOrEmpty(in.From)}, "to": {millisOrEmpty(in.To)}})}
	for _, e := range found {
		page.Items = append(page.Items, auditObject{ID: e.ID, At: e.At.UnixMilli(), Action: e.Action, Actor: orNull(e.Actor), ActorName: orNull(e.ActorName),
			Target: orNull(e.Target), TargetName: orNull(e.TargetName), Times: e.Times, Detail: orNull(e.Detail), Network: orNull(e.Network), Request: orNull(e.Request)})
	}
	return &struct{ Body auditPage }{page}, err
}

// timeOf gives the zero time for 0, which nobody asks for.
func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

func millisOrEmpty(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
