package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/argon2"
)

// cost is the one of OWASP's equally strong choices for argon2id that takes the least
// memory: 7 MiB and five passes on one core, about 30 ms. The memory of a check counts
// against the process's budget. Hashes of other costs stay good.
var cost = argon2id.Params{Memory: 7 * 1024, Iterations: 5, Parallelism: 1, SaltLength: 16, KeyLength: 32}

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

// Hasher compares secrets with hashes one at a time, so that a crowd at the doors
// costs time and not memory: a process needs only one. Safe for concurrent use.
type Hasher struct {
	waiting chan struct{}
	turn    chan struct{}
	nobody  string // compared for users and clients that do not exist, so that they take as long
	compare func(secret, hash string) (bool, error)
}

// NewHasher makes a Hasher.
func NewHasher() (*Hasher, error) {
	nobody, err := nobodysHash()
	if err != nil {
		return nil, err
	}
	return &Hasher{waiting: make(chan struct{}, maxWaiting), turn: make(chan struct{}, 1), nobody: nobody,
		compare: argon2id.ComparePasswordAndHash}, nil
}

// nobodysHash has the form and the cost of a hash that was made of a secret. Making
// one would cost every process 7 MiB and its commands 30 ms.
func nobodysHash() (string, error) {
	random := make([]byte, cost.SaltLength+cost.KeyLength)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("hash of nobody's secret: %w", err)
	}
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, cost.Memory, cost.Iterations, cost.Parallelism,
		text(random[:cost.SaltLength]), text(random[cost.SaltLength:])), nil
}

// enter takes one of the places of those who wait, or fails with errBusy.
func (h *Hasher) enter() (leave func(), err error) {
	select {
	case h.waiting <- struct{}{}:
		return func() { <-h.waiting }, nil
	default:
		return nil, errBusy
	}
}

// match tells whether secret is the one behind hash; an empty hash matches none
// and takes as long. Whoever calls it has entered.
func (h *Hasher) match(ctx context.Context, secret, hash string) (bool, error) {
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	exists := hash != ""
	if !exists {
		hash = h.nobody
	}
	same, err := h.compare(secret, hash)
	if err != nil {
		return false, fmt.Errorf("compare a secret with its stored hash: %w", err)
	}
	return same && exists, nil
}

// hash is Hash, in turn.
func (h *Hasher) hash(ctx context.Context, secret string) (string, error) {
	leave, err := h.enter()
	if err != nil {
		return "", err
	}
	defer leave()
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	return Hash(secret)
}
