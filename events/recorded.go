package events

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Position is a place in the log as a whole ($all). Positions are ordered by
// Commit, then Prepare; the zero Position is before every event.
type Position struct {
	Commit  uint64
	Prepare uint64
}

// Before tells whether p comes before q in the log.
func (p Position) Before(q Position) bool {
	return p.Commit < q.Commit || p.Commit == q.Commit && p.Prepare < q.Prepare
}

// String writes a position as clients see it: "commit", or "commit-prepare"
// where the two differ.
func (p Position) String() string {
	if p.Commit == p.Prepare {
		return strconv.FormatUint(p.Commit, 10)
	}
	return strconv.FormatUint(p.Commit, 10) + "-" + strconv.FormatUint(p.Prepare, 10)
}

// ParsePosition reads what Position.String writes.
func ParsePosition(s string) (Position, error) {
	commit, prepare, both := strings.Cut(s, "-")
	c, err := strconv.ParseUint(commit, 10, 64)
	if err != nil {
		return Position{}, fmt.Errorf("position %q: want a number, or two joined by %q", s, "-")
	}
	if !both {
		return Position{Commit: c, Prepare: c}, nil
	}
	p, err := strconv.ParseUint(prepare, 10, 64)
	if err != nil {
		return Position{}, fmt.Errorf("position %q: want a number, or two joined by %q", s, "-")
	}
	return Position{Commit: c, Prepare: p}, nil
}

// Proposed is an encoded event on its way to the log.
type Proposed struct {
	ID       uuid.UUID
	Type     string
	Data     []byte
	Metadata []byte
}

// Recorded is an event as the log holds it, still encoded.
type Recorded struct {
	ID       uuid.UUID
	Stream   string
	Revision uint64 // number in its stream, from 0
	Position Position
	Type     string
	Recorded time.Time // by the log's own clock, UTC
	Data     []byte
	Metadata []byte
}
