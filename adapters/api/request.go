package api

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"importledger/events"
)

// request is what is known about a request while it is served. It belongs to the
// request's goroutine.
type request struct {
	id      string
	started time.Time
	caller  caller
	address netip.Addr // where it comes from, trusted proxies seen through
	trace   string     // W3C traceparent of what this request causes, where there is a trace
}

// caller is who a request comes from.
type caller struct {
	id         string // of the API client or user; empty: nobody yet
	scopes     []string
	mustChange bool // a user who may do nothing but choose a password
}

func (c caller) may(scope string) bool { return slices.Contains(c.scopes, scope) }

// lacks gives the first of a route's scopes that the caller has not; empty: none.
func (c caller) lacks(scopes string) string {
	for scope := range strings.FieldsSeq(scopes) {
		if !c.may(scope) {
			return scope
		}
	}
	return ""
}

type requestKey struct{}

var traceParent = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

func newRequest(r *http.Request, now time.Time) (*request, *http.Request) {
	known := &request{id: rand.Text(), started: now}
	if trace := r.Header.Get("Traceparent"); traceParent.MatchString(trace) {
		known.trace = trace
	}
	return known, r.WithContext(context.WithValue(r.Context(), requestKey{}, known))
}

// requestOf gives the request that a context belongs to; an empty one outside.
func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// meta is what events that follow from a request carry.
func (a *API) meta(ctx context.Context) events.Meta {
	r := requestOf(ctx)
	return events.Meta{At: a.now().UnixMilli(), Actor: r.caller.id, CorrelationID: r.id, CausationID: r.id, TraceParent: r.trace}
}
