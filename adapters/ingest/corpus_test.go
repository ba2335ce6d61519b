package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

var update = flag.Bool("update", false, "write what comes of a file as what is expected")

// Each NAME.csv of the corpus, imported as it is suggested, ends as it says in
// NAME.txt beside it, which may begin with a line of options. The corpus of package
// csvfile has files that are hard to read; these are hard to import.
func TestCorpus(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/corpus/*.csv")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	w := newWorld(t)
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".csv"), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			beside := strings.TrimSuffix(name, ".csv") + ".txt"
			want, err := os.ReadFile(beside)
			if err != nil && !*update {
				t.Fatal(err)
			}
			options, _, _ := strings.Cut(string(want), "\n")
			options, given := strings.CutPrefix(options, "options ")
			got := w.ending(t, filepath.Base(name), content, startOf(t, options, given))
			if given {
				got = "options " + options + "\n" + got
			}
			if *update {
				if err := os.WriteFile(beside, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func startOf(t *testing.T, options string, given bool) (start commands.Start) {
	t.Helper()
	if !given {
		return start
	}
	for option := range strings.FieldsSeq(options) {
		switch name, value, _ := strings.Cut(option, "="); name {
		case "events":
			start.ImportMode, start.EventName = events.ContactsEvents, value
		case "blank":
			start.BlankCells = events.BlankCells(value)
		case "country":
			start.DefaultCountry = value
		case "encoding":
			start.File.Encoding = value
		case "separator":
			start.File.Separator = value
		default:
			t.Fatalf("option %q", option)
		}
	}
	return start
}

// ending says how a file is mapped and what every row becomes, or why it is refused.
func (w *world) ending(t *testing.T, name string, content []byte, start commands.Start) string {
	t.Helper()
	s := w.service()
	imp, err := s.Create(t.Context(), events.Meta{Actor: "client-1"}, "client-1", "", func(store Store) (commands.Start, *commands.MapColumns, error) {
		return start, nil, store(name, bytes.NewReader(content))
	})
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok {
		return fmt.Sprintf("refused %s: %s\n", refusal.Code, refusal.Message)
	}
	if err != nil {
		t.Fatal(err)
	}
	look, err := s.Preview(t.Context(), imp.ID, commands.Reading{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	file := imp.File()
	fmt.Fprintf(&b, "separator %q encoding %s guessed %t rows %d correction %t\n", file.Separator, file.Encoding, file.EncodingGuessed, file.Rows, file.Correction)
	wish := suggestedMapping(look)
	for _, c := range look.Columns {
		fmt.Fprintf(&b, "  %q %s\n", c.Header, said(c.Suggestion))
	}
	review, err := s.Review(t.Context(), imp.ID, wish)
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok {
		fmt.Fprintf(&b, "mapping refused %s: %s\n", refusal.Code, refusal.Message)
		return b.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Map(t.Context(), imp.ID, wish, events.Meta{}); err != nil {
		t.Fatal(err)
	}
	if err := w.run(imp.ID).toTheEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	imp = w.load(t, imp.ID)
	if imp.State != events.Imported || imp.Accepted+imp.Rejected != file.Rows || imp.Accepted != review.Acceptable {
		t.Errorf("%s: %d accepted and %d rejected of %d rows; reviewed %+v", imp.State, imp.Accepted, imp.Rejected, file.Rows, review)
	}
	fmt.Fprintf(&b, "accepted %d rejected %d repeated %d\n", imp.Accepted, imp.Rejected, review.Repeated)
	w.writeRows(t, &b, imp.ID)
	return b.String()
}

func suggestedMapping(look aggregate.Preview) (wish commands.MapColumns) {
	for _, c := range look.Columns {
		s := c.Suggestion
		column := commands.Column{Header: s.Header, Skip: s.Skip, Attribute: s.Attribute, Property: s.Property, Type: s.Type, Timestamp: s.Timestamp}
		if s.Create != "" {
			column.Create = &commands.NewAttribute{Type: s.Create}
		}
		wish.Mapping = append(wish.Mapping, column)
	}
	return wish
}

func said(s aggregate.Suggestion) string {
	switch {
	case s.Skip:
		return "skipped: " + s.Reason
	case s.Timestamp:
		return "time of the event: " + s.Reason
	case s.Property != "":
		return fmt.Sprintf("property %q: %s", s.Property, s.Reason)
	case s.Create != "":
		return fmt.Sprintf("new %s %q", s.Create, s.Attribute)
	}
	return s.Attribute + ": " + s.Reason
}

func (w *world) writeRows(t *testing.T, b *strings.Builder, id string) {
	t.Helper()
	for recorded, err := range w.deps.Log.Read(t.Context(), events.ImportStream(id), 0) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := events.Decode(recorded)
		if err != nil {
			t.Fatal(err)
		}
		switch e := e.Event.(type) {
		case events.RowAccepted:
			fmt.Fprintf(b, "%d line %d: %s", e.Row, e.Line, e.Contact.Attributes)
			if e.Event != nil {
				fmt.Fprintf(b, " %s at %d %s", e.Event.Name, e.Event.At, e.Event.Properties)
			}
			b.WriteString("\n")
		case events.RowRejected:
			for _, wrong := range e.Errors {
				value, err := json.Marshal(wrong.Value)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(b, "%d line %d: %s [%s] %s %s\n", e.Row, e.Line, wrong.Code, wrong.Column, value, wrong.Message)
			}
		}
	}
}
