package events_test

import (
	"strings"
	"testing"

	"importledger/events"
)

func TestEveryEventIsASentence(t *testing.T) {
	for name, want := range map[string]string{
		"ImportStarted.v1":          "Received contacts.csv: 20,000 rows of 2.3 MB, 2 columns, SHA-256 9f86d081.",
		"ColumnsMapped.v1":          "Mapped E-mail → email, Age → age, Seen → time of the event, Stand → property Stand; skipped 1 column; new attributes: age; contacts go into segment Fair.",
		"RowAccepted.v1":            "Row 12 accepted as contact 0d6f7f3a.",
		"RowAccepted.event.v1":      "Row 12 accepted as an event of contact 0d6f7f3a.",
		"RowRejected.v1":            "Row 13 rejected. E-mail: This is not an e-mail address. The row has 3 fields, the header 2.",
		"ImportCanceled.v1":         "Import canceled: wrong file.",
		"ImportCompleted.v1":        "Import completed: 19,800 rows accepted, 200 rows rejected.",
		"SegmentCreated.v1":         "Segment Fair created.",
		"SegmentCreated.import.v1":  "Segment Fair created for import 01JDF3ZKQ8X6M4N9T2V7W5Y1AB.",
		"SegmentRenamed.v1":         "Name and description of the segment set, the name to Spring fair.",
		"SegmentRemoved.v1":         "Segment removed.",
		"SegmentContactsAdded.v1":   "2 contacts added by hand.",
		"SegmentContactsRemoved.v1": "1 contact removed by hand.",
		"SegmentNameClaimed.v1":     "The name Fair is for segment 01JDF3ZKQ8X6M4N9T2V7W5Y1AC.",
		"AttributeCreated.v1":       "Attribute age of type number created for import 01JDF3ZKQ8X6M4N9T2V7W5Y1AB.",
		"KeyIdentifierSet.v1":       "Contacts are told apart by phone.",
		"KeyIdentifierUsed.v1":      "Import 01JDF3ZKQ8X6M4N9T2V7W5Y1AB makes contacts by the key identifier.",
		"ImportFailed.v1":           "Import failed (source-changed): The stored file is not the one that was received.",
	} {
		if got := events.Describe(samples[name]); got != want {
			t.Errorf("%s\n got %s\nwant %s", name, got, want)
		}
	}
	for name, e := range samples {
		if s := events.Describe(e); !strings.HasSuffix(s, ".") || strings.Contains(s, "@") {
			t.Errorf("%s is no sentence without a contact's values: %s", name, s)
		}
	}
}
