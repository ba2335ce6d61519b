package auth

import "sync/atomic"

// CompareCheaply takes one secret for right, whatever the hash is, and counts how
// often one was held against a hash.
func (g *Guard) CompareCheaply(right string) *atomic.Int64 {
	n := &atomic.Int64{}
	g.hasher.compare = func(secret, _ string) (bool, error) {
		n.Add(1)
		return secret == right, nil
	}
	return n
}
