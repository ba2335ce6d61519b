package auth

import (
	"context"
	"sync"
	"time"
)

const (
	grantAge  = 30 * time.Second // how old an answer about a client may be
	maxGrants = 1024             // answers kept
)

// grants remembers for a short while what clients may do, so that a request does
// not cost a query. Only good answers are kept.
type grants struct {
	find func(ctx context.Context, id string) ([]string, error)
	now  func() time.Time

	mu   sync.Mutex
	kept map[string]grant
}

type grant struct {
	scopes []string
	asked  time.Time
}

func newGrants(find func(context.Context, string) ([]string, error), now func() time.Time) *grants {
	return &grants{find: find, now: now, kept: map[string]grant{}}
}

func (g *grants) of(ctx context.Context, id string) ([]string, error) {
	asked := g.now() // before the question, so that no answer is older than it claims
	g.mu.Lock()
	known, ok := g.kept[id]
	g.mu.Unlock()
	if ok && asked.Sub(known.asked) < grantAge {
		return known.scopes, nil
	}
	scopes, err := g.find(ctx, id)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		delete(g.kept, id)
		return nil, err
	}
	if len(g.kept) >= maxGrants {
		clear(g.kept) // a query per client that calls again costs less than a list of who came last
	}
	g.kept[id] = grant{scopes: scopes, asked: asked}
	return scopes, nil
}
