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
	find func(ctx context.Context, id string) (Credentials, error)
	now  func() time.Time

	mu   sync.Mutex
	kept map[string]grant
}

type grant struct {
	Credentials
	asked time.Time
}

func newGrants(find func(context.Context, string) (Credentials, error), now func() time.Time) *grants {
	return &grants{find: find, now: now, kept: map[string]grant{}}
}

// of gives what a client may do. A generation that is newer than the one known is
// of a secret that another process has just made: then the answer kept is too old.
func (g *grants) of(ctx context.Context, id string, generation int) (Credentials, error) {
	asked := g.now() // before the question, so that no answer is older than it claims
	g.mu.Lock()
	known, ok := g.kept[id]
	g.mu.Unlock()
	if ok && asked.Sub(known.asked) < grantAge && known.Generation >= generation {
		return known.Credentials, nil
	}
	found, err := g.find(ctx, id)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		delete(g.kept, id)
		return Credentials{}, err
	}
	if len(g.kept) >= maxGrants {
		clear(g.kept) // a query per client that calls again costs less than a list of who came last
	}
	found.Hash = "" // nothing here needs it
	g.kept[id] = grant{found, asked}
	return found, nil
}
