package events_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"importledger/events"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

const stream = "import-" + importID

// written is a stream of n events as the log would hold it.
func written(t interface{ Fatal(...any) }, n int) []events.Recorded {
	var all []events.Recorded
	var next events.Place
	for row := 1; row <= n; row++ {
		encoder := events.NewEncoder(stream, events.Meta{At: int64(1000 + row/3), Actor: "user-1"})
		p, recorded, err := encoder.Encode(next, events.RowRejected{Row: row, Line: row + 1, Errors: []events.RowError{{Code: "row-width", Message: "m"}}})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, events.Recorded{ID: p.ID, Stream: stream, Revision: next.Revision, Type: p.Type, Data: p.Data, Metadata: p.Metadata})
		next = recorded.Next()
	}
	return all
}

// followed checks a stream from its beginning and tells where it is broken; -1: nowhere.
func followed(all []events.Recorded) (int, events.Place, error) {
	var next events.Place
	for i, r := range all {
		var err error
		if next, err = next.Follow(stream, r); err != nil {
			return i, next, err
		}
	}
	return -1, next, nil
}

func TestAStreamProvesItself(t *testing.T) {
	all := written(t, 20)
	at, end, err := followed(all)
	if err != nil || end.Revision != 20 {
		t.Fatalf("broken at %d: %v", at, err)
	}
	last, err := events.Decode(all[19])
	if err != nil || last.Meta.Chain != end.Chain || last.Next() != end {
		t.Errorf("read %+v, %v; want chain %s", last.Meta, err, end.Chain)
	}
}

// Whatever is changed about a stream, the first event that is not what it was is named.
func TestAnyChangeOfAStreamIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := written(t, rapid.IntRange(3, 12).Draw(t, "events"))
		i := rapid.IntRange(0, len(all)-2).Draw(t, "at")
		r, want := &all[i], i
		switch change := rapid.SampledFrom([]string{"data", "metadata", "type", "id", "stream", "revision", "drop", "insert", "swap", "repeat"}).Draw(t, "change"); change {
		case "data":
			r.Data = flipped(t, r.Data)
		case "metadata":
			r.Metadata = flipped(t, r.Metadata)
		case "type":
			r.Type = "RowAccepted"
		case "id":
			r.ID = uuid.New()
		case "stream":
			r.Stream = "import-other"
		case "revision":
			r.Revision++
		case "drop":
			all = slices.Delete(all, i, i+1)
			if rapid.Bool().Draw(t, "renumbered") {
				renumber(all)
			}
		case "insert":
			all = slices.Insert(all, i, all[i+1])
			renumber(all)
		case "repeat":
			all = slices.Insert(all, i+1, all[i])
			renumber(all)
			want = i + 1
		case "swap":
			all[i], all[i+1] = all[i+1], all[i]
			renumber(all)
		}
		at, _, err := followed(all)
		if err == nil || at != want {
			t.Fatalf("found at %d (%v), want %d", at, err, want)
		}
		if !strings.Contains(err.Error(), fmt.Sprintf("%d@", all[at].Revision)) {
			t.Errorf("the event is not named: %v", err)
		}
	})
}

func flipped(t *rapid.T, b []byte) []byte {
	b = slices.Clone(b)
	bit := rapid.IntRange(0, len(b)*8-1).Draw(t, "bit")
	b[bit/8] ^= 1 << (bit % 8)
	return b
}

func renumber(all []events.Recorded) {
	for i := range all {
		all[i].Revision = uint64(i)
	}
}

func TestAnEventWithoutAChainIsReadAndSaysSo(t *testing.T) {
	r := events.Recorded{Stream: stream, Type: "ImportCanceled", Data: []byte(`{}`), Metadata: []byte(`{"v":1,"at":5}`)}
	e, err := events.Decode(r)
	if err != nil || !e.Meta.Chain.IsZero() || e.Meta.At != 5 {
		t.Errorf("%+v, %v", e.Meta, err)
	}
	if _, err := (events.Place{}).Follow(stream, r); !errors.Is(err, events.ErrNotChained) {
		t.Errorf("got %v", err)
	}
}

func TestADecoderKeepsChainsApart(t *testing.T) {
	all := written(t, 9)
	var d events.Decoder
	for i, r := range all {
		e, err := d.Decode(r)
		want, _ := events.Decode(r)
		if err != nil || e.Meta != want.Meta || e.Meta.At != int64(1000+(i+1)/3) {
			t.Errorf("%d: %+v, %v; want %+v", i, e.Meta, err, want.Meta)
		}
	}
}

func TestChainsAreReadBackAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := events.Chain(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "chain"))
		var back events.Chain
		if err := back.UnmarshalText([]byte(c.String())); err != nil || back != c {
			t.Fatalf("%s came back as %s, %v", c, back, err)
		}
	})
	var c events.Chain
	for _, text := range []string{"", "abc", strings.Repeat("A", 44), strings.Repeat("A", 42) + "B", strings.Repeat("=", 43)} {
		if err := c.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %s", text, c)
		}
	}
}
