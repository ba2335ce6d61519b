package ingest

import (
	"errors"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// sends is a form with one file.
func sends(name, content string) func(Store) (commands.Start, error) {
	return func(store Store) (commands.Start, error) {
		return commands.Start{ImportMode: events.Contacts}, store(name, strings.NewReader(content))
	}
}

func TestASampleIsKeptAndLookedAtAgainAndIsNoImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	var kept events.ImportStarted
	err := s.KeepSample(t.Context(), sends("daily.csv", fileOf(3)), func(started events.ImportStarted) (string, error) {
		if len(w.files) != 0 {
			t.Error("bytes were kept before they were announced")
		}
		kept = started
		return "sample-1", nil
	})
	if err != nil || kept.File.Name != "daily.csv" || kept.File.Rows != 3 || kept.KeyIdentifier != events.Email || len(w.files) != 1 {
		t.Fatalf("%+v, %v", kept, err)
	}
	p, err := s.PreviewSample(t.Context(), "sample-1", kept, commands.Reading{})
	if err != nil || len(p.Columns) != 3 || p.Columns[0].Suggestion.Attribute != events.Email || len(p.First) != 3 {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err = s.PreviewSample(t.Context(), "sample-1", kept, commands.Reading{Separator: ","}); err != nil || len(p.Columns) != 1 {
		t.Errorf("read otherwise: %+v, %v", p, err)
	}
	if imp, err := s.Load(t.Context(), "sample-1"); !errors.Is(err, aggregate.ErrNotFound) || len(w.woken) != 0 {
		t.Errorf("an import: %+v, %v", imp, err)
	}
}

func TestASampleThatBreaksARuleIsNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	announced := func(events.ImportStarted) (string, error) {
		t.Error("it was announced")
		return "sample-1", nil
	}
	for code, content := range map[string]string{commands.NoRows: "E-mail;Age\n", commands.HeaderDuplicate: "a;a\n1;2\n"} {
		refusal, _ := errors.AsType[*commands.Refusal](s.KeepSample(t.Context(), sends("daily.csv", content), announced))
		if refusal == nil || refusal.Code != code || len(w.files) != 0 {
			t.Errorf("%s: %v", code, refusal)
		}
	}
	none := func(Store) (commands.Start, error) { return commands.Start{}, nil }
	if err := s.KeepSample(t.Context(), none, announced); !errors.Is(err, ErrFileMissing) {
		t.Errorf("no file: %v", err)
	}
	failing := errors.New("the database is away")
	if err := s.KeepSample(t.Context(), sends("daily.csv", fileOf(3)), func(events.ImportStarted) (string, error) { return "", failing }); !errors.Is(err, failing) || len(w.files) != 0 {
		t.Errorf("not announced: %v, %d files", err, len(w.files))
	}
}
