package aggregate_test

import (
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

var (
	eventsFile = events.ImportStarted{ImportMode: events.ContactsEvents, KeyIdentifier: events.Email, EventName: "visit"}
	eventsMap  = events.ColumnsMapped{Columns: []events.Column{
		{Header: "E-mail", Attribute: events.Email, Type: events.String},
		{Header: "Age", Attribute: "age", Type: events.Number, Property: "Age"},
		{Header: "Seen", Timestamp: true},
		{Header: "Stand", Property: "Stand"},
		{Header: "stand", Property: "stand"},
		{Header: "Notes", Skip: true},
	}}
)

func TestRowBecomesAnEventOfItsContact(t *testing.T) {
	t.Parallel()
	a := accept(t, rules(t, eventsFile, eventsMap).Row(record("jane@example.com", "042", "2024-01-31", "0012", " b ", "n")))
	if got, want := string(a.Contact.Attributes), `{"email":"jane@example.com","age":42}`; got != want {
		t.Errorf("attributes %s, want %s", got, want)
	}
	if got, want := string(a.Event.Properties), `{"Age":42,"Stand":"0012","stand":" b "}`; got != want {
		t.Errorf("properties %s, want %s", got, want)
	}
	if a.Event.Name != "visit" || a.Event.At != 1706659200000 {
		t.Errorf("event %+v", a.Event)
	}
}

func TestEventWithoutATimeHappenedAtTheImportsStart(t *testing.T) {
	t.Parallel()
	r := rules(t, eventsFile, eventsMap)
	a := accept(t, r.Row(record("jane@example.com", "", " ", "", "", "")))
	if a.Event.At != 1_700_000_000_000 || string(a.Event.Properties) != "{}" {
		t.Errorf("event at %d with %s", a.Event.At, a.Event.Properties)
	}
}

func TestBlankCellsClearAttributesButMakeNoProperties(t *testing.T) {
	t.Parallel()
	in := eventsFile
	in.BlankCells = events.ClearBlank
	a := accept(t, rules(t, in, eventsMap).Row(record("jane@example.com", "", "", "", "x", "")))
	if attributes, properties := string(a.Contact.Attributes), string(a.Event.Properties); attributes != `{"email":"jane@example.com","age":null}` || properties != `{"stand":"x"}` {
		t.Errorf("attributes %s, properties %s", attributes, properties)
	}
}

func TestErrorsOfEventsNameTimeAndPropertyToo(t *testing.T) {
	t.Parallel()
	r := refuse(t, rules(t, eventsFile, eventsMap).Row(record("", "x", "yesterday", "a\x00", "b", "")))
	want := []string{"identifier-missing", "number-invalid", "timestamp-invalid", "encoding-invalid"}
	if len(r.Errors) != len(want) {
		t.Fatalf("%+v", r.Errors)
	}
	for i, code := range want {
		if r.Errors[i].Code != code {
			t.Errorf("error %d: %s, want %s", i, r.Errors[i].Code, code)
		}
	}
}

func TestTheMappingsEventNameGoesBeforeTheImports(t *testing.T) {
	t.Parallel()
	named := eventsMap
	named.EventName = "purchase"
	if a := accept(t, rules(t, eventsFile, named).Row(record("jane@example.com", "", "", "", "", ""))); a.Event.Name != "purchase" {
		t.Errorf("event %q", a.Event.Name)
	}
}

func TestTheSameEventHasTheSameIDInEveryFile(t *testing.T) {
	t.Parallel()
	id := func(in events.ImportStarted, m events.ColumnsMapped, cells ...string) string {
		return accept(t, rules(t, in, m).Row(record(cells...))).Event.ID.String()
	}
	first := id(eventsFile, eventsMap, "jane@example.com", "42", "2024-01-31", "a", "b", "n")

	// Stored for ever, so that it may never change: UUIDv5 in the contact's name space
	// of "visit",1706659200000,"Age":42,"Stand":"a","stand":"b".
	if want := "eec44e23-cc86-5b5e-a83c-6801dd5cdec0"; first != want {
		t.Errorf("%s, want %s", first, want)
	}

	turned := events.ColumnsMapped{}
	for i := range eventsMap.Columns {
		turned.Columns = append(turned.Columns, eventsMap.Columns[len(eventsMap.Columns)-1-i])
	}
	if id(eventsFile, turned, "other notes", "b", "a", "2024-01-31T00:00:00Z", "042", "JANE@EXAMPLE.COM") != first {
		t.Error("the order of columns, what is skipped, or the spelling of time and contact made another event")
	}
	named := eventsMap
	named.EventName = "purchase"
	for what, other := range map[string]string{
		"contact":  id(eventsFile, eventsMap, "joe@example.com", "42", "2024-01-31", "a", "b", ""),
		"time":     id(eventsFile, eventsMap, "jane@example.com", "42", "2024-01-30", "a", "b", ""),
		"value":    id(eventsFile, eventsMap, "jane@example.com", "42", "2024-01-31", "a", "c", ""),
		"property": id(eventsFile, eventsMap, "jane@example.com", "42", "2024-01-31", "b", "a", ""),
		"blank":    id(eventsFile, eventsMap, "jane@example.com", "42", "2024-01-31", "a", "", ""),
		"name":     id(eventsFile, named, "jane@example.com", "42", "2024-01-31", "a", "b", ""),
	} {
		if other == first {
			t.Errorf("another %s, the same event", what)
		}
	}
}

func TestAColumnCanBeTimeAndAttributeAtOnce(t *testing.T) {
	t.Parallel()
	m := events.ColumnsMapped{Columns: []events.Column{eventsMap.Columns[0],
		{Header: "Joined", Attribute: events.CreatedAt, Type: events.Timestamp, Property: "Joined", Timestamp: true}}}
	r := rules(t, eventsFile, m)
	a := accept(t, r.Row(record("jane@example.com", "1700000000")))
	if a.Event.At != 1700000000000 || string(a.Event.Properties) != `{"Joined":1700000000000}` {
		t.Errorf("at %d with %s", a.Event.At, a.Event.Properties)
	}
	if e := refuse(t, r.Row(record("jane@example.com", "soon"))).Errors; len(e) != 1 {
		t.Errorf("%+v", e)
	}
}

func TestPropertiesAndTimesAreNothingInModeContacts(t *testing.T) {
	t.Parallel()
	c := rules(t, contactsFile, eventsMap).Row(record("jane@example.com", "", "not a time", "", "", ""))
	if a, ok := c.(commands.RowAccepted); !ok || a.Event != nil {
		t.Errorf("%+v", c)
	}
}

func TestTypedPropertiesAreHeldToTheirType(t *testing.T) {
	t.Parallel()
	m := events.ColumnsMapped{Columns: []events.Column{eventsMap.Columns[0],
		{Header: "Amount", Property: "Amount", Type: events.Number}, {Header: "Paid", Property: "Paid", Type: events.Boolean}, {Header: "Code", Property: "Code", Type: events.String}}}
	r := rules(t, eventsFile, m)
	if a := accept(t, r.Row(record("jane@example.com", "012.50", "yes", "0049"))); string(a.Event.Properties) != `{"Amount":12.50,"Paid":true,"Code":"0049"}` {
		t.Errorf("%s", a.Event.Properties)
	}
	if e := refuse(t, r.Row(record("jane@example.com", "1,5", "perhaps", "x"))).Errors; len(e) != 2 || e[0].Code != "number-invalid" || e[0].Column != "Amount" || e[1].Code != "boolean-invalid" {
		t.Errorf("%+v", e)
	}
}

// A file in which all of a column are numbers, and one in which one is not, have the
// other rows in common.
func TestTheTypeOfAPropertyMakesNoOtherEvent(t *testing.T) {
	t.Parallel()
	id := func(kind events.AttributeType, cell string) string {
		m := events.ColumnsMapped{Columns: []events.Column{eventsMap.Columns[0], {Header: "x", Property: "x", Type: kind}, {Header: "Seen", Timestamp: true}}}
		return accept(t, rules(t, eventsFile, m).Row(record("jane@example.com", cell, "2024-01-31"))).Event.ID.String()
	}
	for cell, kind := range map[string]events.AttributeType{"12.50": events.Number, "0": events.Number, "-7": events.Number, "true": events.Boolean, "FALSE": events.Boolean} {
		if id(kind, cell) != id(events.String, cell) || id(kind, cell) != id("", cell) {
			t.Errorf("%s as %s and as a text are two events", cell, kind)
		}
	}
	for a, b := range map[string]string{"12.50": "12.5", "007": "7", "true": "yes", "a": "A", "1": "true"} {
		if id(events.String, a) == id(events.String, b) {
			t.Errorf("%s and %s are one event", a, b)
		}
	}
}

func TestTheSameFileWithoutTimesIsTheSameEvents(t *testing.T) {
	t.Parallel()
	id := func(file string, startedAt int64, when string) string {
		in := eventsFile
		in.File.SHA256 = file
		r, err := aggregate.NewRules(in, eventsMap, startedAt, aggregate.NewIdentity([]byte("secret")))
		if err != nil {
			t.Fatal(err)
		}
		return accept(t, r.Row(record("jane@example.com", "", when, "a", "", ""))).Event.ID.String()
	}
	if id("ab", 1000, "") != id("ab", 2000, "") {
		t.Error("the same file again made other events")
	}
	if id("ab", 1000, "") == id("cd", 1000, "") {
		t.Error("another file made the same event")
	}
	if id("ab", 1000, "2024-01-31") != id("cd", 2000, "2024-01-31") {
		t.Error("a row that says when is another event in another file")
	}
}
