package events_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"importledger/events"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func TestAnEventThisProgramDoesNotKnowIsNamed(t *testing.T) {
	for _, unreadable := range []struct {
		recorded events.Recorded
		want     error
	}{
		{events.Recorded{Type: "RowMoved", Metadata: []byte(`{"v":1}`), Data: []byte(`{}`)}, events.ErrUnknownEvent},
		{events.Recorded{Type: "RowAccepted", Metadata: []byte(`{"v":99}`), Data: []byte(`{}`)}, events.ErrUnknownVersion},
		{events.Recorded{Type: "RowAccepted", Metadata: []byte(`{"v":1}`), Data: []byte(`{"row":`)}, nil},
		{events.Recorded{Type: "RowAccepted", Metadata: []byte(`nonsense`), Data: []byte(`{}`)}, nil},
	} {
		unreadable.recorded.Stream, unreadable.recorded.Revision = "import-1", 7
		_, err := events.Decode(unreadable.recorded)
		var broken *events.DecodeError
		if !errors.As(err, &broken) || unreadable.want != nil && !errors.Is(err, unreadable.want) || !strings.Contains(err.Error(), "7@import-1") {
			t.Errorf("%s %s: %v", unreadable.recorded.Type, unreadable.recorded.Metadata, err)
		}
	}
}

func TestADecoderToldOfNewMetadataForgetsTheOld(t *testing.T) {
	var d events.Decoder
	for _, actor := range []string{"a", "a", "b", "a"} {
		e, err := d.Decode(events.Recorded{Type: "ImportCanceled", Data: []byte(`{}`), Metadata: []byte(`{"v":1,"at":5,"actor":"` + actor + `"}`)})
		if err != nil || e.Meta.Actor != actor {
			t.Errorf("%v, %v; want actor %s", e.Meta, err, actor)
		}
	}
}

func TestRowAcceptedByHandIsWhatEncodingJSONWouldDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		attributes := map[string]any{}
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			attributes[rapid.String().Draw(t, "name")] = rapid.OneOf(
				rapid.String().AsAny(), rapid.Float64Range(-1e9, 1e9).AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil)).Draw(t, "value")
		}
		raw, err := json.Marshal(attributes)
		if err != nil {
			t.Fatal(err)
		}
		want := events.RowAccepted{Row: rapid.IntRange(1, 1e9).Draw(t, "row"), Line: rapid.IntRange(1, 1e9).Draw(t, "line"),
			Contact: events.Contact{NxID: uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")), Attributes: raw}}
		proposed, _, err := events.NewEncoder("import-1", events.Meta{At: 1}).Encode(events.Place{}, want)
		if err != nil {
			t.Fatal(err)
		}
		if plain, _ := json.Marshal(want); string(plain) != string(proposed.Data) {
			t.Fatalf("by hand %s\nencoding/json %s", proposed.Data, plain)
		}
		got, err := events.Decode(events.Recorded{Type: "RowAccepted", Data: proposed.Data, Metadata: proposed.Metadata})
		if err != nil || !reflect.DeepEqual(got.Event, want) {
			t.Fatalf("%+v, %v; want %+v", got.Event, err, want)
		}
	})
}

// Whatever the bytes, reading by hand never says anything else than encoding/json.
func FuzzDecodeRowAccepted(f *testing.F) {
	for _, seed := range []string{
		`{"row":1,"line":2,"contact":{"nxId":"0d6f7f3a-93b5-8e0c-9a4e-54a7f2a1c9d0","attributes":{"a":"}\"{","b":1}}}`,
		`{"row":1,"line":2,"contact":{"nxId":"0d6f7f3a-93b5-8e0c-9a4e-54a7f2a1c9d0","attributes":{"a":[1]}}}`,
		`{"line":2,"row":1}`, `{"row":01}`, `{"row":1,"line":2,"contact":{"nxId":"0d6f7f3a-93b5-8e0c-9a4e-54a7f2a1c9d0","attributes":{}},"event":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := events.Decode(events.Recorded{Type: "RowAccepted", Data: data, Metadata: []byte(`{"v":1}`)})
		var want events.RowAccepted
		wantErr := json.Unmarshal(data, &want)
		if wantErr == nil && (err != nil || !reflect.DeepEqual(got.Event, want)) {
			t.Errorf("%s\nreads as %+v, %v\nwant     %+v", data, got.Event, err, want)
		}
	})
}

func TestAppendStringWritesWhatEncodingJSONReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		var back string
		if err := json.Unmarshal(events.AppendString(nil, s), &back); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); utf8.ValidString(s) && back != want {
			t.Fatalf("%q came back as %q", s, back)
		}
	})
}

func TestABatchComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := events.Batch{Until: position(t), Events: []events.Recorded{}}
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			b.Events = append(b.Events, events.Recorded{
				ID: uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")), Stream: rapid.String().Draw(t, "stream"), Type: rapid.String().Draw(t, "type"),
				Revision: rapid.Uint64().Draw(t, "revision"), Position: position(t), Recorded: time.Unix(0, rapid.Int64().Draw(t, "time")).UTC(),
				Data: rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "data"), Metadata: rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "metadata"),
			})
		}
		payload := b.Marshal()
		back, err := events.UnmarshalBatch(payload)
		if err != nil || !reflect.DeepEqual(back, b) {
			t.Fatalf("%+v, %v; want %+v", back, err, b)
		}
		cut := rapid.IntRange(0, len(payload)-1).Draw(t, "cut")
		if _, err := events.UnmarshalBatch(payload[:cut]); !errors.Is(err, events.ErrBatchTruncated) {
			t.Fatalf("%d of %d bytes: %v", cut, len(payload), err)
		}
	})
}

func position(t *rapid.T) events.Position {
	return events.Position{Commit: rapid.Uint64().Draw(t, "commit"), Prepare: rapid.Uint64().Draw(t, "prepare")}
}

func TestPositionsAreOrderedAndReadBack(t *testing.T) {
	for _, text := range []string{"0", "7", "7-3", "18446744073709551615"} {
		p, err := events.ParsePosition(text)
		if err != nil || p.String() != text {
			t.Errorf("%s: %v, %v", text, p, err)
		}
	}
	for _, text := range []string{"", "-", "7-", "-7", "1.5", "x"} {
		if p, err := events.ParsePosition(text); err == nil {
			t.Errorf("%q was read as %v", text, p)
		}
	}
	a, b, c := events.Position{Commit: 1, Prepare: 9}, events.Position{Commit: 2, Prepare: 1}, events.Position{Commit: 2, Prepare: 2}
	if !a.Before(b) || !b.Before(c) || c.Before(b) || b.Before(b) {
		t.Error("order is commit, then prepare")
	}
}
