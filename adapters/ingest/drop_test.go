package ingest

import (
	"errors"
	"strings"
	"testing"

	"github.com/oklog/ulid/v2"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

var template = aggregate.Template{
	Header: []string{"E-mail", "Age", "Notes"}, Separator: ";", Mapping: mapping.Mapping, ImportMode: events.Contacts,
}

// dropped is a file that was received and stored.
func (w *world) dropped(content string) Dropped {
	u := memoryUpload{world: w}
	u.WriteString(content)
	d := Dropped{ImportID: ulid.Make().String(), File: events.File{Name: "daily.csv", Size: u.Size(), SHA256: u.SHA256()}, Template: template}
	w.files[d.ImportID] = []byte(content)
	return d
}

func mustDrop(t *testing.T, s *Service, d Dropped) aggregate.Import {
	t.Helper()
	imp, err := s.Drop(t.Context(), events.Meta{Actor: "connector-1"}, d)
	if err != nil {
		t.Fatal(err)
	}
	return imp
}

func TestADroppedFileIsImportedByItsTemplate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	for name, content := range map[string]string{
		"as the template says":   fileOf(20),
		"with another separator": strings.ReplaceAll(fileOf(20), ";", ","),
		"with columns moved":     "Notes;E-mail;Age\nn;a@example.com;3\n",
	} {
		imp := mustDrop(t, s, w.dropped(content))
		if imp.State != events.Importing || imp.Started.Type != events.FTPTemplate || imp.CreatedBy != "connector-1" || imp.Events != 2 ||
			imp.Started.File.Name != "daily.csv" || len(imp.Started.File.SHA256) != 64 {
			t.Errorf("%s: %+v", name, imp)
		}
	}
	if len(w.woken) != 3 {
		t.Errorf("the worker was told of %v", w.woken)
	}
}

func TestADroppedFileIsReadInItsTemplatesEncoding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	d := w.dropped("E-mail;Age;Notes\na@example.com;3;Zo\u00eb\n") // good UTF-8, and meant otherwise
	if imp := mustDrop(t, s, d); imp.Started.File.Encoding != "utf-8" {
		t.Errorf("found: %+v", imp.Started.File)
	}
	d = w.dropped("E-mail;Age;Notes\na@example.com;3;Zo\u00eb\n")
	d.Template.Encoding = "windows-1252"
	if imp := mustDrop(t, s, d); imp.Started.File.Encoding != "windows-1252" || imp.State != events.Importing {
		t.Errorf("said: %+v", imp.Started.File)
	}
}

func TestDroppingAgainIsTheSameImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	d := w.dropped(fileOf(5))
	first := mustDrop(t, s, d)
	d.Template.Header = []string{"changed", "meanwhile"}
	if again := mustDrop(t, s, d); again.Events != first.Events || again.State != events.Importing {
		t.Errorf("again: %+v", again)
	}
	if end, err := s.Ending(t.Context(), d.ImportID); end != nil || err != nil {
		t.Errorf("end of a running import: %v, %v", end, err)
	}
}

func TestADroppedFileThatBreaksARuleIsAnImportThatFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deps.RowsInError = w.rowsInError
	s := w.service()
	gone := w.dropped(fileOf(3))
	delete(w.files, gone.ImportID)
	huge := w.dropped("")
	huge.File = events.File{Name: "huge.csv", Size: 1 << 20}
	huge.Refused = &commands.Refusal{Code: commands.FileTooLarge, Message: "Too large."}
	delete(w.files, huge.ImportID)
	lost := w.dropped(fileOf(3))
	lost.Template.Segment = &events.Segment{ID: "01JDF3ZKQ8X6M4N9T2V7W5Y1AC"}
	for code, d := range map[string]Dropped{
		commands.FileEmpty:       w.dropped(""),
		commands.NoRows:          w.dropped("E-mail;Age;Notes\n"),
		commands.HeaderDuplicate: w.dropped("a;a\n1;2\n"),
		commands.EncodingInvalid: w.dropped("E-mail;Age;Notes\na\x00;1;2\n"),
		commands.HeaderMismatch:  w.dropped("E-mail;Notes\na@example.com;2\n"),
		commands.FileTooLarge:    huge,
		SourceMissing:            gone,
		"segment-not-found":      lost,
	} {
		imp := mustDrop(t, s, d)
		if imp.State != events.Failed || imp.Failure.Code != code || imp.Failure.Message == "" || imp.Events != 2 {
			t.Errorf("%s: %+v, %+v", code, imp, imp.Failure)
		}
		end, err := s.Ending(t.Context(), d.ImportID)
		if failed, ok := end.(events.ImportFailed); err != nil || !ok || failed.Code != code {
			t.Errorf("%s ended with %v, %v", code, end, err)
		}
		var out strings.Builder
		if err := s.ErrorsCSV(t.Context(), d.ImportID, &out); err != nil {
			t.Errorf("%s: rows in error: %v", code, err)
		}
	}
	if _, _, err := s.Source(t.Context(), huge.ImportID); !errors.Is(err, errNothingKept) {
		t.Errorf("source of what was not kept: %v", err)
	}
	if len(w.woken) != 0 {
		t.Errorf("the worker was told of %v", w.woken)
	}
}

func TestATemplateIsCheckedLikeAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	good := template
	good.Segment = &events.Segment{Name: "Daily"}
	kept, err := s.CheckTemplate(t.Context(), good)
	if err != nil || kept.Segment.ID == "" || !kept.Segment.Create {
		t.Fatalf("%+v, %v", kept.Segment, err)
	}
	// Two files by the template go into one segment, though no read model knows it.
	for range 2 {
		d := w.dropped(fileOf(3))
		d.Template = kept
		if imp := mustDrop(t, s, d); imp.Mapped == nil || imp.Mapped.Segment.ID != kept.Segment.ID {
			t.Errorf("%+v", imp)
		}
	}
	for code, change := range map[string]func(*aggregate.Template){
		commands.HeaderDuplicate:      func(p *aggregate.Template) { p.Header = []string{"E-mail", "E-mail"} },
		commands.HeaderEmpty:          func(p *aggregate.Template) { p.Header = nil },
		commands.SeparatorUnsupported: func(p *aggregate.Template) { p.Separator = "|" },
		commands.EncodingInvalid:      func(p *aggregate.Template) { p.Encoding = "ebcdic" },
		aggregate.MappingInvalid:      func(p *aggregate.Template) { p.Mapping = p.Mapping[1:] },
		"segment-not-found":           func(p *aggregate.Template) { p.Segment = &events.Segment{ID: "01JDF3ZKQ8X6M4N9T2V7W5Y1AC"} },
		commands.InvalidRequest:       func(p *aggregate.Template) { p.ImportMode = "other" },
	} {
		bad := template
		change(&bad)
		var refusal *commands.Refusal
		if _, err := s.CheckTemplate(t.Context(), bad); !errors.As(err, &refusal) || refusal.Code != code {
			t.Errorf("%s: %v", code, err)
		}
	}
}
