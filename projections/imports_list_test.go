package projections_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"importledger/events"
	"importledger/projections"
)

func TestAnImportIsListedAsItStands(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	p, pool := projector(t, l)
	const id = "01JD0000000000000000000001"
	start := started("Contacts.csv", 3)
	start.Name, start.Description = "Contacts", "for the fair"
	mapping := mapped(&events.Segment{ID: "seg", Name: "Fair", Create: true})
	mapping.Name = "Contacts of the fair" // its description stays

	want := projections.Import{ID: id, Name: "Contacts", Description: "for the fair", Type: events.Manual, State: events.Preparing,
		File: start.File, ImportMode: events.Contacts, KeyIdentifier: events.Email, Mapping: []events.Column{}, RowsToImport: 3, UserID: "user-1"}
	for i, step := range []struct {
		fact   events.Event
		expect func()
	}{
		{start, func() {}},
		{mapping, func() {
			want.State, want.Mapping, want.SegmentID, want.SegmentName = events.Importing, mapping.Columns, "seg", "Fair"
			want.Name = "Contacts of the fair"
		}},
		{accepted(1, 1, `{}`), func() { want.RowsImported = 1 }},
		{rejected(2, "email-invalid", "row-width"), func() { want.RowsInError = 1 }},
		{accepted(3, 1, `{}`), func() { want.RowsImported = 2 }},
		{events.ImportCompleted{Accepted: 2, Rejected: 1}, func() { want.State = events.Imported }},
	} {
		step.expect()
		want.Position = l.record(id, step.fact)
		feed(t, p, l, i, i+1, 1)
		got, err := projections.ImportByID(t.Context(), pool, id)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want.CreatedAt = got.ModifiedAt
		}
		want.ModifiedAt, want.Revision = got.ModifiedAt, uint64(i)
		if got.CreatedAt == 0 || got.ModifiedAt < got.CreatedAt || i > 0 && got.ModifiedAt == got.CreatedAt {
			t.Errorf("created at %d, modified at %d", got.CreatedAt, got.ModifiedAt)
		}
		if got := exported(got); !reflect.DeepEqual(got, want) {
			t.Errorf("after %T\n%+v, want\n%+v", step.fact, got, want)
		}
	}
	if _, err := projections.ImportByID(t.Context(), pool, "other"); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("an import that is not there: %v", err)
	}
}

// exported is an import without what only its package can compare.
func exported(i projections.Import) projections.Import {
	return projections.Import{ID: i.ID, Name: i.Name, Description: i.Description, Type: i.Type, State: i.State, File: i.File,
		ImportMode: i.ImportMode, EventName: i.EventName, KeyIdentifier: i.KeyIdentifier, DefaultCountry: i.DefaultCountry, BlankCells: i.BlankCells, Corrects: i.Corrects, SegmentID: i.SegmentID,
		SegmentName: i.SegmentName, Mapping: i.Mapping, RowsToImport: i.RowsToImport, RowsImported: i.RowsImported,
		RowsInError: i.RowsInError, FailedReason: i.FailedReason, FailedMessage: i.FailedMessage, UserID: i.UserID,
		CreatedAt: i.CreatedAt, ModifiedAt: i.ModifiedAt, Revision: i.Revision, Position: i.Position}
}

func TestImportsAreFilteredAndPagedNewestFirst(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	p, pool := projector(t, l)
	for i := range 30 {
		start := started(fmt.Sprintf("Ünïon_%02d%%.csv", i), 1)
		if i%3 == 0 {
			start.Type = events.FTPTemplate
		}
		id := fmt.Sprintf("import%02d", i)
		l.record(id, start)
		switch i % 5 {
		case 1:
			l.record(id, mapped(nil))
		case 2:
			l.record(id, mapped(nil), accepted(1, i, `{}`), events.ImportCompleted{Accepted: 1})
		case 3:
			l.record(id, events.ImportCanceled{})
		case 4:
			l.record(id, events.ImportFailed{Code: "header-mismatch", Message: "Other columns."})
		}
	}
	feed(t, p, l, 0, l.len(), 7)

	for _, c := range []struct {
		name   string
		filter projections.ImportFilter
		total  int
		first  []string
	}{
		{"all", projections.ImportFilter{PageSize: 2}, 30, []string{"import29", "import28"}},
		{"second page", projections.ImportFilter{Page: 2, PageSize: 2}, 30, []string{"import27", "import26"}},
		{"behind the end", projections.ImportFilter{Page: 9, PageSize: 10}, 30, nil},
		{"state", projections.ImportFilter{State: events.Failed, PageSize: 2}, 6, []string{"import29", "import24"}},
		{"type", projections.ImportFilter{Type: events.FTPTemplate, PageSize: 2}, 10, []string{"import27", "import24"}},
		{"state and type", projections.ImportFilter{State: events.Imported, Type: events.FTPTemplate, PageSize: 9}, 2, []string{"import27", "import12"}},
		{"name in any case", projections.ImportFilter{Q: "üNÏON_1", PageSize: 2}, 10, []string{"import19", "import18"}},
		{"name and state", projections.ImportFilter{Q: "union", State: events.Imported, PageSize: 2}, 0, nil},
		{"name, state and type", projections.ImportFilter{Q: "_0", State: events.Importing, Type: events.Manual, PageSize: 2}, 1, []string{"import01"}},
		{"special characters mean themselves", projections.ImportFilter{Q: "1%.", PageSize: 9}, 3, []string{"import21", "import11", "import01"}},
		{"found, behind the last page", projections.ImportFilter{Q: "ünïon", Page: 5, PageSize: 10}, 30, nil},
	} {
		page, total, err := projections.ListImports(t.Context(), pool, c.filter)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, i := range page {
			ids = append(ids, i.ID)
		}
		if total != c.total || !slices.Equal(ids, c.first) {
			t.Errorf("%s: %v of %d, want %v of %d", c.name, ids, total, c.first, c.total)
		}
	}
	if counts := must(projections.CountImports(t.Context(), pool)); len(counts) != 5 || counts[events.Importing] != 6 {
		t.Errorf("by state: %v", counts)
	}
	if ids := must(projections.ImportingIDs(t.Context(), pool)); !slices.Equal(ids, []string{"import01", "import06", "import11", "import16", "import21", "import26"}) {
		t.Errorf("importing: %v", ids)
	}
	failed := must(projections.ImportByID(t.Context(), pool, "import04"))
	if failed.FailedReason != "header-mismatch" || failed.FailedMessage != "Other columns." {
		t.Errorf("%+v", failed)
	}
}

func TestTheLastMappingOfTheSameColumnsIsFound(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	p, pool := projector(t, l)
	newer := mapped(nil)
	newer.Columns[1] = events.Column{Header: "City", Skip: true}
	asEvents := started("c.csv", 1)
	asEvents.ImportMode = events.ContactsEvents
	l.record("a", started("a.csv", 1), mapped(nil))
	l.record("b", started("b.csv", 1), newer)
	l.record("c", asEvents)
	l.record("d", started("d.csv", 1))
	feed(t, p, l, 0, l.len(), 3)

	got, err := projections.LastMapping(t.Context(), pool, []string{"City", "E-mail"}, events.Contacts)
	if err != nil || got.ID != "b" || !reflect.DeepEqual(got.Mapping, newer.Columns) {
		t.Errorf("%v, %v; want the newer mapping, whatever the columns' order", got, err)
	}
	if _, err := projections.LastMapping(t.Context(), pool, []string{"City", "E-mail"}, events.ContactsEvents); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("in another mode, not mapped: %v", err)
	}
	if _, err := projections.LastMapping(t.Context(), pool, []string{"City"}, events.Contacts); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("of other columns: %v", err)
	}
}

func TestAFileReadOtherwiseIsListedAsItIsRead(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	p, pool := projector(t, l)
	file := started("a.csv", 7).File
	file.Separator, file.Encoding, file.Header, file.Rows = ",", "windows-1252", []string{"E-mail", "City", "Zip"}, 5
	mapping := mapped(nil)
	mapping.File, mapping.BlankCells, mapping.DefaultCountry = &file, events.ClearBlank, "BE"
	l.record("a", started("a.csv", 7), mapping)
	feed(t, p, l, 0, l.len(), 1)
	got := must(projections.ImportByID(t.Context(), pool, "a"))
	if !reflect.DeepEqual(got.File, file) || got.RowsToImport != 5 || got.BlankCells != events.ClearBlank || got.DefaultCountry != "BE" {
		t.Errorf("%+v", got)
	}
	if last, err := projections.LastMapping(t.Context(), pool, file.Header, events.Contacts); err != nil || last.ID != "a" {
		t.Errorf("%+v, %v", last, err)
	}
}

func TestImportsAndTheirCorrectionsNameEachOther(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	p, pool := projector(t, l)
	correction := started("a-errors.csv", 1)
	correction.Corrects, correction.File.Correction = "a", true
	correction.File.Header = append([]string{"City", "E-mail"}, events.ErrorColumns...)
	fine := started("fine.csv", 1)
	l.record("a", started("a.csv", 2), mapped(nil), rejected(1, "email-invalid"), rejected(2, "row-width"))
	l.record("fine", fine, mapped(nil), accepted(1, 1, `{}`))
	l.record("b", correction, mapped(nil), rejected(1, "email-invalid"))
	l.record("c", correction)
	feed(t, p, l, 0, l.len(), 3)
	by := must(projections.CorrectedBy(t.Context(), pool, []string{"a", "b", "fine", ""}))
	if len(by) != 1 || !slices.Equal(by["a"], []string{"b", "c"}) {
		t.Errorf("%v", by)
	}
	// A correction that has errors again can be corrected as well: its own columns are the same.
	with := must(projections.ImportsWithErrors(t.Context(), pool, []string{"E-mail", "City"}))
	if !slices.Equal(with, []string{"b", "a"}) {
		t.Errorf("%v", with)
	}
	if last := must(projections.LastMapping(t.Context(), pool, []string{"E-mail", "City"}, events.Contacts)); last.ID != "b" {
		t.Errorf("%+v", last)
	}
}
