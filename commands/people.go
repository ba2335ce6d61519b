package commands

import (
	"slices"
	"strings"
	"unicode"

	"importledger/events"

	"github.com/google/uuid"
)

// CreateSegment asks for a new manual segment.
type CreateSegment struct {
	Name        string // unique among segments, exactly
	Description string // at most 300 characters
	ImportID    string // the import that needs it; empty: somebody by hand
}

// ChangeSegment gives a segment another name or description; nil leaves one as it is.
type ChangeSegment struct {
	Name        *string
	Description *string
}

// RemoveSegment ends a segment. Its contacts stay contacts.
type RemoveSegment struct{}

// AddContacts puts contacts into a segment.
type AddContacts struct{ Contacts []uuid.UUID }

// RemoveContacts takes contacts out of a segment.
type RemoveContacts struct{ Contacts []uuid.UUID }

// MaxContacts is how many contacts one command puts into a segment or takes out.
const MaxContacts = 10_000

// CreateAttribute makes an attribute part of the account.
type CreateAttribute struct {
	Name     string // case-sensitive, 1 to 100 characters
	Type     events.AttributeType
	ImportID string // the import whose mapping needs it; empty: somebody by hand
}

// SetKeyIdentifier says which attribute tells contacts apart. How the log uses the
// one so far comes with it.
type SetKeyIdentifier struct {
	Identifier string
	Contacts   bool   // there are some
	Running    string // an import that may yet make some; empty: none
}

// UseKeyIdentifier announces contacts that an import makes by a key identifier.
type UseKeyIdentifier struct {
	Identifier string // with which the import was started
	ImportID   string
}

// named tells names that people can see and tell apart.
func named(name string) bool {
	return strings.TrimSpace(name) != "" && !strings.ContainsFunc(name, unicode.IsControl)
}

func (s *shape) name(value string, atMost int) {
	s.want(value != "", "name", "missing", "Give a name.")
	s.want(value == "" || named(value), "name", "blank", "A name has a character to be seen, and no line breaks or other control characters.")
	s.want(text(value, atMost), "name", "too-long", "A name has at most %d characters here.", atMost)
}

func (s *shape) description(value string) {
	s.want(text(value, maxDescription), "description", "too-long", "A description has at most %d characters.", maxDescription)
	s.want(!strings.ContainsRune(value, 0), "description", "control-character", "A description has no NUL characters.")
}

func (s *shape) contacts(ids []uuid.UUID) {
	s.want(len(ids) > 0 && len(ids) <= MaxContacts, "ids", "count", "Name 1 to %d contacts at a time.", MaxContacts)
}

// Check implements Command.
func (c CreateSegment) Check() error {
	var s shape
	s.name(c.Name, maxName)
	s.description(c.Description)
	return s.err()
}

// Check implements Command.
func (c ChangeSegment) Check() error {
	var s shape
	if c.Name != nil {
		s.name(*c.Name, maxName)
	}
	if c.Description != nil {
		s.description(*c.Description)
	}
	return s.err()
}

// Check implements Command.
func (RemoveSegment) Check() error { return nil }

// Check implements Command.
func (c AddContacts) Check() error {
	var s shape
	s.contacts(c.Contacts)
	return s.err()
}

// Check implements Command.
func (c RemoveContacts) Check() error {
	var s shape
	s.contacts(c.Contacts)
	return s.err()
}

// Check implements Command.
func (c CreateAttribute) Check() error {
	var s shape
	s.name(c.Name, maxAttribute)
	s.want(isNewType(c.Type), "type", "type-unknown", "An attribute is of type string, number or boolean.")
	return s.err()
}

// Check implements Command.
func (c SetKeyIdentifier) Check() error {
	var s shape
	s.want(slices.Contains(events.KeyIdentifiers, c.Identifier), "identifier", "unknown", "The key identifier is email, phone or externalId.")
	return s.err()
}

// Check implements Command.
func (UseKeyIdentifier) Check() error { return nil }
