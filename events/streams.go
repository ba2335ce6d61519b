package events

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// StreamPrefixes are the stream names that belong to the ledger: what a
// subscription to $all filters on. Everything else in the log is not ours.
var StreamPrefixes = []string{ImportStreamPrefix, SegmentStreamPrefix, segmentNamePrefix, attributePrefix, AccountStream}

const (
	// ImportStreamPrefix begins the name of every import's stream: import-<ulid>.
	ImportStreamPrefix = "import-"
	// SegmentStreamPrefix begins the name of every segment's stream: segment-<ulid>.
	SegmentStreamPrefix = "segment-"
	segmentNamePrefix   = "segmentname-"
	attributePrefix     = "attribute-"
	// AccountStream is the stream of what the ledger's one account has set.
	AccountStream = "ledger-account"
)

// ImportStream names the stream of an import.
func ImportStream(importID string) string { return ImportStreamPrefix + importID }

// ImportOfStream gives the import's id for a stream name; ok is false for
// streams of something else.
func ImportOfStream(stream string) (importID string, ok bool) {
	return strings.CutPrefix(stream, ImportStreamPrefix)
}

// SegmentStream names the stream of a segment.
func SegmentStream(segmentID string) string { return SegmentStreamPrefix + segmentID }

// SegmentOfStream gives the segment's id for a stream name; ok is false for
// streams of something else.
func SegmentOfStream(stream string) (segmentID string, ok bool) {
	return strings.CutPrefix(stream, SegmentStreamPrefix)
}

// SegmentNameStream names the stream in which it is decided which segment has a
// name. Names can be personal, so it is a digest of the name.
func SegmentNameStream(name string) string { return segmentNamePrefix + digest(name) }

// AttributeStream names the stream of the attribute with a name, by a digest of it.
func AttributeStream(name string) string { return attributePrefix + digest(name) }

func digest(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}
