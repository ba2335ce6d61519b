package aggregate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"importledger/commands"
	"importledger/events"
)

// Template says beforehand what becomes of files that are still to come: which
// columns they have, and what each one means.
type Template struct {
	Header     []string          `json:"header"`             // in any order
	Separator  string            `json:"separator"`          // "," or ";"
	Encoding   string            `json:"encoding,omitempty"` // of all files, where somebody knows it; empty: found for each
	Mapping    []commands.Column `json:"mapping"`            // a header that no item names is skipped
	ImportMode events.Mode       `json:"importMode"`
	EventName  string            `json:"eventName,omitempty"` // mode events
	Segment    *events.Segment   `json:"segment,omitempty"`   // with id and name, new or not

	DefaultCountry string            `json:"defaultCountry,omitempty"` // ISO 3166-1 alpha-2, for national phone numbers
	BlankCells     events.BlankCells `json:"blankCells,omitempty"`     // empty: keep
}

// Check refuses a template that no file could follow, by the rules that files are
// imported by.
func (t Template) Check(keyIdentifier string, attributes []events.Attribute) error {
	sample := commands.Start{KeyIdentifier: keyIdentifier,
		File: events.File{Name: "sample.csv", Separator: t.Separator, Header: t.Header, Rows: 1}}
	return tried(t.start(sample), t.mapColumns(attributes))
}

// Follow gives the commands that a received file amounts to. One that cannot
// follow the template becomes an import that says why.
func (t Template) Follow(received commands.Start, attributes []events.Attribute) ([]commands.Command, error) {
	start, mapping := t.start(received), t.mapColumns(attributes)
	err := t.sameColumns(received.File.OwnColumns())
	if err == nil {
		err = tried(start, mapping)
	}
	if why, ok := errors.AsType[*commands.Refusal](err); ok {
		return t.Refuse(received, why), nil
	}
	return []commands.Command{start, mapping}, err
}

// Refuse gives the commands for a file that broke a rule: the import is started
// with what is known of the file, which may be no more than its name, and fails.
func (t Template) Refuse(received commands.Start, why *commands.Refusal) []commands.Command {
	return []commands.Command{t.start(received), commands.Fail{Code: why.Code, Message: why.Message}}
}

func (t Template) start(received commands.Start) commands.Start {
	received.Type, received.ImportMode, received.EventName = events.FTPTemplate, t.ImportMode, t.EventName
	received.DefaultCountry, received.BlankCells = t.DefaultCountry, t.BlankCells
	return received
}

func (t Template) mapColumns(attributes []events.Attribute) commands.MapColumns {
	return commands.MapColumns{Mapping: t.Mapping, Segment: t.Segment, Attributes: attributes}
}

// tried decides commands on an import that does not exist yet, for their refusal.
func tried(all ...commands.Command) error {
	s := Import{ID: "trial"}
	for _, c := range all {
		facts, err := Decide(s, c)
		if err != nil {
			return err
		}
		s = Tried(s, facts, events.Meta{})
	}
	return nil
}

// Fits tells whether a file with this header has the template's columns.
func (t Template) Fits(header []string) bool { return t.sameColumns(header) == nil }

// sameColumns refuses a header that lacks columns of the template or has others.
func (t Template) sameColumns(header []string) error {
	missing, extra := without(t.Header, header), without(header, t.Header)
	if len(missing)+len(extra) == 0 {
		return nil
	}
	var said []string
	if len(missing) > 0 {
		said = append(said, "missing: "+namesOf(missing))
	}
	if len(extra) > 0 {
		said = append(said, "not expected: "+namesOf(extra))
	}
	return &commands.Refusal{Kind: commands.Unacceptable, Code: commands.HeaderMismatch,
		Message: fmt.Sprintf("The columns are not those of the template; %s. Send the columns of the template, or change the template.", strings.Join(said, "; "))}
}

func without(all, those []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(those, name) })
}

// namesOf lists columns as a message can show them.
func namesOf(columns []string) string {
	const most, longest = 20, 60
	named := make([]string, 0, most+1)
	for i, name := range columns {
		if i == most {
			named = append(named, fmt.Sprintf("and %d more", len(columns)-most))
			break
		}
		if runes := []rune(name); len(runes) > longest {
			name = string(runes[:longest]) + "…"
		}
		named = append(named, fmt.Sprintf("%q", name))
	}
	return strings.Join(named, ", ")
}
