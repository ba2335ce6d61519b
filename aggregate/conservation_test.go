package aggregate_test

import (
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"

	"pgregory.net/rapid"
)

// Whatever is asked in whatever order: every row has at most one outcome, in
// order; an imported import has one for each row; nothing follows an end.
func TestAnySequenceOfCommandsConservesRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.IntRange(1, 6).Draw(t, "rows")
		begin := start
		begin.File.Rows = rows
		s := aggregate.Import{ID: importID}
		outcomes := map[int]int{}
		last := 0

		for range rapid.IntRange(0, 40).Draw(t, "commands") {
			before := s
			facts, err := aggregate.Decide(s, anyCommand(begin).Draw(t, "command"))
			if err != nil && len(facts) > 0 {
				t.Fatalf("a refusal with facts: %v", facts)
			}
			for _, fact := range facts {
				if row := rowOf(fact); row > 0 {
					outcomes[row]++
					if row != last+1 {
						t.Fatalf("row %d after row %d", row, last)
					}
					last = row
				}
			}
			s = aggregate.Tried(s, facts, events.Meta{At: 1})
			if before.State.Final() && len(facts) > 0 {
				t.Fatalf("%v after %s", facts, before.State)
			}
			check(t, s, rows, outcomes)
		}
	})
}

func check(t *rapid.T, s aggregate.Import, rows int, outcomes map[int]int) {
	for row, n := range outcomes {
		if n != 1 || row > rows {
			t.Fatalf("row %d of %d has %d outcomes", row, rows, n)
		}
	}
	if s.Accepted+s.Rejected != len(outcomes) {
		t.Fatalf("%d + %d counted, %d rows decided", s.Accepted, s.Rejected, len(outcomes))
	}
	if s.State == events.Imported && len(outcomes) != rows {
		t.Fatalf("imported with %d of %d rows", len(outcomes), rows)
	}
}

func rowOf(e events.Event) int {
	switch e := e.(type) {
	case events.RowAccepted:
		return e.Row
	case events.RowRejected:
		return e.Row
	}
	return 0
}

func anyCommand(begin commands.Start) *rapid.Generator[commands.Command] {
	return rapid.Custom(func(t *rapid.T) commands.Command {
		row := rapid.IntRange(0, 8).Draw(t, "row")
		switch rapid.IntRange(0, 11).Draw(t, "kind") {
		case 0:
			return begin
		case 1, 2:
			return mapColumns
		case 3:
			return commands.Complete{}
		case 4:
			return commands.Cancel{}
		case 5:
			return commands.Fail{Code: "broken", Message: "Broken."}
		case 6, 7:
			return commands.RowRejected(rejected(row))
		default:
			return commands.RowAccepted(accepted(row))
		}
	})
}
