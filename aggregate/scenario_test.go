package aggregate_test

import (
	"errors"
	"reflect"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// The test language: given(facts…).when(command).then(t, facts…) or .fails(t, err).

type scenario struct{ state aggregate.Import }

type outcome struct {
	facts []events.Event
	err   error
}

const importID = "01JDF3ZKQ8X6M4N9T2V7W5Y1AB"

func given(facts ...events.Event) scenario {
	s := aggregate.Import{ID: importID}
	return scenario{aggregate.Tried(s, facts, events.Meta{Actor: "user-1", At: 1000})}
}

func (s scenario) when(c commands.Command) outcome {
	facts, err := aggregate.Decide(s.state, c)
	return outcome{facts, err}
}

func (o outcome) then(t *testing.T, want ...events.Event) {
	t.Helper()
	if o.err != nil {
		t.Fatalf("refused: %v", o.err)
	}
	if len(o.facts) != len(want) || len(want) > 0 && !reflect.DeepEqual(o.facts, want) {
		t.Fatalf("caused\n%+v\nwant\n%+v", o.facts, want)
	}
}

func (o outcome) fails(t *testing.T, want error) {
	t.Helper()
	if !errors.Is(o.err, want) || len(o.facts) > 0 {
		t.Fatalf("got %v, %v; want %v and no facts", o.facts, o.err, want)
	}
}

// detail finds a refusal's detail by code.
func (o outcome) detail(t *testing.T, code string) commands.Detail {
	t.Helper()
	var refusal *commands.Refusal
	if !errors.As(o.err, &refusal) {
		t.Fatalf("not refused: %v, %v", o.facts, o.err)
	}
	for _, d := range refusal.Details {
		if d.Code == code {
			return d
		}
	}
	t.Fatalf("no detail %s in %+v", code, refusal.Details)
	return commands.Detail{}
}

var (
	start = commands.Start{
		Name: "Spring fair", Type: events.Manual, ImportMode: events.Contacts, KeyIdentifier: events.Email, BlankCells: events.KeepBlank,
		File: events.File{Name: "contacts.csv", Size: 100, SHA256: "ab", Separator: ",", Encoding: "utf-8", Header: []string{"E-mail", "Age", "Notes"}, Rows: 3},
	}
	started = events.ImportStarted(start)

	mapColumns = commands.MapColumns{
		Attributes: events.Reserved,
		Mapping: []commands.Column{
			{Header: "E-mail", Attribute: events.Email},
			{Header: "Age", Attribute: "age", Create: &commands.NewAttribute{Type: events.Number}},
		},
	}
	mapped = events.ColumnsMapped{Columns: []events.Column{
		{Header: "E-mail", Attribute: events.Email, Type: events.String},
		{Header: "Age", Attribute: "age", Type: events.Number, Create: true},
		{Header: "Notes", Skip: true},
	}}
)

func accepted(n int) events.RowAccepted { return events.RowAccepted{Row: n, Line: n + 1} }

func rejected(n int) events.RowRejected {
	return events.RowRejected{Row: n, Line: n + 1, Errors: []events.RowError{{Column: "E-mail", Code: "email-invalid", Message: "Not an address.", Value: "x"}}}
}
