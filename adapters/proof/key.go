package proof

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Key signs proofs. Never print it.
type Key struct{ private ed25519.PrivateKey }

// SeedBytes is how many bytes a key is made from.
const SeedBytes = ed25519.SeedSize

// NewKey makes the key of a seed; the same seed gives the same key.
func NewKey(seed []byte) (Key, error) {
	if len(seed) != SeedBytes {
		return Key{}, fmt.Errorf("a key is made from %d bytes, not %d", SeedBytes, len(seed))
	}
	return Key{ed25519.NewKeyFromSeed(seed)}, nil
}

// Public is the key that checks what this one signed.
func (k Key) Public() PublicKey {
	var p PublicKey
	copy(p[:], k.private.Public().(ed25519.PublicKey))
	return p
}

func (k Key) sign(digest string) []byte { return ed25519.Sign(k.private, signed(digest)) }

// PublicKey checks signatures.
type PublicKey [ed25519.PublicKeySize]byte

func (p PublicKey) verifies(digest string, signature []byte) bool {
	return ed25519.Verify(p[:], signed(digest), signature)
}

// String writes a key as base64url without padding, as in a JWK.
func (p PublicKey) String() string { return base64.RawURLEncoding.EncodeToString(p[:]) }

// ID is the thumbprint of the key (RFC 7638).
func (p PublicKey) ID() string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + p.String() + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// MarshalText implements encoding.TextMarshaler.
func (p PublicKey) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *PublicKey) UnmarshalText(text []byte) error {
	key, err := base64.RawURLEncoding.Strict().DecodeString(string(text))
	if err != nil || len(key) != len(p) {
		return fmt.Errorf("a public key is %d bytes in base64url, as `importledger audit key` prints it", len(p))
	}
	copy(p[:], key)
	return nil
}

// ErrNoKeys says that a text holds no public key.
var ErrNoKeys = errors.New("there is no public key in it: want one that `importledger audit key` prints, or a JSON Web Key Set with Ed25519 keys")

// ReadKeys reads public keys: one on each line, or a JSON Web Key Set as a server
// publishes it.
func ReadKeys(text []byte) ([]PublicKey, error) {
	text = bytes.TrimSpace(text)
	if bytes.HasPrefix(text, []byte("{")) {
		return readKeySet(text)
	}
	var keys []PublicKey
	for line := range strings.Lines(string(text)) {
		word := strings.TrimRight(strings.TrimSpace(line), "=")
		if word == "" {
			continue
		}
		var p PublicKey
		if p.UnmarshalText([]byte(strings.NewReplacer("+", "-", "/", "_").Replace(word))) != nil {
			return nil, ErrNoKeys
		}
		keys = append(keys, p)
	}
	if len(keys) == 0 {
		return nil, ErrNoKeys
	}
	return keys, nil
}

func readKeySet(text []byte) ([]PublicKey, error) {
	var set struct {
		Keys []struct {
			Kty, Crv string
			X        string
		}
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, ErrNoKeys
	}
	var keys []PublicKey
	for _, k := range set.Keys {
		var p PublicKey
		if k.Kty == "OKP" && k.Crv == "Ed25519" && p.UnmarshalText([]byte(k.X)) == nil {
			keys = append(keys, p)
		}
	}
	if len(keys) == 0 {
		return nil, ErrNoKeys
	}
	return keys, nil
}
