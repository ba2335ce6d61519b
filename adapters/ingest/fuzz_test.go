package ingest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"importledger/adapters/csvfile"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// everyKind maps the columns of any file to one of each kind, over and over.
func everyKind(header []string) events.ColumnsMapped {
	kinds := []events.Column{
		{Attribute: events.ExternalID}, {Attribute: events.Email}, {Attribute: events.Phone}, {Attribute: "text", Type: events.String, Property: "text"},
		{Attribute: "number", Type: events.Number}, {Attribute: "truth", Type: events.Boolean}, {Attribute: events.CreatedAt, Type: events.Timestamp},
		{Property: "property", Type: events.Number}, {Timestamp: true}, {Attribute: events.Language},
	}
	var mapped events.ColumnsMapped
	for i, name := range header {
		column := events.Column{Skip: true}
		if i < len(kinds) {
			column = kinds[i]
		}
		column.Header = name
		mapped.Columns = append(mapped.Columns, column)
	}
	return mapped
}

// Whatever a file holds: it is refused as a whole, or each of its records is either
// accepted or rejected, as an event that the log can take.
func FuzzEveryRecordHasOneOutcome(f *testing.F) {
	for _, corpus := range []string{"testdata/corpus/*.csv", "../csvfile/testdata/corpus/*.csv"} {
		files, err := filepath.Glob(corpus)
		if err != nil || len(files) == 0 {
			f.Fatal(corpus, len(files), err)
		}
		for i, name := range files {
			content, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(content, i%2 == 0, i%3 == 0)
		}
	}
	identity := aggregate.NewIdentity([]byte("secret"))
	f.Fuzz(func(t *testing.T, content []byte, asEvents, clear bool) {
		facts, err := csvfile.Inspect(bytes.NewReader(content), csvfile.Options{})
		if refusal, ok := errors.AsType[*commands.Refusal](err); ok {
			if !commands.IsFileRule(refusal.Code) {
				t.Fatalf("%s is no rule of a file", refusal.Code)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		started := events.ImportStarted{KeyIdentifier: events.ExternalID, ImportMode: events.Contacts, DefaultCountry: "BE", File: facts.File()}
		started.File.Size = facts.Size
		if asEvents {
			started.ImportMode, started.EventName = events.ContactsEvents, "visit"
		}
		if clear {
			started.BlankCells = events.ClearBlank
		}
		rules, err := aggregate.NewRules(started, everyKind(facts.Header), 1795500000000, identity)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csvfile.Reopen(bytes.NewReader(content), started.File)
		if err != nil {
			t.Fatal(err)
		}
		accepted, rejected := 0, 0
		encoder := events.NewEncoder("01JDF3ZKQ8X6M4N9T2V7W5Y1AB", events.Meta{})
		for rec := new(aggregate.Record); ; {
			if err := rows.Read(rec); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			var fact events.Event
			switch outcome := rules.Row(*rec).(type) {
			case commands.RowAccepted:
				accepted++
				fact = events.RowAccepted(outcome)
			case commands.RowRejected:
				rejected++
				fact = events.RowRejected(outcome)
			}
			proposed, _, err := encoder.Encode(events.Place{Revision: uint64(rec.Row)}, fact)
			if err != nil || len(proposed.Data) > chunkBytes {
				t.Fatalf("row %d: %d bytes, %v", rec.Row, len(proposed.Data), err)
			}
		}
		if accepted+rejected != facts.Rows || facts.Rows == 0 {
			t.Fatalf("%d accepted and %d rejected of %d", accepted, rejected, facts.Rows)
		}
	})
}
