package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

func TestAFileBecomesAnImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	prepared, err := create(t, s, fileOf(20), nil)
	if err != nil {
		t.Fatal(err)
	}
	file := prepared.Started.File
	if prepared.State != events.Preparing || prepared.Events != 1 || file.Rows != 20 || file.Separator != ";" || file.Name != "contacts.csv" ||
		file.Size != int64(len(fileOf(20))) || len(file.SHA256) != 64 || prepared.CreatedBy != "client-1" || prepared.CorrelationID != "request-1" {
		t.Errorf("prepared: %+v", prepared)
	}
	if string(w.files[prepared.ID]) != fileOf(20) {
		t.Error("the bytes are not kept as received")
	}
	mapped, err := s.Map(t.Context(), prepared.ID, mapping, events.Meta{Actor: "client-1"})
	if err != nil || mapped.State != events.Importing || mapped.Events != 2 {
		t.Errorf("mapped: %+v, %v", mapped, err)
	}
	if len(w.woken) != 1 || w.woken[0] != prepared.ID {
		t.Errorf("the worker was told of %v", w.woken)
	}
}

func TestARefusedUploadLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	unmapped := commands.MapColumns{Mapping: []commands.Column{{Header: "Age", Attribute: "age"}}}
	for code, upload := range map[string]func() error{
		commands.FileTooLarge:    func() error { _, err := create(t, s, strings.Repeat("x", 1<<20+1), nil); return err },
		commands.NoRows:          func() error { _, err := create(t, s, "E-mail;Age\n", nil); return err },
		commands.HeaderDuplicate: func() error { _, err := create(t, s, "a,a\n1,2\n", nil); return err },
		aggregate.MappingInvalid: func() error { _, err := create(t, s, fileOf(3), &unmapped); return err },
		ErrFileMissing.Code:      func() error { return createWith(t, s, 0) },
		ErrFileTwice.Code:        func() error { return createWith(t, s, 2) },
		"segment-not-found": func() error {
			m := mapping
			m.Segment = &events.Segment{ID: "01JDF3ZKQ8X6M4N9T2V7W5Y1AC"}
			_, err := create(t, s, fileOf(3), &m)
			return err
		},
	} {
		var refusal *commands.Refusal
		if err := upload(); !errors.As(err, &refusal) || refusal.Code != code {
			t.Errorf("%s: %v", code, err)
		}
	}
	if len(w.files) != 0 || len(w.woken) != 0 {
		t.Errorf("left behind: %d files, %v woken", len(w.files), w.woken)
	}
}

func createWith(t *testing.T, s *Service, files int) error {
	_, err := s.Create(t.Context(), events.Meta{}, "", "", func(store Store) (commands.Start, *commands.MapColumns, error) {
		for range files {
			if err := store("contacts.csv", strings.NewReader(fileOf(1))); err != nil {
				return commands.Start{}, nil, err
			}
		}
		return commands.Start{}, nil, nil
	})
	return err
}

func TestAnUploadThatBreaksOffLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cut := errors.New("connection reset")
	_, err := w.service().Create(t.Context(), events.Meta{}, "", "", func(store Store) (commands.Start, *commands.MapColumns, error) {
		return commands.Start{}, nil, store("contacts.csv", &cutOff{strings.NewReader(fileOf(5)), cut})
	})
	if !errors.Is(err, cut) || len(w.files) != 0 {
		t.Errorf("%d files left, %v", len(w.files), err)
	}
}

// cutOff fails where a whole file would end.
type cutOff struct {
	*strings.Reader
	err error
}

func (c *cutOff) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err != nil {
		err = c.err
	}
	return n, err
}

func TestAnIdempotencyKeyGivesTheSameImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	again := func(client, content string) (aggregate.Import, error) {
		return s.Create(t.Context(), events.Meta{}, client, "key-1", func(store Store) (commands.Start, *commands.MapColumns, error) {
			return commands.Start{}, &mapping, store("contacts.csv", strings.NewReader(content))
		})
	}
	first, err := again("client-1", fileOf(3))
	if err != nil {
		t.Fatal(err)
	}
	if second, err := again("client-1", fileOf(3)); err != nil || second.ID != first.ID || second.Events != first.Events {
		t.Errorf("the same again: %+v, %v", second, err)
	}
	if _, err := again("client-1", fileOf(4)); !errors.Is(err, ErrKeyReused) {
		t.Errorf("another file: %v", err)
	}
	if other, err := again("client-2", fileOf(3)); err != nil || other.ID == first.ID {
		t.Errorf("another client: %+v, %v", other, err)
	}
	if len(w.files) != 2 {
		t.Errorf("%d files are kept, want one for each import", len(w.files))
	}
}

func TestAKeyOfAProcessThatDiedIsGoneOnWith(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.service()
	upload := memoryUpload{}
	upload.WriteString(fileOf(3))
	dead := "01JDF3ZKQ8X6M4N9T2V7W5Y1AB"
	if _, _, claimed, err := w.claim(t.Context(), "client-1", "key-1", upload.SHA256(), dead); !claimed || err != nil {
		t.Fatal(err)
	}
	imp, err := s.Create(t.Context(), events.Meta{}, "client-1", "key-1", func(store Store) (commands.Start, *commands.MapColumns, error) {
		return commands.Start{}, &mapping, store("contacts.csv", strings.NewReader(fileOf(3)))
	})
	if err != nil || imp.ID != dead || imp.State != events.Importing {
		t.Errorf("%+v, %v; want import %s", imp, err, dead)
	}
}

func TestAKeyWhoseStartTheLogDidNotTakeIsGoneOnWith(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deps.Log = &hookedLog{Streams: w.deps.Log, append: func(n int, do func() (events.Position, error)) (events.Position, error) {
		if n == 1 {
			return events.Position{}, aggregate.ErrLogUnavailable
		}
		return do()
	}}
	s := w.service()
	send := func() (aggregate.Import, error) {
		return s.Create(t.Context(), events.Meta{}, "client-1", "key-1", func(store Store) (commands.Start, *commands.MapColumns, error) {
			return commands.Start{}, &mapping, store("contacts.csv", strings.NewReader(fileOf(3)))
		})
	}
	if _, err := send(); !errors.Is(err, aggregate.ErrLogUnavailable) {
		t.Fatal(err)
	}
	if imp, err := send(); err != nil || imp.State != events.Importing || len(w.files) != 1 {
		t.Errorf("%+v, %v, %d files", imp, err, len(w.files))
	}
}

func TestSegmentsAreFoundOrMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.segment(t, "01JDF3ZKQ8X6M4N9T2V7W5Y1AC", commands.CreateSegment{Name: "Fair"})
	for _, c := range []struct{ asked, want events.Segment }{
		{events.Segment{ID: "01JDF3ZKQ8X6M4N9T2V7W5Y1AC"}, events.Segment{ID: "01JDF3ZKQ8X6M4N9T2V7W5Y1AC", Name: "Fair"}},
		{events.Segment{Name: "Fair"}, events.Segment{ID: "01JDF3ZKQ8X6M4N9T2V7W5Y1AC", Name: "Fair"}},
		{events.Segment{Name: "Guests"}, events.Segment{Name: "Guests", Create: true}},
	} {
		m := mapping
		m.Segment = &c.asked
		imp, err := create(t, w.service(), fileOf(2), &m)
		if err != nil {
			t.Fatal(err)
		}
		got := *imp.Mapped.Segment
		if c.want.Create && got.ID != "" {
			got.ID = ""
		}
		if got != c.want {
			t.Errorf("asked for %+v: %+v, want %+v", c.asked, got, c.want)
		}
	}
}

func TestTextIsNotMappedToNumbers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deps.Attributes = func(context.Context) ([]events.Attribute, error) {
		return append([]events.Attribute{{Name: "age", Type: events.Number}}, events.Reserved...), nil
	}
	s := w.service()
	wish := commands.MapColumns{Mapping: []commands.Column{{Header: "E-mail", Attribute: events.Email}, {Header: "Age", Attribute: "age"}}}
	file := func(age func(row int) string) string {
		text := "E-mail;Age\n"
		for row := range 30 {
			text += fmt.Sprintf("p%d@example.com;%s\n", row, age(row))
		}
		return text
	}
	_, err := create(t, s, file(func(int) string { return "old" }), &wish)
	if refusal, ok := errors.AsType[*commands.Refusal](err); !ok || refusal.Code != aggregate.MappingInvalid || refusal.Details[0].Code != "attribute-type" {
		t.Errorf("a column of texts: %v", err)
	}
	imp, err := create(t, s, file(func(row int) string { return map[bool]string{true: "30", false: "old"}[row == 29] }), &wish)
	if err != nil || imp.State != events.Importing {
		t.Errorf("a column with a number in it, whose other cells are errors of their rows: %+v, %v", imp, err)
	}
}
