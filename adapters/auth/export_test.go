package auth

import "sync/atomic"

// CountComparisons counts how often a secret is held against a hash.
func (h *Hasher) CountComparisons() *atomic.Int64 {
	n := &atomic.Int64{}
	compare := h.compare
	h.compare = func(secret, hash string) (bool, error) {
		n.Add(1)
		return compare(secret, hash)
	}
	return n
}
