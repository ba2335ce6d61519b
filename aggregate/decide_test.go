package aggregate_test

import (
	"errors"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

func TestStart(t *testing.T) {
	given().when(start).then(t, started)
	given(started).when(start).then(t)

	other := start
	other.File.SHA256 = "cd"
	given(started).when(other).fails(t, aggregate.ErrAlreadyStarted)

	unnamed := start
	unnamed.Name, unnamed.BlankCells = "", ""
	named := started
	named.Name = "contacts.csv"
	given().when(unnamed).then(t, named)

	unnamed.KeyIdentifier = "name"
	given().when(unnamed).detail(t, "unknown")
}

func TestNothingHappensToAnImportThatWasNotStarted(t *testing.T) {
	for _, c := range []commands.Command{mapColumns, commands.RowAccepted(accepted(1)), commands.RowRejected(rejected(1)),
		commands.Cancel{}, commands.Complete{}, commands.Fail{Code: "x", Message: "y"}} {
		given().when(c).fails(t, aggregate.ErrNotFound)
	}
}

func TestMapColumns(t *testing.T) {
	given(started).when(mapColumns).then(t, mapped)
	given(started, mapped).when(mapColumns).then(t)
	given(started, mapped, accepted(1)).when(mapColumns).then(t)

	existing := mapColumns
	existing.Attributes = append([]events.Attribute{{Name: "age", Type: events.Number}}, events.Reserved...)
	given(started, mapped).when(existing).then(t)

	other := mapColumns
	other.Mapping = other.Mapping[:1]
	given(started, mapped).when(other).fails(t, aggregate.ErrAlreadyMapped)
	given(started, mapped, events.ImportCanceled{}).when(mapColumns).fails(t, aggregate.ErrEnded)
}

func TestMapColumnsRefusesAMappingThatCannotBe(t *testing.T) {
	column := func(header, attribute string) commands.Column {
		return commands.Column{Header: header, Attribute: attribute}
	}
	email := column("E-mail", events.Email)
	for code, wishes := range map[string][]commands.Column{
		"header-unknown":      {email, column("Phone", events.Phone)},
		"header-repeated":     {email, column("E-mail", events.Phone)},
		"attribute-repeated":  {email, column("Notes", events.Email)},
		"attribute-read-only": {email, column("Notes", events.NxID)},
		"attribute-unknown":   {email, column("Notes", "notes")},
		"attribute-type":      {email, {Header: "Age", Attribute: "born", Create: &commands.NewAttribute{Type: events.Number}}},
		"identifier-missing":  {column("Notes", events.Phone)},
		"not-in-mode":         {email, {Header: "Notes", Property: "Notes"}},
		"target-missing":      {email, {Header: "Notes"}},
		"missing":             {},
		"skip-and-more":       {{Header: "E-mail", Skip: true, Attribute: events.Email}},
		"type-unknown":        {email, {Header: "Age", Attribute: "age", Create: &commands.NewAttribute{Type: events.Timestamp}}},
	} {
		c := commands.MapColumns{Mapping: wishes, Attributes: append([]events.Attribute{{Name: "born", Type: events.String}}, events.Reserved...)}
		given(started).when(c).detail(t, code)
	}
}

func TestMapColumnsInModeEvents(t *testing.T) {
	inEvents := started
	inEvents.ImportMode = events.ContactsEvents
	wish := commands.MapColumns{Attributes: events.Reserved, EventName: "visit", Mapping: []commands.Column{
		{Header: "E-mail", Attribute: events.Email, Property: "E-mail"}, {Header: "Age", Timestamp: true}, {Header: "Notes", Property: "Notes"},
	}}
	given(inEvents).when(wish).then(t, events.ColumnsMapped{EventName: "visit", Columns: []events.Column{
		{Header: "E-mail", Attribute: events.Email, Type: events.String, Property: "E-mail"},
		{Header: "Age", Timestamp: true}, {Header: "Notes", Property: "Notes"},
	}})

	wish.EventName = ""
	given(inEvents).when(wish).detail(t, "event-name-missing")
	wish.EventName = "visit"
	wish.Mapping[2] = commands.Column{Header: "Notes", Timestamp: true}
	given(inEvents).when(wish).detail(t, "timestamp-repeated")
}

func TestRows(t *testing.T) {
	row := func(n int) commands.Command { return commands.RowAccepted(accepted(n)) }
	bad := func(n int) commands.Command { return commands.RowRejected(rejected(n)) }
	given(started, mapped).when(row(1)).then(t, accepted(1))
	given(started, mapped, accepted(1)).when(bad(2)).then(t, rejected(2))

	for _, refused := range []struct {
		facts []events.Event
		row   commands.Command
		want  aggregate.RowOutOfOrder
	}{
		{[]events.Event{started, mapped, accepted(1)}, row(1), aggregate.RowOutOfOrder{Got: 1, Want: 2}},
		{[]events.Event{started, mapped, rejected(1)}, row(1), aggregate.RowOutOfOrder{Got: 1, Want: 2}},
		{[]events.Event{started, mapped, accepted(1)}, bad(3), aggregate.RowOutOfOrder{Got: 3, Want: 2}},
		{[]events.Event{started, mapped, accepted(1), accepted(2), accepted(3)}, row(4), aggregate.RowOutOfOrder{Got: 4}},
	} {
		var order *aggregate.RowOutOfOrder
		if o := given(refused.facts...).when(refused.row); !errors.As(o.err, &order) || *order != refused.want {
			t.Errorf("%+v after %d facts: %v, want %v", refused.row, len(refused.facts), o.err, &refused.want)
		}
	}
	given(started).when(row(1)).fails(t, aggregate.ErrNotImporting)
	given(started, mapped, events.ImportCanceled{}).when(row(1)).fails(t, aggregate.ErrNotImporting)
	given(started, mapped).when(bad(0)).then0(t)
}

// then0 wants a refusal of the command's own shape.
func (o outcome) then0(t *testing.T) {
	t.Helper()
	if o.err == nil || len(o.facts) > 0 {
		t.Fatalf("caused %v; want a refusal", o.facts)
	}
}

func TestComplete(t *testing.T) {
	all := []events.Event{started, mapped, accepted(1), rejected(2), accepted(3)}
	done := events.ImportCompleted{Accepted: 2, Rejected: 1}
	given(all...).when(commands.Complete{}).then(t, done)
	given(append(all, done)...).when(commands.Complete{}).then(t)
	given(all[:4]...).when(commands.Complete{}).fails(t, aggregate.ErrRowsMissing)
	given(started).when(commands.Complete{}).fails(t, aggregate.ErrNotImporting)
	given(started, mapped, events.ImportCanceled{}).when(commands.Complete{}).fails(t, aggregate.ErrNotImporting)
}

func TestCancel(t *testing.T) {
	cancel := commands.Cancel{Reason: "wrong file"}
	canceled := events.ImportCanceled{Reason: "wrong file"}
	given(started).when(cancel).then(t, canceled)
	given(started, mapped, accepted(1)).when(cancel).then(t, canceled)
	given(started, canceled).when(cancel).then(t)
	given(started, events.ImportFailed{Code: "x", Message: "y"}).when(cancel).fails(t, aggregate.ErrEnded)
	given(started, mapped, accepted(1), accepted(2), accepted(3), events.ImportCompleted{Accepted: 3}).when(cancel).fails(t, aggregate.ErrEnded)
}

func TestFail(t *testing.T) {
	fail := commands.Fail{Code: "source-changed", Message: "The file is not what was received."}
	failed := events.ImportFailed(fail)
	given(started, mapped, accepted(1)).when(fail).then(t, failed)
	given(started, failed).when(fail).then(t)
	given(started, events.ImportCanceled{}).when(fail).fails(t, aggregate.ErrEnded)
	given(started).when(commands.Fail{}).then0(t)
}

func TestAMappingMayReadTheFileOtherwise(t *testing.T) {
	t.Parallel()
	file := started.File
	file.Separator, file.Encoding, file.Header, file.Rows = ";", "windows-1252", []string{"Mail", "Zip"}, 2
	wish := commands.MapColumns{Attributes: events.Reserved, File: &file, BlankCells: events.ClearBlank, DefaultCountry: "BE",
		Mapping: []commands.Column{{Header: "Mail", Attribute: events.Email}}}
	fact := events.ColumnsMapped{File: &file, BlankCells: events.ClearBlank, DefaultCountry: "BE", Columns: []events.Column{
		{Header: "Mail", Attribute: events.Email, Type: events.String}, {Header: "Zip", Skip: true}}}
	given(started).when(wish).then(t, fact)
	given(started, fact).when(wish).then(t)

	read := given(started, fact).state
	if read.Rows() != 2 || read.File().Encoding != "windows-1252" || read.BlankCells() != events.ClearBlank || read.DefaultCountry() != "BE" {
		t.Errorf("%+v", read)
	}
	given(started, fact, accepted(1), accepted(2)).when(commands.Complete{}).then(t, events.ImportCompleted{Accepted: 2})

	for _, other := range []func(*commands.MapColumns){
		func(m *commands.MapColumns) { m.File = nil; m.Mapping[0].Header = "E-mail" },
		func(m *commands.MapColumns) { m.BlankCells = "" },
		func(m *commands.MapColumns) { m.DefaultCountry = "FR" },
	} {
		m := wish
		m.Mapping = append([]commands.Column{}, wish.Mapping...)
		other(&m)
		given(started, fact).when(m).fails(t, aggregate.ErrAlreadyMapped)
	}
	wish.Mapping = []commands.Column{{Header: "E-mail", Attribute: events.Email}}
	given(started).when(wish).detail(t, "header-unknown")
}

func TestAMappingMayNameTheImportAnew(t *testing.T) {
	t.Parallel()
	wish := commands.MapColumns{Attributes: events.Reserved, Name: "Autumn fair", Mapping: []commands.Column{{Header: "E-mail", Attribute: events.Email}}}
	fact := events.ColumnsMapped{Name: "Autumn fair", Columns: []events.Column{{Header: "E-mail", Attribute: events.Email, Type: events.String}}}
	for _, h := range started.File.Header[1:] {
		fact.Columns = append(fact.Columns, events.Column{Header: h, Skip: true})
	}
	given(started).when(wish).then(t, fact)
	if s := given(started, fact).state; s.Name() != "Autumn fair" || s.Description() != started.Description {
		t.Errorf("%q, %q", s.Name(), s.Description())
	}
	wish.Description = strings.Repeat("x", 301)
	given(started).when(wish).detail(t, "too-long")
}

func TestADefaultCountryHasPhones(t *testing.T) {
	t.Parallel()
	for _, country := range []string{"XX", "B", "belgium"} {
		s, m := start, mapColumns
		s.DefaultCountry, m.DefaultCountry = country, country
		given().when(s).detail(t, "unknown")
		given(started).when(m).detail(t, "unknown")
	}
	s := start
	s.DefaultCountry = "be"
	if o := given().when(s); o.err != nil {
		t.Error(o.err)
	}
}

func TestTypesGoWithProperties(t *testing.T) {
	t.Parallel()
	begun := started
	begun.ImportMode, begun.EventName = events.ContactsEvents, "visit"
	with := func(c commands.Column) commands.MapColumns {
		m := mapColumns
		m.Mapping = []commands.Column{mapColumns.Mapping[0], c}
		return m
	}
	given(begun).when(with(commands.Column{Header: "Age", Property: "Age", Type: events.Number})).then(t, events.ColumnsMapped{Columns: []events.Column{
		{Header: "E-mail", Attribute: events.Email, Type: events.String}, {Header: "Age", Property: "Age", Type: events.Number}, {Header: "Notes", Skip: true}}})
	given(begun).when(with(commands.Column{Header: "Age", Property: "Age", Type: events.Timestamp})).detail(t, "type-unknown")
	given(begun).when(with(commands.Column{Header: "Age", Timestamp: true, Type: events.Number})).detail(t, "type-of-nothing")
}
