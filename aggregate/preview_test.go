package aggregate_test

import (
	"reflect"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/events"
)

func preparing(mode events.Mode, header ...string) aggregate.Import {
	s := events.ImportStarted{ImportMode: mode, KeyIdentifier: events.Email, BlankCells: events.ClearBlank, DefaultCountry: "BE", Corrects: "other",
		File: events.File{Name: "a.csv", Separator: ";", Header: header, Rows: 1}}
	return given(s).state
}

// offered says what a preview suggests, as "header: target reason".
func offered(p aggregate.Preview) []string {
	var said []string
	for _, c := range p.Columns {
		said = append(said, c.Header+": "+targetOf(c.Suggestion))
	}
	return said
}

func targetOf(s aggregate.Suggestion) string {
	words := []string{s.Attribute, string(s.Create), s.Property, string(s.Type)}
	if s.Skip {
		words = append(words, "skip")
	}
	if s.Timestamp {
		words = append(words, "time")
	}
	return strings.Join(strings.Fields(strings.Join(append(words, s.Reason), " ")), " ")
}

func TestAPreviewOffersTheMappingLastUsedFirst(t *testing.T) {
	t.Parallel()
	imp := preparing(events.Contacts, "E-mail", "Shoes", "Notes", "Score", "New")
	last := &aggregate.LastUsed{ImportID: "before", Columns: []events.Column{
		{Header: "Notes", Skip: true}, {Header: "Shoes", Attribute: "shoeSize", Type: events.Number, Create: true},
		{Header: "E-mail", Attribute: events.Email, Type: events.String}, {Header: "Score", Attribute: "Score", Type: events.Number, Create: true}}}
	p := aggregate.NewPreview(imp, imp.File(), nil, account, last)
	want := []string{"E-mail: email last-used", "Shoes: shoeSize number last-used", "Notes: skip last-used", "Score: Score last-used", "New: skip last-used"}
	if got := offered(p); !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if len(p.ByFile) != 5 || targetOf(p.ByFile[0]) != "email similar" || p.LastUsed != last {
		t.Errorf("%+v", p)
	}
	if p.BlankCells != events.ClearBlank || p.DefaultCountry != "BE" || p.Corrects != "other" {
		t.Errorf("%+v", p)
	}
}

func TestAMappingThatIdentifiesNobodyAnyMoreIsNotOffered(t *testing.T) {
	t.Parallel()
	imp := preparing(events.Contacts, "E-mail", "Phone")
	last := &aggregate.LastUsed{Columns: []events.Column{{Header: "E-mail", Skip: true}, {Header: "Phone", Attribute: events.Phone, Type: events.String}}}
	if p := aggregate.NewPreview(imp, imp.File(), nil, account, last); p.LastUsed != nil || p.ByFile != nil || offered(p)[0] != "E-mail: email similar" {
		t.Errorf("%+v", p)
	}
}

func TestPropertiesAreOfferedWithTheTypeTheyHad(t *testing.T) {
	t.Parallel()
	imp := preparing(events.ContactsEvents, "E-mail", "Amount", "Seen")
	last := &aggregate.LastUsed{Columns: []events.Column{{Header: "E-mail", Attribute: events.Email, Type: events.String},
		{Header: "Amount", Property: "Total", Type: events.Number}, {Header: "Seen", Timestamp: true}}}
	want := []string{"E-mail: email last-used", "Amount: Total number last-used", "Seen: time last-used"}
	if got := offered(aggregate.NewPreview(imp, imp.File(), nil, account, last)); !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestErrorColumnsAreSkippedWhateverWasUsedLast(t *testing.T) {
	t.Parallel()
	for _, mode := range []events.Mode{events.Contacts, events.ContactsEvents} {
		imp := preparing(mode, append([]string{"E-mail"}, events.ErrorColumns...)...)
		imp.Started.File.Correction = true
		last := &aggregate.LastUsed{Columns: []events.Column{{Header: "E-mail", Attribute: events.Email, Type: events.String}, {Header: "error_row", Property: "x"}}}
		for _, used := range []*aggregate.LastUsed{nil, last} {
			p := aggregate.NewPreview(imp, imp.File(), [][]string{{"a@x.org"}, {"7"}}, account, used)
			if said := offered(p); len(said) != 5 || said[1] != "error_row: skip error-column" || said[4] != "error_message: skip error-column" || p.Columns[1].Samples[0] != "7" {
				t.Errorf("%s: %q", mode, said)
			}
		}
	}
}

func TestSamplesAreShortAndSaySomething(t *testing.T) {
	t.Parallel()
	if s, ok := aggregate.Sample(strings.Repeat("é", 70_000)); !ok || len([]rune(s)) != 200 {
		t.Errorf("%d characters, %t", len([]rune(s)), ok)
	}
	for _, blank := range []string{"", " \t "} {
		if _, ok := aggregate.Sample(blank); ok {
			t.Errorf("%q is a sample", blank)
		}
	}
}

func TestColumnsHaveTheTypeThatAllTheirCellsAgreeOn(t *testing.T) {
	t.Parallel()
	for cells, want := range map[string]events.AttributeType{
		"": events.String, "1||2.50|-3": events.Number, "TRUE|false|": events.Boolean, "1|x": events.String, "0049|1": events.String, "1e5": events.String,
		"yes|no": events.String, "0|1": events.Number, "true|1": events.String, " 1": events.String, "12345678901234567": events.String, "+5": events.String,
	} {
		types := aggregate.NewColumnTypes(2)
		for cell := range strings.SplitSeq(cells, "|") {
			types.Add(&aggregate.Record{Fields: []string{"a@x.org", cell}})
		}
		types.Add(&aggregate.Record{Fields: []string{"x", "not as wide", "as the header"}})
		types.Add(&aggregate.Record{Fields: []string{"x", "unreadable"}, Problem: &events.RowError{Code: "row-malformed"}})
		if got := types.Of(1); got != want {
			t.Errorf("%q: %s, want %s", cells, got, want)
		}
	}
}
