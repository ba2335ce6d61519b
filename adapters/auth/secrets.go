package auth

import (
	"context"
	"fmt"

	"github.com/alexedwards/argon2id"
)

// cost is OWASP's second choice for argon2id: 19 MiB and two passes on one core,
// about 30 ms. More memory would count against the process's budget.
var cost = argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// maxWaiting bounds how many callers may wait for their turn to be checked.
const maxWaiting = 32

// Hash turns a secret into what is stored of it: argon2id with its salt and
// parameters, in the reference implementation's form.
func Hash(secret string) (string, error) {
	hash, err := argon2id.CreateHash(secret, &cost)
	if err != nil {
		return "", fmt.Errorf("hash a secret: %w", err)
	}
	return hash, nil
}

// secrets compares secrets with hashes one at a time, so that a crowd at the
// token endpoint costs time and not memory.
type secrets struct {
	waiting chan struct{}
	turn    chan struct{}
	nobody  string // compared for clients that do not exist, so that they take as long
}

func newSecrets() (*secrets, error) {
	nobody, err := Hash("nobody has this secret")
	if err != nil {
		return nil, err
	}
	return &secrets{waiting: make(chan struct{}, maxWaiting), turn: make(chan struct{}, 1), nobody: nobody}, nil
}

// match tells whether secret is the one behind hash; an empty hash matches none
// and takes as long. Fails with errBusy when too many wait already.
func (s *secrets) match(ctx context.Context, secret, hash string) (bool, error) {
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		return false, errBusy
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if hash == "" {
		if _, err := argon2id.ComparePasswordAndHash(secret, s.nobody); err != nil {
			return false, fmt.Errorf("compare a secret: %w", err)
		}
		return false, nil
	}
	ok, err := argon2id.ComparePasswordAndHash(secret, hash)
	if err != nil {
		return false, fmt.Errorf("compare a secret with its stored hash: %w", err)
	}
	return ok, nil
}
