package aggregate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"

	"pgregory.net/rapid"
)

// everyKind has a column of each kind, the key identifier first.
func everyKind() []events.Column {
	columns := []events.Column{
		{Attribute: events.Email, Type: events.String}, {Attribute: events.Phone, Type: events.String},
		{Attribute: events.ExternalID, Type: events.String}, {Attribute: events.Language, Type: events.String},
		{Attribute: events.CreatedAt, Type: events.Timestamp}, {Attribute: events.Unsubscribed, Type: events.Boolean},
		{Attribute: `a "name"` + "\n", Type: events.String}, {Attribute: "age", Type: events.Number, Property: "age"},
		{Property: "stand"}, {Timestamp: true}, {Skip: true},
	}
	for i := range columns {
		columns[i].Header = fmt.Sprint("column ", i)
	}
	return columns
}

// checkOutcome holds for every row whatever is in it.
func checkOutcome(t interface{ Fatalf(string, ...any) }, rec aggregate.Record, c commands.Command, columns []events.Column) {
	if err := c.Check(); err != nil {
		t.Fatalf("%+v: %v", c, err)
	}
	switch c := c.(type) {
	case commands.RowAccepted:
		if c.Row != rec.Row || c.Line != rec.Line || len(rec.Fields) != len(columns) || rec.Problem != nil {
			t.Fatalf("%+v of %+v", c, rec)
		}
		flat := flatObject(t, c.Contact.Attributes)
		if flat[events.Email] == nil {
			t.Fatalf("no identifier in %s", c.Contact.Attributes)
		}
		for i, column := range columns {
			if s, ok := flat[column.Attribute].(string); ok && strings.HasPrefix(column.Attribute, "a ") && s != rec.Fields[i] {
				t.Fatalf("text %q became %q", rec.Fields[i], s)
			}
		}
		if c.Event != nil {
			flatObject(t, c.Event.Properties)
		}
		if _, _, err := events.NewEncoder("import", events.Meta{}).Encode(events.Place{}, events.RowAccepted(c)); err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
	case commands.RowRejected:
		if c.Row != rec.Row || c.Line != rec.Line {
			t.Fatalf("%+v of %+v", c, rec)
		}
		for _, e := range c.Errors {
			if e.Code == "" || e.Message == "" || !utf8.ValidString(e.Value) || utf8.RuneCountInString(e.Value) > 200 || strings.Contains(e.Value, "\x00") {
				t.Fatalf("%+v", e)
			}
		}
	default:
		t.Fatalf("%T", c)
	}
}

// flatObject wants JSON whose every name comes once and whose values are null,
// strings without NUL, numbers or booleans.
func flatObject(t interface{ Fatalf(string, ...any) }, data []byte) map[string]any {
	var flat map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&flat); err != nil || d.More() || !utf8.Valid(data) || bytes.Contains(data, []byte(`\u0000`)) {
		t.Fatalf("%q: %v", data, err)
	}
	for name, value := range flat {
		switch v := value.(type) {
		case nil, bool, string:
		case json.Number:
			if _, err := v.Float64(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		default:
			t.Fatalf("%s is no flat value: %s", name, data)
		}
	}
	return flat
}

var anyCell = rapid.OneOf(
	rapid.SampledFrom([]string{"", " ", "jane@example.com", `"a b"@example.com`, "jane@bücher.example", "+32 478 11 22 33", "0478112233", "c-1", "en",
		"2024-01-31T10:15:30Z", "1700000000", "yes", "FALSE", "007.50", "-1e5", "\x00", "\xff", `"`, `\`, strings.Repeat("x", 1001)}),
	rapid.String(),
	rapid.StringMatching(`[0-9+\-. ()eETZ:@a-f"\\\[\]]{0,30}`),
	rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
)

func TestAnyRowIsEitherAcceptedOrRejected(t *testing.T) {
	// Not parallel: the generators are shared, and rapid names them lazily without a lock.
	columns := everyKind()
	rapid.Check(t, func(t *rapid.T) {
		in := events.ImportStarted{KeyIdentifier: events.Email, EventName: "visit",
			ImportMode:     rapid.SampledFrom([]events.Mode{events.Contacts, events.ContactsEvents}).Draw(t, "mode"),
			BlankCells:     rapid.SampledFrom([]events.BlankCells{events.KeepBlank, events.ClearBlank}).Draw(t, "blank cells"),
			DefaultCountry: rapid.SampledFrom([]string{"", "BE", "US", "IT", "AR", "XX"}).Draw(t, "country")}
		r := rules(t, in, events.ColumnsMapped{Columns: columns})
		width := len(columns)
		if rapid.IntRange(0, 9).Draw(t, "other width") == 0 {
			width = rapid.IntRange(0, 2*width).Draw(t, "width")
		}
		rec := aggregate.Record{Row: 1, Line: 2, Fields: rapid.SliceOfN(anyCell, width, width).Draw(t, "cells")}
		if width > 0 && rapid.Bool().Draw(t, "identified") {
			rec.Fields[0] = "jane@example.com"
		}
		c := r.Row(rec)
		checkOutcome(t, rec, c, columns)
		if again := r.Row(rec); !reflect.DeepEqual(c, again) {
			t.Fatalf("first %+v, then %+v", c, again)
		}
	})
}

// What is accepted says the same when it is imported again as it was kept: the
// normal form of a value is normal. Times are left out: milliseconds before March
// 1973 look like seconds.
func TestKeptValuesAreAcceptedAsTheyAre(t *testing.T) {
	// Not parallel: the generators are shared, and rapid names them lazily without a lock.
	rapid.Check(t, func(t *rapid.T) {
		column := rapid.SampledFrom(slices.DeleteFunc(everyKind()[:8], func(c events.Column) bool { return c.Type == events.Timestamp })).Draw(t, "column")
		columns := []events.Column{{Header: "Id", Attribute: events.ExternalID, Type: events.String}, column}
		if column.Attribute == events.ExternalID {
			columns = columns[:1]
		}
		r := rules(t, events.ImportStarted{ImportMode: events.Contacts, KeyIdentifier: events.ExternalID}, events.ColumnsMapped{Columns: columns})
		of := func(cell string) (string, bool) {
			cells := []string{"1", cell}
			a, ok := r.Row(aggregate.Record{Row: 1, Fields: cells[2-len(columns):]}).(commands.RowAccepted)
			return string(a.Contact.Attributes), ok
		}
		first, ok := of(anyCell.Draw(t, "cell"))
		if !ok {
			return
		}
		value, given := flatObject(t, []byte(first))[column.Attribute]
		if !given {
			return
		}
		if again, _ := of(fmt.Sprint(value)); again != first {
			t.Fatalf("%s became %s", first, again)
		}
	})
}

func FuzzRow(f *testing.F) {
	f.Add("jane@example.com", "0478 11 22 33", "c-1", "en", "2024-01-31", "yes", "text", "1.5", "12", "1700000000", true)
	f.Add(`"a\"b"@[IPv6:::1]`, "+32 (0)478", "", "", "20240131T10Z", "", "\x00", "1e400", "\xff", "", false)
	columns := everyKind()
	identity := aggregate.NewIdentity([]byte("secret"))
	f.Fuzz(func(t *testing.T, email, phone, id, language, created, unsubscribed, text, number, property, at string, clear bool) {
		in := events.ImportStarted{ImportMode: events.ContactsEvents, EventName: "visit", KeyIdentifier: events.Email, DefaultCountry: "BE"}
		if clear {
			in.BlankCells = events.ClearBlank
		}
		r, err := aggregate.NewRules(in, events.ColumnsMapped{Columns: columns}, 0, identity)
		if err != nil {
			t.Fatal(err)
		}
		rec := aggregate.Record{Row: 1, Line: 2, Fields: []string{email, phone, id, language, created, unsubscribed, text, number, property, at, ""}}
		checkOutcome(t, rec, r.Row(rec), columns)
	})
}
