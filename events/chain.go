package events

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
)

// Chain proves a stream up to an event: the SHA-256 (FIPS 180-4) over that event and
// the Chain of the event before it. Whoever changes, drops, adds or moves an event
// changes every Chain from there on. The zero Chain is before a stream's first event,
// and that of an event that was recorded without one.
type Chain [sha256.Size]byte

// String writes a chain as it is stored: base64url without padding (RFC 4648 §5).
func (c Chain) String() string { return base64.RawURLEncoding.EncodeToString(c[:]) }

// MarshalText implements encoding.TextMarshaler.
func (c Chain) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, c[:]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Chain) UnmarshalText(text []byte) error {
	var read Chain
	if len(text) != chainLength {
		return fmt.Errorf("chain %.60q: want %d characters of base64url", text, chainLength)
	}
	if n, err := chainText.Decode(read[:], text); err != nil || n != len(read) {
		return fmt.Errorf("chain %.60q: want %d bytes in base64url", text, len(read))
	}
	*c = read
	return nil
}

// chainText is strict, so that a chain has one spelling.
var chainText = base64.RawURLEncoding.Strict()

// IsZero tells the chain that there is before a stream's first event.
func (c Chain) IsZero() bool { return c == Chain{} }

// Place is where in its stream the next event comes to stand.
type Place struct {
	Revision uint64 // of that event: how many are before it
	Chain    Chain  // of the event before it
}

// After gives the place behind an event that comes to this one, by its content alone:
// its Chain is the one that the event's metadata should begin with.
func (p Place) After(stream, eventType string, data, metadata []byte) Place {
	_, plain := cutChain(metadata)
	return Place{Revision: p.Revision + 1, Chain: newLinks(stream).next(p, eventType, data, plain)}
}

// What Follow reports, wrapped with the event that it is about.
var (
	ErrRevisionGap  = errors.New("the revisions do not follow each other")
	ErrNotChained   = errors.New("the event carries no chain")
	ErrChainBroken  = errors.New("the event is not what its chain says, or not behind the event that it was recorded behind")
	ErrNotItsOwnID  = errors.New("the event's id is not the one that its chain gives")
	errOtherStreams = errors.New("the event is of another stream")
)

// Follow checks that a record is the one that was written at this place of a stream,
// and gives the place behind it.
func (p Place) Follow(stream string, r Recorded) (Place, error) {
	chain, plain := cutChain(r.Metadata)
	var err error
	switch {
	case r.Stream != stream:
		err = errOtherStreams
	case r.Revision != p.Revision:
		err = fmt.Errorf("%w: revision %d comes next", ErrRevisionGap, p.Revision)
	case chain.IsZero():
		err = ErrNotChained
	case chain != newLinks(stream).next(p, r.Type, r.Data, plain):
		err = ErrChainBroken
	case r.ID != idOf(nameSpace(stream), chain):
		err = ErrNotItsOwnID
	}
	if err != nil {
		return p, fmt.Errorf("event %d@%s (%s): %w", r.Revision, r.Stream, r.Type, err)
	}
	return Place{Revision: p.Revision + 1, Chain: chain}, nil
}

// Behind is the place behind a record, by what the record itself says.
func Behind(r Recorded) Place {
	chain, _ := cutChain(r.Metadata)
	return Place{Revision: r.Revision + 1, Chain: chain}
}

// links computes the chains of one stream. Not for concurrent use.
type links struct {
	stream string
	hash   hash.Hash
	head   []byte
}

func newLinks(stream string) *links { return &links{stream: stream, hash: sha256.New()} }

// next is the chain of the event at a place. What is hashed is the chain before it,
// the revision in 8 bytes, big-endian, and then stream, type, data and metadata (the
// members that follow the chain), each behind its length as an unsigned varint.
func (l *links) next(at Place, eventType string, data, metadata []byte) (c Chain) {
	b := append(l.head[:0], at.Chain[:]...)
	b = binary.BigEndian.AppendUint64(b, at.Revision)
	b = appendBytes(b, []byte(l.stream))
	b = appendBytes(b, []byte(eventType))
	b = binary.AppendUvarint(b, uint64(len(data)))
	l.hash.Reset()
	l.hash.Write(b) // a hash.Hash never fails
	l.hash.Write(data)
	b = binary.AppendUvarint(b[:0], uint64(len(metadata)))
	l.hash.Write(b)
	l.hash.Write(metadata)
	l.head = l.hash.Sum(b[:0])
	copy(c[:], l.head)
	return c
}

// chainMember begins metadata that carries a chain: it is the first member, at a
// length that is always the same, so that reading it costs no decoding.
const (
	chainMember = `{"chain":"`
	chainEnd    = `",`
	chainLength = 43
)

// withChain writes metadata with its chain before the members that it has.
func withChain(c Chain, members []byte) []byte {
	buf := make([]byte, 0, len(chainMember)+chainLength+len(chainEnd)+len(members))
	buf = append(buf, chainMember...)
	buf = base64.RawURLEncoding.AppendEncode(buf, c[:])
	buf = append(buf, chainEnd...)
	return append(buf, members...)
}

// cutChain parts metadata into its chain and the members behind it. Metadata that
// was not written by withChain has the zero chain, and is given back whole.
func cutChain(metadata []byte) (c Chain, members []byte) {
	text, ok := bytes.CutPrefix(metadata, []byte(chainMember))
	if !ok || len(text) < chainLength+len(chainEnd) || string(text[chainLength:chainLength+len(chainEnd)]) != chainEnd {
		return Chain{}, metadata
	}
	if err := c.UnmarshalText(text[:chainLength]); err != nil {
		return Chain{}, metadata
	}
	return c, text[chainLength+len(chainEnd):]
}
