package aggregate_test

import (
	"errors"
	"slices"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

func TestAColumnOfTextsDoesNotFitNumbers(t *testing.T) {
	attributes := append([]events.Attribute{{Name: "age", Type: events.Number}, {Name: "vip", Type: events.Boolean}, {Name: "city", Type: events.String}}, events.Reserved...)
	header := []string{"E-mail", "Age", "VIP", "City", "New"}
	mapping := []commands.Column{{Header: "E-mail", Attribute: events.Email}, {Header: "Age", Attribute: "age"}, {Header: "VIP", Attribute: "vip"},
		{Header: "City", Attribute: "city"}, {Header: "New", Attribute: "new", Create: &commands.NewAttribute{Type: events.Number}}}
	for name, c := range map[string]struct {
		rows int
		cell func(row int) string
		want []string
	}{
		"texts":              {10, func(int) string { return "Ghent" }, []string{"Age", "VIP"}},
		"too few to tell":    {9, func(int) string { return "Ghent" }, nil},
		"one of many is one": {50, func(row int) string { return map[bool]string{true: "1", false: "Ghent"}[row == 49] }, nil},
		"blank":              {50, func(int) string { return " " }, nil},
	} {
		fit := aggregate.NewColumnFit(header, mapping, attributes)
		for row := range c.rows {
			v := c.cell(row)
			fit.Add(&aggregate.Record{Row: row + 1, Fields: []string{"a@example.com", v, v, v, v}})
		}
		if got := fit.Unfit(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	fit := aggregate.NewColumnFit(header, mapping, attributes)
	for row, done := range []bool{false, true} {
		fit.Add(&aggregate.Record{Row: row + 1, Fields: []string{"a@example.com", []string{"7", "x"}[row], []string{"x", "yes"}[row], "", ""}})
		if fit.Done() != done {
			t.Errorf("after row %d done is %v: it goes on until each column has shown a value of its type", row+1, !done)
		}
	}
}

func TestAMappingThatSendsTextIntoNumbersIsRefused(t *testing.T) {
	wish := commands.MapColumns{Attributes: append([]events.Attribute{{Name: "age", Type: events.Number}}, events.Reserved...),
		Mapping: []commands.Column{{Header: "E-mail", Attribute: events.Email}, {Header: "Age", Attribute: "age"}}}
	known := mapped
	known.Columns = slices.Clone(mapped.Columns)
	known.Columns[1].Create = false
	given(started).when(wish).then(t, known)

	wish.Unfit = []string{"Age"}
	_, err := aggregate.Decide(given(started).state, wish)
	var refusal *commands.Refusal
	if !errors.As(err, &refusal) || len(refusal.Details) != 1 || refusal.Details[0].Code != "attribute-type" || refusal.Details[0].Column != "Age" {
		t.Errorf("got %v", err)
	}
	wish.Mapping[1].Create = &commands.NewAttribute{Type: events.Number} // says that it knows
	given(started).when(wish).then(t, known)
}
