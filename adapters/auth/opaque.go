package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// newOpaque makes a token of 256 random bits that says nothing, and what is stored
// of it. SHA-256 is enough for a secret that nobody can guess.
func newOpaque() (token string, stored []byte) {
	random := make([]byte, 32)
	rand.Read(random) // never fails
	token = base64.RawURLEncoding.EncodeToString(random)
	return token, opaqueHash(token)
}

func opaqueHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
