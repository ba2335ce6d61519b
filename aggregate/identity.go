package aggregate

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"strings"
	"sync"

	"importledger/events"

	"github.com/google/uuid"
)

// Identity derives contact ids from key identifiers with a secret key, so that
// every import and every rebuild agrees on them and nobody without the key can
// guess one from an address. Safe for concurrent use; make it with NewIdentity.
type Identity struct{ macs *sync.Pool }

// mac is an HMAC with memory of its own, so that an id costs no allocation.
type mac struct {
	hash hash.Hash
	text []byte
	sum  []byte
}

// NewIdentity makes the identity of an account from its secret key.
func NewIdentity(key []byte) Identity {
	key = append([]byte(nil), key...)
	return Identity{macs: &sync.Pool{New: func() any {
		return &mac{hash: hmac.New(sha256.New, key)}
	}}}
}

// NxID is the id of the contact whose key identifier has this canonical value: a
// UUIDv8 (RFC 9562) of HMAC-SHA256(key, keyIdentifier NUL canonical).
func (id Identity) NxID(keyIdentifier, canonical string) uuid.UUID {
	m := id.macs.Get().(*mac)
	defer id.macs.Put(m)
	m.text = append(m.text[:0], keyIdentifier...)
	m.text = append(m.text, 0)
	m.text = append(m.text, canonical...)
	m.hash.Reset()
	m.hash.Write(m.text) // a hash.Hash never fails
	m.sum = m.hash.Sum(m.sum[:0])

	nxID := uuid.UUID(m.sum[:16])
	nxID[6] = nxID[6]&0x0f | 0x80 // version 8
	nxID[8] = nxID[8]&0x3f | 0x80 // variant of RFC 9562
	return nxID
}

// Find gives the id of the contact with this value of the key identifier, as a
// person or a client writes it; ok is false for a value that no contact can
// have. With defaultCountry (ISO 3166-1 alpha-2, or empty) national phone
// numbers are understood.
func (id Identity) Find(keyIdentifier, value, defaultCountry string) (nxID uuid.UUID, ok bool) {
	var kept string
	switch keyIdentifier {
	case events.Email:
		kept, ok = normalEmail(value)
	case events.Phone:
		kept, ok = newPhones(defaultCountry).normal(value)
	case events.ExternalID:
		kept, ok = normalExternalID(value)
	}
	if !ok {
		return uuid.UUID{}, false
	}
	return id.NxID(keyIdentifier, canonical(keyIdentifier, kept)), true
}

// canonical is the form in which a normal value of a key identifier is compared:
// addresses without regard to case and to needless quotes, the others as kept.
func canonical(keyIdentifier, normal string) string {
	if keyIdentifier != events.Email {
		return normal
	}
	at := strings.LastIndexByte(normal, '@')
	if normal[0] == '"' {
		return strings.ToLower(unquotedLocalPart(normal[:at])) + normal[at:]
	}
	return strings.ToLower(normal)
}
