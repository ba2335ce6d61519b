package api

import (
	"context"
	"sync"

	"importledger/projections"
)

// maxRecent bounds the memory of recentImports to some megabytes.
const maxRecent = 4096

// recentImports remembers Imports that lists showed. Most lists show the same ones
// again, and reading an import's file and mapping is most of what a list costs. What
// is remembered cannot be old: a change has another revision.
type recentImports struct {
	mu sync.Mutex
	of map[string]importObject // by id
}

// imports gives the Imports of keys in their order. One that changed since the keys
// were read is there as it is now; one that is gone is not there.
func (r *recentImports) imports(ctx context.Context, db projections.Querier, keys []projections.ImportKey) ([]importObject, error) {
	found, missing := r.remembered(keys)
	if len(missing) > 0 {
		read, err := projections.ImportsByID(ctx, db, missing)
		if err != nil {
			return nil, err
		}
		for _, row := range read {
			found[row.ID] = importOf(folded(row))
		}
		r.remember(found, missing)
	}
	all := make([]importObject, 0, len(keys))
	for _, key := range keys {
		if one, ok := found[key.ID]; ok {
			all = append(all, one)
		}
	}
	return all, nil
}

func (r *recentImports) remembered(keys []projections.ImportKey) (found map[string]importObject, missing []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found = make(map[string]importObject, len(keys))
	for _, key := range keys {
		if one, ok := r.of[key.ID]; ok && one.Revision == key.Revision {
			found[key.ID] = one
		} else {
			missing = append(missing, key.ID)
		}
	}
	return found, missing
}

func (r *recentImports) remember(found map[string]importObject, read []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil || len(r.of)+len(read) > maxRecent {
		r.of = make(map[string]importObject, len(read))
	}
	for _, id := range read {
		if one, ok := found[id]; ok {
			r.of[id] = one
		}
	}
}
