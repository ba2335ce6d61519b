package commands

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"importledger/events"
)

const (
	maxName        = 255 // characters of an import's, segment's or event's name
	maxDescription = 300
	maxReason      = 300
	maxAttribute   = 100
)

// InvalidRequest is the code of a refusal whose details say what is wrong.
const InvalidRequest = "invalid-request"

// shape collects what is wrong with a command.
type shape []Detail

func (s *shape) want(ok bool, field, code, message string, args ...any) {
	if !ok {
		*s = append(*s, Detail{Field: field, Code: code, Message: fmt.Sprintf(message, args...)})
	}
}

func (s shape) err() error {
	if len(s) == 0 {
		return nil
	}
	return &Refusal{Kind: Unacceptable, Code: InvalidRequest, Message: s[0].Message, Details: s}
}

func (s *shape) wantRowSettings(blank events.BlankCells, country string) {
	s.want(blank == "" || blank == events.KeepBlank || blank == events.ClearBlank, "blankCells", "unknown",
		"Blank cells are %s or %s.", events.KeepBlank, events.ClearBlank)
	s.want(country == "" || len(country) == 2, "defaultCountry", "unknown", "The default country has two letters, such as BE.")
}

func text(s string, atMost int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= atMost
}

// Check implements Command.
func (c Start) Check() error {
	var s shape
	s.want(text(c.Name, maxName), "name", "too-long", "A name has at most %d characters.", maxName)
	s.want(text(c.Description, maxDescription), "description", "too-long", "A description has at most %d characters.", maxDescription)
	s.want(c.Type == events.Manual || c.Type == events.FTPTemplate, "type", "unknown", "The type is %s or %s.", events.Manual, events.FTPTemplate)
	s.want(c.ImportMode == events.Contacts || c.ImportMode == events.ContactsEvents, "importMode", "unknown",
		"The import mode is %s or %s.", events.Contacts, events.ContactsEvents)
	s.want(c.ImportMode == events.ContactsEvents || c.EventName == "", "eventName", "not-in-mode", "An event name goes with the import mode events.")
	s.want(text(c.EventName, maxName), "eventName", "too-long", "An event's name has at most %d characters.", maxName)
	s.want(slices.Contains(events.KeyIdentifiers, c.KeyIdentifier), "keyIdentifier", "unknown", "The key identifier is email, phone or externalId.")
	s.wantRowSettings(c.BlankCells, c.DefaultCountry)
	s.want(c.File.Name != "" && text(c.File.Name, maxName), "file", "name", "A file has a name of at most %d characters.", maxName)
	return s.err()
}

// Check implements Command.
func (c MapColumns) Check() error {
	var s shape
	s.want(text(c.Name, maxName), "name", "too-long", "A name has at most %d characters.", maxName)
	s.want(text(c.Description, maxDescription), "description", "too-long", "A description has at most %d characters.", maxDescription)
	s.want(len(c.Mapping) > 0, "mapping", "missing", "Map at least the column of the key identifier.")
	for i, m := range c.Mapping {
		field := fmt.Sprintf("mapping[%d]", i)
		s.want(m.Header != "", field, "header-missing", "Each mapping names the header of its column.")
		s.want(!m.Skip || m.Attribute == "" && m.Property == "" && !m.Timestamp, field, "skip-and-more", "Column %q is skipped or mapped, not both.", m.Header)
		s.want(text(m.Attribute, maxAttribute), field, "too-long", "An attribute's name has 1 to %d characters.", maxAttribute)
		s.want(text(m.Property, maxName), field, "too-long", "A property's name has at most %d characters.", maxName)
		s.want(m.Create == nil || m.Attribute == "" || named(m.Attribute), field, "name", "The name of a new attribute has a character to be seen, and no control characters.")
		s.want(m.Create == nil || m.Attribute != "", field, "create-nothing", "Column %q creates an attribute; name it in attribute.", m.Header)
		s.want(m.Create == nil || isNewType(m.Create.Type),
			field, "type-unknown", "A new attribute is of type string, number or boolean.")
		s.want(m.Type == "" || isNewType(m.Type), field, "type-unknown", "A property is of type string, number or boolean.")
		s.want(m.Type == "" || m.Property != "" && m.Attribute == "", field, "type-of-nothing",
			"Column %q: a type goes with a property that is no attribute.", m.Header)
	}
	s.wantRowSettings(c.BlankCells, c.DefaultCountry)
	s.want(text(c.EventName, maxName), "eventName", "too-long", "An event's name has at most %d characters.", maxName)
	if c.Segment != nil {
		s.want(c.Segment.ID != "" && named(c.Segment.Name) && text(c.Segment.Name, maxName), "segment", "name", "A segment has a name of at most %d characters.", maxName)
	}
	return s.err()
}

// isNewType tells whether attributes and properties can be made with a type.
func isNewType(t events.AttributeType) bool {
	return t == events.String || t == events.Number || t == events.Boolean
}

// Check implements Command.
func (c RowAccepted) Check() error {
	if c.Row < 1 {
		return fmt.Errorf("row %d: rows count from 1", c.Row)
	}
	return nil
}

// Check implements Command.
func (c RowRejected) Check() error {
	if c.Row < 1 {
		return fmt.Errorf("row %d: rows count from 1", c.Row)
	}
	if len(c.Errors) == 0 {
		return fmt.Errorf("row %d is rejected without a reason", c.Row)
	}
	return nil
}

// Check implements Command.
func (c Cancel) Check() error {
	var s shape
	s.want(text(c.Reason, maxReason), "reason", "too-long", "A reason has at most %d characters.", maxReason)
	return s.err()
}

// Check implements Command.
func (Complete) Check() error { return nil }

// Check implements Command.
func (c Fail) Check() error {
	if c.Code == "" || c.Message == "" {
		return fmt.Errorf("a failure has a code and a message")
	}
	return nil
}
