package ingest

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// rejectedImport imports a file to its end, and gives its errors.csv.
func (w *world) rejectedImport(t *testing.T, s *Service, name, content string) (id, errorsCSV string) {
	t.Helper()
	imp, err := s.Create(t.Context(), events.Meta{Actor: "client-1"}, "client-1", "", func(store Store) (commands.Start, *commands.MapColumns, error) {
		return commands.Start{}, nil, store(name, strings.NewReader(content))
	})
	if err != nil {
		t.Fatal(err)
	}
	wish := commands.MapColumns{Mapping: []commands.Column{{Header: imp.File().Header[0], Attribute: events.Email}}}
	if _, err := s.Map(t.Context(), imp.ID, wish, events.Meta{}); err != nil {
		t.Fatal(err)
	}
	if err := w.run(imp.ID).toTheEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.fillErrors(t, imp.ID)
	var out bytes.Buffer
	if err := s.ErrorsCSV(t.Context(), imp.ID, &out); err != nil {
		t.Fatal(err)
	}
	w.withErrors = append([]string{imp.ID}, w.withErrors...)
	return imp.ID, out.String()
}

func (w *world) corrects(t *testing.T, s *Service, name, asked, content string) (string, error) {
	t.Helper()
	imp, err := s.Create(t.Context(), events.Meta{}, "client-1", "", func(store Store) (commands.Start, *commands.MapColumns, error) {
		return commands.Start{Corrects: asked}, nil, store(name, strings.NewReader(content))
	})
	return imp.Started.Corrects, err
}

func TestACorrectionTellsWhichImportItCorrects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	const file = "E-mail;Name\na@x.org;A\nbob;B\nc@x.org;C;too many\ndora;D\n"
	first, errorsCSV := w.rejectedImport(t, s, "a.csv", file)
	lines := strings.SplitAfter(errorsCSV, "\r\n")
	for what, content := range map[string]string{
		"all of it":          errorsCSV,
		"mended":             strings.ReplaceAll(errorsCSV, "bob", "bob@x.org"),
		"rows taken out":     lines[0] + lines[2],
		"rows turned around": lines[0] + lines[3] + lines[1],
		"a row in two":       lines[0] + lines[1] + lines[1],
		"a row of their own": errorsCSV + "new@x.org;N;;;;\r\n",
	} {
		if got, err := w.corrects(t, s, "mended.csv", "", content); err != nil || got != first {
			t.Errorf("%s: corrects %q, %v", what, got, err)
		}
	}
	for what, content := range map[string]string{
		"no error columns":    "E-mail;Name\nbob@x.org;B\n",
		"a row never refused": lines[0] + strings.Replace(lines[1], ";2;", ";1;", 1),
		"another reason":      lines[0] + strings.Replace(lines[1], "email-invalid", "phone-invalid", 1),
		"no row is named":     lines[0] + "bob@x.org;B;;;;\r\n",
	} {
		if got, err := w.corrects(t, s, "mended.csv", "", content); err != nil || got != "" {
			t.Errorf("%s: corrects %q, %v", what, got, err)
		}
	}
	if got, err := w.corrects(t, s, "mended.csv", first, "E-mail;Name\nbob@x.org;B\n"); err != nil || got != first {
		t.Errorf("said: corrects %q, %v", got, err)
	}
	if _, err := w.corrects(t, s, "mended.csv", "01JDF3ZKQ8X6M4N9T2V7W5Y1AC", errorsCSV); !errors.Is(err, ErrCorrectsNothing) {
		t.Errorf("said, and there is none: %v", err)
	}

	if _, err := w.corrects(t, s, "mended.csv", "nothing", errorsCSV); !errors.Is(err, ErrCorrectsNothing) {
		t.Errorf("said, and there can be none: %v", err)
	}

	// The same file once more, and nobody can tell the two apart; but by the name that
	// the download had.
	second, _ := w.rejectedImport(t, s, "b.csv", file)
	if got, err := w.corrects(t, s, "mended.csv", "", errorsCSV); err != nil || got != "" {
		t.Errorf("of two alike: corrects %q, %v", got, err)
	}
	for _, id := range []string{first, second} {
		if got, err := w.corrects(t, s, id+"-errors (1).csv", "", errorsCSV); err != nil || got != id {
			t.Errorf("by its name: corrects %q, %v; want %s", got, err, id)
		}
	}
}

func TestErrorsOfACorrectionHaveTheErrorColumnsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	_, errorsCSV := w.rejectedImport(t, s, "a.csv", "E-mail;Name\nbob;'=B\nshort\n\"=b\"\"c\";B;x\n")
	second, again := w.rejectedImport(t, s, "mended.csv", errorsCSV)
	if header := "E-mail;Name;error_row;error_column;error_code;error_message\r\n"; !strings.HasPrefix(errorsCSV, header) || !strings.HasPrefix(again, header) {
		t.Errorf("%s\n%s", errorsCSV, again)
	}
	if !strings.Contains(again, "bob;''=B;1;") {
		t.Errorf("a cell has changed on the way:\n%s\n%s", errorsCSV, again)
	}
	if imp := w.load(t, second); imp.Started.Corrects == "" || !imp.File().Correction || imp.Rejected != 3 {
		t.Errorf("%+v", imp)
	}
}

func TestErrorsAreMarkedForTheSpreadsheetThatTheFileCameFrom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	for file, marked := range map[string]bool{
		"E-mail\nZoë\n":       false,
		"\ufeffE-mail\nZoë\n": true,
		"E-mail\nZo\xeb\n":    true,
	} {
		_, errorsCSV := w.rejectedImport(t, s, "a.csv", file)
		if strings.HasPrefix(errorsCSV, byteOrderMark) != marked || !strings.Contains(errorsCSV, "Zoë,1,E-mail,email-invalid") {
			t.Errorf("%q: %q", file, errorsCSV)
		}
	}
}

// Every cell comes back as it was: made harmless, written, read and restored.
func TestCellsComeBackUnchangedFromACorrection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cells := rapid.OneOf(rapid.StringMatching(`'{0,3}[=+\-@\t\r\n＝＋－＠a]?[^\x00]{0,5}`), rapid.StringMatching(`[^\x00]*`))
	rapid.Check(t, func(r *rapid.T) {
		separator := rapid.SampledFrom([]string{",", ";"}).Draw(r, "separator")
		header := []string{"E-mail", strings.TrimSpace("x" + cells.Draw(r, "header")), "=" + strings.TrimSpace(rapid.StringMatching(`[a-z]*`).Draw(r, "formula"))}
		row := []string{cells.Draw(r, "first"), cells.Draw(r, "second"), cells.Draw(r, "third")}
		if !utf8.ValidString(strings.Join(append(row, header...), "")) || len(header[1]) > 1000 {
			r.Skip()
		}
		var file bytes.Buffer
		out := w.deps.NewCSV(&file, separator, rapid.Bool().Draw(r, "marked"))
		s := w.service()
		written := s.harmless(slices.Concat(row, []string{"1", "E-mail", "email-invalid", "No address."}))
		if err := errors.Join(out.Write(s.harmless(slices.Concat(header, events.ErrorColumns))), out.Write(written), out.Flush()); err != nil {
			r.Fatal(err)
		}
		found, err := w.deps.Inspect(bytes.NewReader(file.Bytes()), commands.Reading{Separator: separator})
		if err != nil || !found.Correction || !slices.Equal(found.OwnColumns(), header) {
			r.Fatalf("%+v, %v; want columns %q\n%q", found, err, header, file.Bytes())
		}
		found.Size = int64(file.Len())
		rows, err := w.deps.OpenRows(&file, found)
		var rec aggregate.Record
		if err == nil {
			err = rows.Read(&rec)
		}
		if err != nil || !slices.Equal(rec.Fields[:3], row) {
			r.Fatalf("%q came back as %q, %v", row, rec.Fields, err)
		}
		for _, cell := range written {
			if strings.IndexAny(cell, "=+-@\t\r\n") == 0 {
				r.Fatalf("a spreadsheet would run %q", cell)
			}
		}
	})
}
