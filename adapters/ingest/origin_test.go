package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// imported imports a file to its end.
func (w *world) imported(t *testing.T, s *Service, content string, mapping *commands.MapColumns) string {
	t.Helper()
	imp, err := create(t, s, content, mapping)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.run(imp.ID).toTheEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	return imp.ID
}

// contactOf is the contact that the first row of an import is about.
func (w *world) contactOf(t *testing.T, s *Service, id string) uuid.UUID {
	t.Helper()
	o, err := s.Row(t.Context(), id, 1)
	if err != nil || o.Accepted == nil {
		t.Fatalf("%+v, %v", o, err)
	}
	return o.Accepted.Contact.NxID
}

var cityMapping = commands.MapColumns{Mapping: []commands.Column{
	{Header: "E-mail", Attribute: events.Email},
	{Header: "City", Attribute: "city", Create: &commands.NewAttribute{Type: events.String}},
	{Header: "Age", Attribute: "age", Create: &commands.NewAttribute{Type: events.Number}},
}}

// shown is a setting on one line.
func shown(s aggregate.Setting) string {
	raw, column := "-", "-"
	if s.Raw != nil {
		raw = *s.Raw
	}
	if s.Column != nil {
		column = s.Column.Header
	}
	return fmt.Sprintf("%s row %d line %d @%d %s %q", s.Value, s.Row, s.Line, s.Revision, column, raw)
}

func TestEachValueIsTracedToItsCellAndTheOneBefore(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	first := w.imported(t, s, "E-mail;City;Age\n Ann@example.com ;Gent;\nbob@example.com;Liège;7\nann@example.com;\"Brugge \";30\n", &cityMapping)
	second := w.imported(t, s, "Age,E-mail,Skipped\nx,bad,1\n 031 ,ann@example.com,2\n", &commands.MapColumns{Mapping: []commands.Column{
		{Header: "Age", Attribute: "age", Create: &commands.NewAttribute{Type: events.Number}}, {Header: "E-mail", Attribute: events.Email}}})
	ann := w.contactOf(t, s, first)
	origins, whole, err := s.Origins(t.Context(), ann, []string{"email", "city", "age"})
	if err != nil || !whole || len(origins) != 3 {
		t.Fatalf("%+v, %t, %v", origins, whole, err)
	}
	want := []string{
		"email " + second + ` "ann@example.com" row 2 line 3 @3 E-mail "ann@example.com" < "ann@example.com" row 3 line 4 @4 E-mail "ann@example.com"`,
		"age " + second + ` 31 row 2 line 3 @3 Age " 031 " < 30 row 3 line 4 @4 Age "30"`,
		"city " + first + ` "Brugge " row 3 line 4 @4 City "Brugge " < "Gent" row 1 line 2 @2 City "Gent"`,
	}
	for i, o := range origins {
		got := o.Attribute + " " + o.Set.Import.ID + " " + shown(o.Set) + " < " + shown(*o.Before)
		if got != want[i] {
			t.Errorf("got  %s\nwant %s", got, want[i])
		}
		if o.Set.Import.MappedByActor != "client-1" || o.Set.Import.CreatedBy != "client-1" || o.Set.At == 0 {
			t.Errorf("%+v", o.Set.Import)
		}
	}

	all, next, err := s.SettingsOf(t.Context(), ann, "age", 0, 10)
	if err != nil || next != 0 || len(all) != 2 || shown(all[1]) != `30 row 3 line 4 @4 Age "30"` {
		t.Errorf("%+v, next %d, %v", all, next, err)
	}
	one, next, err := s.SettingsOf(t.Context(), ann, "city", 0, 1)
	if err != nil || next == 0 || len(one) != 1 {
		t.Fatalf("%+v, next %d, %v", one, next, err)
	}
	if rest, next, err := s.SettingsOf(t.Context(), ann, "city", next, 1); err != nil || len(rest) != 1 || shown(rest[0]) != `"Gent" row 1 line 2 @2 City "Gent"` {
		t.Errorf("%+v, next %d, %v", rest, next, err)
	}
	if none, whole, err := s.Origins(t.Context(), uuid.Nil, []string{"email"}); err != nil || !whole || len(none) != 0 {
		t.Errorf("of nobody: %+v, %t, %v", none, whole, err)
	}
}

func TestAContactWithManyRowsIsNotReadForEver(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	var b strings.Builder
	b.WriteString("E-mail;City;Age\nann@example.com;Gent;1\n")
	for range rowsLookedAt + rowsAtATime {
		b.WriteString("ann@example.com;;\n")
	}
	id := w.imported(t, s, b.String(), &cityMapping)
	ann := w.contactOf(t, s, id)
	origins, whole, err := s.Origins(t.Context(), ann, []string{"email", "city", "age"})
	if err != nil || whole || len(origins) != 1 || origins[0].Attribute != "email" {
		t.Errorf("%+v, %t, %v", origins, whole, err)
	}
	empty, next, err := s.SettingsOf(t.Context(), ann, "city", 0, 10)
	if err != nil || len(empty) != 0 || next == 0 {
		t.Fatalf("%+v, %d, %v", empty, next, err)
	}
	if rest, next, err := s.SettingsOf(t.Context(), ann, "city", next, 10); err != nil || next != 0 || len(rest) != 1 || *rest[0].Raw != "Gent" {
		t.Errorf("%+v, %d, %v", rest, next, err)
	}
}

func TestWhatAFileNoLongerSaysTheLogStillDoes(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	id := w.imported(t, s, "E-mail;City;Age\nann@example.com;Gent;1\nb;c\n\"d\"x;e;f\n", &cityMapping)
	ann := w.contactOf(t, s, id)
	narrow, err := s.Row(t.Context(), id, 2)
	if err != nil || narrow.Rejected == nil || narrow.Revision != 3 || len(narrow.Cells) != 2 || narrow.Cells[1] != "c" {
		t.Errorf("%+v, %v", narrow, err)
	}
	malformed, err := s.Row(t.Context(), id, 3)
	if err != nil || malformed.Rejected == nil || malformed.Cells != nil || malformed.Text != `"d"x;e;f` {
		t.Errorf("%+v, %v", malformed, err)
	}
	for _, row := range []int{0, 4, 1 << 30} {
		if _, err := s.Row(t.Context(), id, row); !errors.Is(err, ErrRowNotFound) {
			t.Errorf("row %d: %v", row, err)
		}
	}
	if _, err := s.Row(t.Context(), "01ARZ3NDEKTSV4RRFFQ69G5FAV", 1); !errors.Is(err, aggregate.ErrStreamNotFound) {
		t.Errorf("no import: %v", err)
	}
	delete(w.files, id)
	w.files[id+"x"] = nil // its log is found no more by the fake either; the row still is
	if o, err := s.Row(t.Context(), id, 1); err != nil || o.Accepted == nil || o.Cells != nil {
		t.Errorf("%+v, %v", o, err)
	}
	_ = ann
}

func TestRowsThatNobodyDecidedHaveNoOutcome(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	imp, err := create(t, s, "E-mail;City;Age\nann@example.com;Gent;1\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Row(t.Context(), imp.ID, 1); !errors.Is(err, ErrRowNotFound) {
		t.Errorf("while it is prepared: %v", err)
	}
	if _, err := s.Cancel(t.Context(), imp.ID, "", events.Meta{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Row(t.Context(), imp.ID, 1); !errors.Is(err, ErrRowNotFound) {
		t.Errorf("canceled: %v", err)
	}
}

func TestManyQuestionsAtOnceAreRefused(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	for range questionsAtOnce {
		if _, err := s.ask(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Row(context.Background(), importIDOfNobody, 1); !errors.Is(err, ErrQuestionsBusy) {
		t.Errorf("%v", err)
	}
	if _, _, err := s.Origins(t.Context(), uuid.Nil, nil); !errors.Is(err, ErrQuestionsBusy) {
		t.Errorf("%v", err)
	}
}

const importIDOfNobody = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
