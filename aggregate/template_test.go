package aggregate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

var template = aggregate.Template{
	Header: start.File.Header, Separator: ",", Mapping: mapColumns.Mapping, ImportMode: events.Contacts,
}

func received(header ...string) commands.Start {
	s := start
	s.File.Header = header
	return s
}

// ends decides commands one after the other on an import that is new.
func ends(t *testing.T, all []commands.Command) aggregate.Import {
	t.Helper()
	s := given().state
	for _, c := range all {
		facts, err := aggregate.Decide(s, c)
		if err != nil {
			t.Fatalf("%T: %v", c, err)
		}
		s = aggregate.Tried(s, facts, events.Meta{})
	}
	return s
}

func TestAFileThatFollowsItsTemplateIsMapped(t *testing.T) {
	for _, header := range [][]string{{"E-mail", "Age", "Notes"}, {"Notes", "E-mail", "Age"}} {
		todo, err := template.Follow(received(header...), events.Reserved)
		if err != nil {
			t.Fatal(err)
		}
		if s := ends(t, todo); s.State != events.Importing || s.Started.Type != events.FTPTemplate || len(s.Mapped.Columns) != 3 {
			t.Errorf("%v: %+v", header, s)
		}
	}
}

func TestADriftedHeaderFailsAndNamesTheColumns(t *testing.T) {
	for said, header := range map[string][]string{
		`missing: "Notes".`:                            {"E-mail", "Age"},
		`not expected: "City".`:                        {"E-mail", "Age", "Notes", "City"},
		`missing: "E-mail"; not expected: "e-mail".`:   {"e-mail", "Age", "Notes"},
		`missing: "E-mail", "Age"; not expected: "x".`: {"x", "Notes"},
	} {
		todo, err := template.Follow(received(header...), events.Reserved)
		if err != nil {
			t.Fatal(err)
		}
		s := ends(t, todo)
		if s.State != events.Failed || s.Failure.Code != commands.HeaderMismatch || !strings.Contains(s.Failure.Message, said) {
			t.Errorf("%v: %+v", header, s.Failure)
		}
	}
}

func TestALongListOfColumnsIsCut(t *testing.T) {
	var header []string
	for i := range 100 {
		header = append(header, fmt.Sprint(i, strings.Repeat("x", 200)))
	}
	todo, err := template.Follow(received(header...), events.Reserved)
	if err != nil {
		t.Fatal(err)
	}
	if m := ends(t, todo).Failure.Message; len(m) > 2000 || !strings.Contains(m, "and 80 more") {
		t.Errorf("%d bytes: %s", len(m), m)
	}
}

func TestATemplateThatCannotBeFollowedAnyMoreFailsTheImport(t *testing.T) {
	age := append([]events.Attribute{{Name: "age", Type: events.String}}, events.Reserved...)
	todo, err := template.Follow(received(template.Header...), age)
	if err != nil {
		t.Fatal(err)
	}
	if s := ends(t, todo); s.State != events.Failed || s.Failure.Code != aggregate.MappingInvalid || !strings.Contains(s.Failure.Message, "age") {
		t.Errorf("%+v", s.Failure)
	}
}

func TestAFileOfWhichOnlyTheNameIsKnownIsAnImportThatFailed(t *testing.T) {
	known := start
	known.File = events.File{Name: "huge.csv", Size: 20_000_001}
	s := ends(t, template.Refuse(known, &commands.Refusal{Code: commands.FileTooLarge, Message: "Too large."}))
	if s.State != events.Failed || s.Failure.Code != commands.FileTooLarge || s.Rows() != 0 {
		t.Errorf("%+v", s)
	}
	unreadable := events.ImportStarted(known)
	given(unreadable).when(mapColumns).fails(t, aggregate.ErrFileUnreadable)
	given(unreadable).when(commands.Complete{}).fails(t, aggregate.ErrNotImporting)
	given(unreadable).when(commands.RowAccepted{Row: 1}).fails(t, aggregate.ErrNotImporting)
}

func TestATemplateThatNoFileCouldFollowIsRefused(t *testing.T) {
	if err := template.Check(events.Email, events.Reserved); err != nil {
		t.Errorf("a good one: %v", err)
	}
	for code, change := range map[string]func(*aggregate.Template){
		"identifier-missing": func(p *aggregate.Template) { p.Mapping = p.Mapping[1:] },
		"header-unknown":     func(p *aggregate.Template) { p.Header = p.Header[:1] },
		"attribute-unknown": func(p *aggregate.Template) {
			p.Mapping = []commands.Column{{Header: "E-mail", Attribute: events.Email}, {Header: "Age", Attribute: "age"}}
		},
		"event-name-missing": func(p *aggregate.Template) { p.ImportMode = events.ContactsEvents },
		"not-in-mode":        func(p *aggregate.Template) { p.EventName = "visit" },
	} {
		bad := template
		change(&bad)
		err := bad.Check(events.Email, events.Reserved)
		var refusal *commands.Refusal
		if !errors.As(err, &refusal) || len(refusal.Details) == 0 || refusal.Details[0].Code != code {
			t.Errorf("%s: %v", code, err)
		}
	}
}
