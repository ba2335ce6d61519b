package aggregate_test

import (
	"reflect"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

var (
	contactsFile = events.ImportStarted{ImportMode: events.Contacts, KeyIdentifier: events.Email, BlankCells: events.KeepBlank}
	contactsMap  = events.ColumnsMapped{Columns: []events.Column{
		{Header: "E-mail", Attribute: events.Email, Type: events.String},
		{Header: "Age", Attribute: "age", Type: events.Number},
		{Header: "Notes", Skip: true},
		{Header: "VIP", Attribute: "vip", Type: events.Boolean},
		{Header: "Nick \"name\"", Attribute: `nick "name"`, Type: events.String},
	}}
)

func record(cells ...string) aggregate.Record {
	return aggregate.Record{Row: 7, Line: 9, Fields: cells}
}

func accept(t *testing.T, c commands.Command) commands.RowAccepted {
	t.Helper()
	a, ok := c.(commands.RowAccepted)
	if !ok {
		t.Fatalf("not accepted: %+v", c)
	}
	return a
}

func refuse(t *testing.T, c commands.Command) commands.RowRejected {
	t.Helper()
	r, ok := c.(commands.RowRejected)
	if !ok {
		t.Fatalf("not rejected: %+v", c)
	}
	return r
}

func TestRowBecomesAContactWithAttributesInTheFilesOrder(t *testing.T) {
	t.Parallel()
	a := accept(t, rules(t, contactsFile, contactsMap).Row(record("Jane@Example.com", "042", "\x00", "yes", " x")))
	if got, want := string(a.Contact.Attributes), `{"email":"Jane@example.com","age":42,"vip":true,"nick \"name\"":" x"}`; got != want {
		t.Errorf("attributes %s, want %s", got, want)
	}
	if a.Row != 7 || a.Line != 9 || a.Event != nil {
		t.Errorf("row %d, line %d, event %v", a.Row, a.Line, a.Event)
	}
	if want, _ := aggregate.NewIdentity([]byte("secret")).Find(events.Email, "JANE@EXAMPLE.COM", ""); a.Contact.NxID != want {
		t.Errorf("contact %s, found as %s", a.Contact.NxID, want)
	}
}

func TestBlankCells(t *testing.T) {
	t.Parallel()
	blank := record("jane@example.com", "", "x", "  ", "\u00a0\t")
	if got, want := string(accept(t, rules(t, contactsFile, contactsMap).Row(blank)).Contact.Attributes), `{"email":"jane@example.com"}`; got != want {
		t.Errorf("kept: %s, want %s", got, want)
	}
	clearing := contactsFile
	clearing.BlankCells = events.ClearBlank
	want := `{"email":"jane@example.com","age":null,"vip":null,"nick \"name\"":null}`
	if got := string(accept(t, rules(t, clearing, contactsMap).Row(blank)).Contact.Attributes); got != want {
		t.Errorf("cleared: %s, want %s", got, want)
	}
	for _, in := range []events.ImportStarted{contactsFile, clearing} {
		r := refuse(t, rules(t, in, contactsMap).Row(record(" ", "1", "", "1", "")))
		if len(r.Errors) != 1 || r.Errors[0].Code != "identifier-missing" || r.Errors[0].Column != "E-mail" {
			t.Errorf("no identifier: %+v", r.Errors)
		}
	}
}

func TestAllErrorsOfARowAreReported(t *testing.T) {
	t.Parallel()
	r := refuse(t, rules(t, contactsFile, contactsMap).Row(record("jane", "1,5", "", "maybe", strings.Repeat("x", 1001))))
	var got []string
	for _, e := range r.Errors {
		got = append(got, e.Column+" "+e.Code)
	}
	want := []string{"E-mail email-invalid", "Age number-invalid", "VIP boolean-invalid", `Nick "name" value-too-long`}
	if !reflect.DeepEqual(got, want) || r.Row != 7 || r.Line != 9 {
		t.Errorf("row %d line %d: %q, want %q", r.Row, r.Line, got, want)
	}
	if r.Errors[1].Value != "1,5" {
		t.Errorf("value %q", r.Errors[1].Value)
	}
}

func TestRowOfAnotherWidthIsNeverShiftedOrPadded(t *testing.T) {
	t.Parallel()
	r := rules(t, contactsFile, contactsMap)
	for _, cells := range [][]string{{"jane@example.com", "1", "", "yes"}, {"jane@example.com", "1", "", "yes", "x", ""}, {"jane@example.com"}, nil} {
		e := refuse(t, r.Row(record(cells...))).Errors
		if len(e) != 1 || e[0].Code != "row-width" || e[0].Column != "" || e[0].Message == "" {
			t.Errorf("%d fields: %+v", len(cells), e)
		}
	}
}

func TestRowThatCouldNotBeReadIsRejectedForThat(t *testing.T) {
	t.Parallel()
	rec := record()
	rec.Problem = &events.RowError{Code: commands.RowMalformed, Message: "A quote is not closed.", Value: strings.Repeat("\xff", 500)}
	r := refuse(t, rules(t, contactsFile, contactsMap).Row(rec))
	if len(r.Errors) != 1 || r.Errors[0].Code != commands.RowMalformed || len([]rune(r.Errors[0].Value)) > 200 {
		t.Errorf("%+v", r.Errors)
	}
}

func TestErrorsShowAtMost200CharactersOfACell(t *testing.T) {
	t.Parallel()
	r := rules(t, contactsFile, contactsMap)
	for cell, want := range map[string]string{
		strings.Repeat("é", 200):                 strings.Repeat("é", 200),
		strings.Repeat("é", 201):                 strings.Repeat("é", 199) + "…",
		strings.Repeat("𝄞", 5000):                strings.Repeat("𝄞", 199) + "…",
		strings.Repeat("x", 798) + "𝄞𝄞𝄞":         strings.Repeat("x", 199) + "…",
		"a\x00b\xffc":                            "a\ufffdb\ufffdc",
		"x" + strings.Repeat("\u00a0", 70) + "y": "x" + strings.Repeat("\u00a0", 70) + "y",
	} {
		if got := refuse(t, r.Row(record("jane@example.com", cell, "", "", ""))).Errors[0].Value; got != want {
			t.Errorf("%.20q… shown as %q", cell, got)
		}
	}
}

func TestPhoneOrExternalIDAsKeyIdentifier(t *testing.T) {
	t.Parallel()
	for key, cells := range map[string][]string{events.Phone: {"0478 11 22 33", "+32478112233"}, events.ExternalID: {"c-1", " c-1 "}} {
		in := contactsFile
		in.KeyIdentifier, in.DefaultCountry = key, "BE"
		r := rules(t, in, events.ColumnsMapped{Columns: []events.Column{{Header: "Id", Attribute: key, Type: events.String}}})
		if a, b := accept(t, r.Row(record(cells[0]))), accept(t, r.Row(record(cells[1]))); a.Contact.NxID != b.Contact.NxID {
			t.Errorf("%s: %q and %q are two contacts", key, cells[0], cells[1])
		}
		refuse(t, r.Row(record("!")))
	}
}

func TestRulesRefuseAMappingThatCannotBeFollowed(t *testing.T) {
	t.Parallel()
	email := events.Column{Header: "E-mail", Attribute: events.Email, Type: events.String}
	inEvents := events.ImportStarted{ImportMode: events.ContactsEvents, KeyIdentifier: events.Email, EventName: "visit"}
	for name, c := range map[string]struct {
		in      events.ImportStarted
		columns []events.Column
	}{
		"no key identifier":       {contactsFile, []events.Column{{Header: "Age", Attribute: "age", Type: events.Number}}},
		"no column":               {contactsFile, nil},
		"key identifier skipped":  {contactsFile, []events.Column{{Header: "E-mail", Attribute: events.Email, Skip: true}}},
		"unfit key identifier":    {events.ImportStarted{KeyIdentifier: "age"}, []events.Column{{Header: "Age", Attribute: "age", Type: events.Number}}},
		"read-only attribute":     {contactsFile, []events.Column{email, {Header: "Id", Attribute: events.NxID, Type: events.String}}},
		"attribute without type":  {contactsFile, []events.Column{email, {Header: "Age", Attribute: "age"}}},
		"attribute mapped twice":  {contactsFile, []events.Column{email, {Header: "Mail", Attribute: events.Email, Type: events.String}}},
		"property mapped twice":   {inEvents, []events.Column{email, {Header: "A", Property: "p"}, {Header: "B", Property: "p"}}},
		"time mapped twice":       {inEvents, []events.Column{email, {Header: "A", Timestamp: true}, {Header: "B", Timestamp: true}}},
		"events without any name": {events.ImportStarted{ImportMode: events.ContactsEvents, KeyIdentifier: events.Email}, []events.Column{email}},
	} {
		if _, err := aggregate.NewRules(c.in, events.ColumnsMapped{Columns: c.columns}, 0, aggregate.NewIdentity(nil)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
