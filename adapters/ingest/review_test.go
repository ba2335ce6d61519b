package ingest

import (
	"context"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// anyFile is a file of contacts as careless people make them, and how somebody
// wants it imported.
type anyFile struct {
	content string
	start   commands.Start
	mapping commands.MapColumns
}

var (
	anyMail = rapid.SampledFrom([]string{"ann@x.org", "ANN@x.org", "bob@x.org", "bob", "", " ", "c@bücher.example", `"q q"@x.org`, "=1+1"})
	anyText = rapid.SampledFrom([]string{"", " ", "0049", "1", "12.5", "yes", "TRUE", "x;y", "a \"quote\"", "line\nbreak", "é", "'=1", strings.Repeat("x", 1001)})
	anyTime = rapid.SampledFrom([]string{"", "2024-01-31T10:15:30Z", "1700000000", "soon"})
	anyLine = rapid.SampledFrom([]string{"", "\"", "a\"b;c", ";;;;;;;", "alone", "\"x\"y;1;2;3;4"})
)

func drawFile(r *rapid.T) anyFile {
	f := anyFile{start: commands.Start{ImportMode: rapid.SampledFrom([]events.Mode{events.Contacts, events.ContactsEvents}).Draw(r, "mode"),
		BlankCells: rapid.SampledFrom([]events.BlankCells{"", events.ClearBlank}).Draw(r, "blank cells")}}
	separator := rapid.SampledFrom([]string{",", ";"}).Draw(r, "separator")
	var b strings.Builder
	b.WriteString(strings.Join([]string{"E-mail", "Age", "Notes", "Phone", "When"}, separator) + "\n")
	for range rapid.IntRange(1, 60).Draw(r, "rows") {
		if rapid.IntRange(0, 9).Draw(r, "broken") == 0 {
			b.WriteString(anyLine.Draw(r, "line") + "\n")
			continue
		}
		cells := []string{anyMail.Draw(r, "mail"), anyText.Draw(r, "age"), anyText.Draw(r, "notes"),
			rapid.SampledFrom([]string{"", "0478 11 22 33", "+32478112233", "12"}).Draw(r, "phone"), anyTime.Draw(r, "when")}
		cells = cells[:rapid.SampledFrom([]int{4, 5, 5, 5, 5, 5, 5, 5}).Draw(r, "width")]
		for i, cell := range cells {
			cells[i] = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
		}
		b.WriteString(strings.Join(cells, separator) + "\n")
	}
	b.WriteString("last@x.org\n") // so that there is a row in any case
	f.content = b.String()

	age := rapid.SampledFrom([]events.AttributeType{events.String, events.Number, events.Boolean}).Draw(r, "type")
	f.mapping.Mapping = []commands.Column{{Header: "E-mail", Attribute: events.Email},
		// An attribute has one type for ever, so each type has its own.
		{Header: "Age", Attribute: "age as " + string(age), Create: &commands.NewAttribute{Type: age}},
		{Header: "Phone", Attribute: events.Phone}}
	f.mapping.DefaultCountry = rapid.SampledFrom([]string{"", "BE"}).Draw(r, "country")
	if f.start.ImportMode == events.ContactsEvents {
		f.mapping.EventName = "visit"
		f.mapping.Mapping = append(f.mapping.Mapping, commands.Column{Header: "When", Timestamp: true}, commands.Column{Header: "Notes", Property: "Notes"})
		f.mapping.Mapping[1].Property = "Age"
	}
	if rapid.Bool().Draw(r, "read otherwise") {
		f.start.File.Encoding = "windows-1252"
		f.mapping.Reading = commands.Reading{Separator: separator, Encoding: "utf-8"}
	}
	return f
}

// decisions are what an import's log says about its rows, in the form of a review.
func (w *world) decisions(ctx context.Context, id string) (aggregate.Review, error) {
	found := tally{seen: map[uuid.UUID]struct{}{}, index: map[[2]string]int{}}
	for recorded, err := range w.deps.Log.Read(ctx, events.ImportStream(id), 0) {
		if err != nil {
			return aggregate.Review{}, err
		}
		e, err := events.Decode(recorded)
		if err != nil {
			return aggregate.Review{}, err
		}
		switch e := e.Event.(type) {
		case events.RowAccepted:
			err = found.add(commands.RowAccepted(e))
		case events.RowRejected:
			err = found.add(commands.RowRejected(e))
		}
		if err != nil {
			return aggregate.Review{}, err
		}
	}
	return found.result(), nil
}

// What a review says, the import does: counts, errors by code and column with their
// rows, and what the first rows become.
func TestTheImportDoesWhatTheReviewSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	ctx := t.Context()
	rapid.Check(t, func(r *rapid.T) {
		f := drawFile(r)
		imp, err := s.Create(ctx, events.Meta{Actor: "client-1"}, "client-1", "", func(store Store) (commands.Start, *commands.MapColumns, error) {
			return f.start, nil, store("contacts.csv", strings.NewReader(f.content))
		})
		if err != nil {
			r.Fatal(err)
		}
		said, err := s.Review(ctx, imp.ID, f.mapping)
		if err != nil {
			r.Fatal(err)
		}
		if imp, err = s.Map(ctx, imp.ID, f.mapping, events.Meta{Actor: "client-1"}); err != nil {
			r.Fatal(err)
		}
		if err := w.run(imp.ID).toTheEnd(ctx); err != nil {
			r.Fatal(err)
		}
		done, err := w.decisions(ctx, imp.ID)
		if err != nil {
			r.Fatal(err)
		}
		if !reflect.DeepEqual(said, done) {
			r.Fatalf("said\n%+v\ndone\n%+v\nof\n%s", said, done, f.content)
		}
		if imp, err = s.Load(ctx, imp.ID); err != nil || imp.State != events.Imported || imp.Accepted != said.Acceptable || imp.Rejected != said.InError ||
			imp.Rows() != said.Rows || said.Acceptable+said.InError != said.Rows {
			r.Fatalf("%+v, %v; said %+v", imp, err, said)
		}
	})
}

func TestAReviewCountsRowsAboutContactsOfEarlierRows(t *testing.T) {
	t.Parallel()
	s := newWorld(t).service()
	imp, err := create(t, s, "E-mail;Age\na@x.org;1\nb@x.org;2\nA@X.org;3\nbad;4\nbad;5\na@x.org;6\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := s.Review(t.Context(), imp.ID, mapping); err != nil || r.Repeated != 2 || r.Acceptable != 4 {
		t.Errorf("%+v, %v", r, err)
	}
}

// heldRows lets a test hold a review in the middle of its file.
type heldRows struct {
	Rows
	reached chan<- struct{}
	goOn    <-chan struct{}
}

func (h heldRows) Read(rec *aggregate.Record) error {
	h.reached <- struct{}{}
	<-h.goOn
	return h.Rows.Read(rec)
}

func TestOnlySoManyReviewsRunAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	imp, err := create(t, w.service(), "E-mail;Age\na@x.org;1\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	reached, goOn := make(chan struct{}), make(chan struct{})
	open := w.deps.OpenRows
	w.deps.OpenRows = func(r io.Reader, file events.File) (Rows, error) {
		rows, err := open(r, file)
		return heldRows{rows, reached, goOn}, err
	}
	s := w.service()
	ended := make(chan error, reviewsAtOnce)
	for range reviewsAtOnce {
		go func() {
			_, err := s.Review(t.Context(), imp.ID, mapping)
			ended <- err
		}()
		<-reached
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Review(impatient, imp.ID, mapping); !errors.Is(err, context.Canceled) {
		t.Errorf("one review too many: %v", err)
	}
	close(goOn)
	for range reviewsAtOnce {
		<-reached // the end of the file
	}
	for range reviewsAtOnce {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// A preparing import is looked at, reviewed and mapped as it is read, and only the
// mapping is recorded.
func TestAFileCanBeReadOtherwiseWithoutAnotherUpload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	// Bytes that are valid UTF-8 and were meant otherwise, and lines that , splits as well as ;.
	content := "E-mail;Name,Notes\na@x.org;é,1\nb@x.org;\"x\ny\",2\n"
	imp, err := create(t, s, content, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := imp.Started.File
	other := map[string]string{";": ",", ",": ";"}[found.Separator]
	as := commands.Reading{Separator: other, Encoding: "windows-1252"}
	p, err := s.Preview(t.Context(), imp.ID, as)
	if err != nil || p.File.Separator != other || p.File.Encoding != "windows-1252" || p.File.EncodingGuessed || p.File.SHA256 != found.SHA256 || p.File.Size != found.Size {
		t.Fatalf("%+v, %v", p, err)
	}
	if slices.Equal(p.File.Header, found.Header) || len(p.Columns) != len(p.File.Header) {
		t.Errorf("header %q, before %q", p.File.Header, found.Header)
	}
	if p, err := s.Preview(t.Context(), imp.ID, commands.Reading{}); err != nil || !reflect.DeepEqual(p.File, found) {
		t.Errorf("a look changed the file: %+v, %v", p.File, err)
	}

	m := commands.MapColumns{Reading: commands.Reading{Separator: ";", Encoding: "windows-1252"}, BlankCells: events.ClearBlank,
		Mapping: []commands.Column{{Header: "E-mail", Attribute: events.Email}, {Header: "Name,Notes", Attribute: "name", Create: &commands.NewAttribute{Type: events.String}}}}
	review, err := s.Review(t.Context(), imp.ID, m)
	if err != nil || !strings.Contains(string(review.Samples[0].Contact.Attributes), "Ã©,1") {
		t.Fatalf("%+v, %v", review, err)
	}
	if w.load(t, imp.ID).Events != 1 {
		t.Error("a review was recorded")
	}
	mapped, err := s.Map(t.Context(), imp.ID, m, events.Meta{Actor: "client-1"})
	if err != nil || mapped.Events != 2 || mapped.File().Separator != ";" || mapped.Rows() != review.Rows || mapped.BlankCells() != events.ClearBlank {
		t.Fatalf("%+v, %v", mapped, err)
	}
	if again, err := s.Map(t.Context(), imp.ID, m, events.Meta{}); err != nil || again.Events != 2 {
		t.Errorf("mapped again: %+v, %v", again, err)
	}
	m.Reading.Encoding = "utf-8"
	if _, err := s.Map(t.Context(), imp.ID, m, events.Meta{}); !errors.Is(err, aggregate.ErrAlreadyMapped) {
		t.Errorf("mapped as another file: %v", err)
	}
	if err := w.run(imp.ID).toTheEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	done, err := w.decisions(t.Context(), imp.ID)
	if err != nil || !reflect.DeepEqual(done, review) {
		t.Errorf("%+v, %v; reviewed %+v", done, err, review)
	}
}

func TestAFileThatCannotBeReadSoIsRefused(t *testing.T) {
	t.Parallel()
	s := newWorld(t).service()
	imp, err := create(t, s, "E-mail;Name;Name,x\na@x.org;é;1\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	for code, as := range map[string]commands.Reading{
		commands.SeparatorUnsupported: {Separator: "\t"},
		commands.EncodingInvalid:      {Encoding: "latin-9"},
	} {
		for what, err := range map[string]error{
			"preview": second(s.Preview(t.Context(), imp.ID, as)),
			"review":  second(s.Review(t.Context(), imp.ID, commands.MapColumns{Mapping: mapping.Mapping, Reading: as})),
			"mapping": second(s.Map(t.Context(), imp.ID, commands.MapColumns{Mapping: mapping.Mapping, Reading: as}, events.Meta{})),
		} {
			if refusal, ok := errors.AsType[*commands.Refusal](err); !ok || refusal.Code != code {
				t.Errorf("%s of %+v: %v", what, as, err)
			}
		}
	}
	if imp, err := s.Load(t.Context(), imp.ID); err != nil || imp.State != events.Preparing {
		t.Errorf("%+v, %v", imp, err)
	}
}

func second[T any](_ T, err error) error { return err }
