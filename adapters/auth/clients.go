package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"slices"
)

// Clients finds the API clients that are stored.
type Clients interface {
	// Credentials gives the argon2id hash of a client's secret (as Hash writes it)
	// and the scopes that it may have; found is false for an unknown and for a
	// disabled client. An error means that nobody can tell now.
	Credentials(ctx context.Context, id string) (secretHash string, scopes []string, found bool, err error)
}

// Known is a client that lives in this process's memory only, beside the stored
// ones and before them. Its secret is held as a SHA-256.
type Known struct {
	id     string
	secret [sha256.Size]byte
	scopes []string
}

// NewKnown makes a client with the id and secret that the environment gives.
func NewKnown(id, secret string, scopes []string) Known {
	return Known{id: id, secret: sha256.Sum256([]byte(secret)), scopes: slices.Clone(scopes)}
}

// OwnerID is the id of the client that NewOwner makes.
const OwnerID = "owner"

// NewOwner makes the client of the machine's owner, with a random secret that is
// good until the process ends. SHA-256 is enough for it: nobody can guess 256
// random bits.
func NewOwner(scopes []string) (owner Known, secret string) {
	secret = rand.Text() + rand.Text()
	return NewKnown(OwnerID, secret, scopes), secret
}
