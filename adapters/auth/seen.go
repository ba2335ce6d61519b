package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxSeen is how many tokens are remembered.
const maxSeen = 1024

// seen remembers tokens whose signature was good, by their SHA-256: a program sends
// the same one with every request. What a token may still do is asked all the same.
type seen struct {
	now func() time.Time

	mu   sync.Mutex
	kept map[[sha256.Size]byte]claims
}

func newSeen(now func() time.Time) *seen {
	return &seen{now: now, kept: map[[sha256.Size]byte]claims{}}
}

// of gives the claims of a token that is remembered and has not expired, else those
// that read finds.
func (s *seen) of(token string, read func() (claims, error)) (claims, error) {
	key := sha256.Sum256([]byte(token))
	s.mu.Lock()
	c, known := s.kept[key]
	s.mu.Unlock()
	if known && s.now().Before(c.ExpiresAt.Time) {
		return c, nil
	}
	c, err := read()
	if err != nil {
		return claims{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) >= maxSeen {
		clear(s.kept)
	}
	s.kept[key] = c
	return c, nil
}
