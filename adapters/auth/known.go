package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
)

// Known is a client that lives in this process's memory only, beside the stored
// ones and before them. Its secret is held as a SHA-256.
type Known struct {
	id     string
	secret [sha256.Size]byte
	scopes []string
}

// OwnerID is the id of the client that NewOwner makes.
const OwnerID = "owner"

// NewOwner makes the client of the machine's owner, with a random secret that is
// good until the process ends. SHA-256 is enough for it: nobody can guess 256
// random bits.
func NewOwner(scopes []string) (owner Known, secret string) {
	secret, _ = newOpaque()
	return Known{id: OwnerID, secret: sha256.Sum256([]byte(secret)), scopes: slices.Clone(scopes)}, secret
}

func (k Known) has(secret string) bool {
	sum := sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(sum[:], k.secret[:]) == 1
}
