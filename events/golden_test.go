package events_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"importledger/events"

	"github.com/google/uuid"
)

var update = flag.Bool("update", false, "write golden files that are missing; one that exists is never changed")

const (
	importID  = "01JDF3ZKQ8X6M4N9T2V7W5Y1AB"
	segmentID = "01JDF3ZKQ8X6M4N9T2V7W5Y1AC"
)

var nxID = uuid.MustParse("0d6f7f3a-93b5-8e0c-9a4e-54a7f2a1c9d0")

// samples has one event for every golden file; a name's later versions and
// optional parts get files of their own.
var samples = map[string]events.Event{
	"ImportStarted.v1": events.ImportStarted{
		Name: "Spring fair", Description: "Stand 12", Type: events.Manual,
		File:       events.File{Name: "contacts.csv", Size: 2345678, SHA256: "9f86d081884c7d65", Separator: ";", Encoding: "utf-8", Header: []string{"E-mail", "Age"}, Rows: 20000},
		ImportMode: events.ContactsEvents, EventName: "visit", KeyIdentifier: events.Email, DefaultCountry: "BE", BlankCells: events.KeepBlank,
	},
	"ColumnsMapped.v1": events.ColumnsMapped{
		Columns: []events.Column{
			{Header: "E-mail", Attribute: events.Email, Type: events.String},
			{Header: "Age", Attribute: "age", Type: events.Number, Create: true},
			{Header: "Seen", Timestamp: true}, {Header: "Stand", Property: "Stand"}, {Header: "Notes", Skip: true},
		},
		Segment: &events.Segment{ID: "01JDF3ZKQ8X6M4N9T2V7W5Y1AC", Name: "Fair", Create: true}, EventName: "visit",
	},
	"ImportStarted.correction.v1": events.ImportStarted{
		Name: "contacts-errors.csv", Type: events.Manual,
		File: events.File{Name: "contacts-errors.csv", Size: 812, SHA256: "60303ae22b998861", Separator: ";", Encoding: "windows-1252", EncodingGuessed: true,
			Header: append([]string{"E-mail"}, events.ErrorColumns...), Rows: 7, Correction: true, MaxField: 65536, MaxRecord: 1048576},
		ImportMode: events.Contacts, KeyIdentifier: events.Email, BlankCells: events.ClearBlank, Corrects: "01JDF3ZKQ8X6M4N9T2V7W5Y1AC",
	},
	"ColumnsMapped.reread.v1": events.ColumnsMapped{
		Columns: []events.Column{
			{Header: "E-mail", Attribute: events.Email, Type: events.String}, {Header: "Amount", Property: "Amount", Type: events.Number},
		},
		File:       &events.File{Name: "contacts.csv", Size: 812, SHA256: "60303ae22b998861", Separator: ",", Encoding: "utf-8", Header: []string{"E-mail", "Amount"}, Rows: 6},
		BlankCells: events.ClearBlank, DefaultCountry: "BE",
	},
	"ColumnsMapped.named.v1": events.ColumnsMapped{
		Columns: []events.Column{{Header: "E-mail", Attribute: events.Email, Type: events.String}},
		Name:    "Spring fair", Description: "Cards from the booth",
	},
	"RowAccepted.v1": events.RowAccepted{Row: 12, Line: 14, Contact: events.Contact{NxID: nxID, Attributes: json.RawMessage(`{"email":"a\"b@example.com","age":42,"vip":true}`)}},
	"RowAccepted.event.v1": events.RowAccepted{
		Row: 12, Line: 14, Contact: events.Contact{NxID: nxID, Attributes: json.RawMessage(`{"email":"a@example.com"}`)},
		Event: &events.ContactEvent{ID: nxID, Name: "visit", At: 1795500000000, Properties: json.RawMessage(`{"Stand":"12"}`)},
	},
	"RowRejected.v1": events.RowRejected{Row: 13, Line: 15, Errors: []events.RowError{
		{Column: "E-mail", Code: "email-invalid", Message: "This is not an e-mail address.", Value: "a@"},
		{Code: "row-width", Message: "The row has 3 fields, the header 2."},
	}},
	"SegmentCreated.v1":         events.SegmentCreated{Name: "Fair", Description: "Stand 12"},
	"SegmentCreated.import.v1":  events.SegmentCreated{Name: "Fair", ImportID: importID},
	"SegmentRenamed.v1":         events.SegmentRenamed{Name: "Spring fair", Description: "Stand 12"},
	"SegmentRemoved.v1":         events.SegmentRemoved{},
	"SegmentContactsAdded.v1":   events.SegmentContactsAdded{Contacts: []uuid.UUID{nxID, uuid.MustParse("1d6f7f3a-93b5-8e0c-9a4e-54a7f2a1c9d0")}},
	"SegmentContactsRemoved.v1": events.SegmentContactsRemoved{Contacts: []uuid.UUID{nxID}},
	"SegmentNameClaimed.v1":     events.SegmentNameClaimed{SegmentID: segmentID, Revision: 3, Name: "Fair", Description: "Stand 12", ImportID: importID},
	"AttributeCreated.v1":       events.AttributeCreated{Name: "age", Type: events.Number, ImportID: importID},
	"KeyIdentifierSet.v1":       events.KeyIdentifierSet{Identifier: events.Phone},
	"KeyIdentifierUsed.v1":      events.KeyIdentifierUsed{ImportID: importID},
	"ImportCanceled.v1":         events.ImportCanceled{Reason: "wrong file"},
	"ImportCompleted.v1":        events.ImportCompleted{Accepted: 19800, Rejected: 200},
	"ImportCompleted.chain.v1":  events.ImportCompleted{Accepted: 19800, Rejected: 200, Chain: events.Chain{250, 251, 252}},
	"ImportFailed.v1":           events.ImportFailed{Code: "source-changed", Message: "The stored file is not the one that was received."},
}

// What was written once must be read for ever, and today's program must write
// the same bytes.
func TestGoldenFiles(t *testing.T) {
	meta := events.Meta{At: 1795500000123, Actor: "user-1", CorrelationID: "c-1", CausationID: "c-0", TraceParent: "00-1-2-01"}
	before := events.Place{Revision: 3, Chain: events.Chain{1, 2, 3}}
	named := map[string]bool{}
	for file, sample := range samples {
		named[events.Name(sample)] = true
		stream := streamOf(sample)
		proposed, recorded, err := events.NewEncoder(stream, meta).Encode(before, sample)
		if err != nil {
			t.Fatal(err)
		}
		written := string(proposed.Data) + "\n" + string(proposed.Metadata) + "\n" + proposed.ID.String() + "\n"
		golden := readGolden(t, file, written)
		if written != golden {
			t.Errorf("%s: today's bytes\n%swere\n%s", file, written, golden)
		}
		lines := strings.Split(golden, "\n")
		read, err := events.Decode(events.Recorded{Stream: stream, Type: events.Name(sample), Data: []byte(lines[0]), Metadata: []byte(lines[1])})
		if err != nil {
			t.Fatal(err)
		}
		want := meta
		want.Version, want.Chain = 1, recorded.Meta.Chain
		if !reflect.DeepEqual(read.Event, sample) || read.Meta != want || (read.ImportID() == importID) != (stream == events.ImportStream(importID)) {
			t.Errorf("%s reads as\n%+v\nwant\n%+v", file, read, sample)
		}
	}
	for _, name := range events.Names() {
		if !named[name] {
			t.Errorf("%s has no golden file", name)
		}
	}
}

// streamOf is a stream that an event can be in.
func streamOf(e events.Event) string {
	switch e := e.(type) {
	case events.SegmentCreated, events.SegmentRenamed, events.SegmentRemoved, events.SegmentContactsAdded, events.SegmentContactsRemoved:
		return events.SegmentStream(segmentID)
	case events.SegmentNameClaimed:
		return events.SegmentNameStream(e.Name)
	case events.AttributeCreated:
		return events.AttributeStream(e.Name)
	case events.KeyIdentifierSet, events.KeyIdentifierUsed:
		return events.AccountStream
	}
	return events.ImportStream(importID)
}

// Every stream of ours is one that subscriptions ask for, and names of people's
// things are not in it.
func TestStreamsAreSubscribedToAndHideNames(t *testing.T) {
	for file, sample := range samples {
		stream := streamOf(sample)
		if !slices.ContainsFunc(events.StreamPrefixes, func(prefix string) bool { return strings.HasPrefix(stream, prefix) }) {
			t.Errorf("%s: nobody subscribes to %s", file, stream)
		}
		if strings.Contains(stream, "Fair") || strings.Contains(stream, "age") {
			t.Errorf("%s: a name in %s", file, stream)
		}
	}
	if id, ok := events.SegmentOfStream(events.SegmentStream(segmentID)); !ok || id != segmentID {
		t.Errorf("segment %q", id)
	}
	if id, ok := events.SegmentOfStream(events.SegmentNameStream("Fair")); ok {
		t.Errorf("a name's stream is one of segment %q", id)
	}
}

func readGolden(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join("testdata", "golden", name+".txt")
	golden, err := os.ReadFile(path)
	if os.IsNotExist(err) && *update {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return content
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(golden)
}

func TestEveryGoldenFileHasItsSample(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil || len(files) < len(events.Names()) {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".txt"); samples[name] == nil {
			t.Errorf("%s is read by no test", f)
		}
	}
}
