package csvfile

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// What becomes of rows was decided with the limits that a file came in under.
func TestAFileIsReadAgainUnderTheLimitsThatItCameInUnder(t *testing.T) {
	t.Parallel()
	content := []byte("a,b,c\n1,2,3\n" + strings.Repeat("x", 70_000) + ",2,3\n1,2,3\n")
	for _, limits := range []Limits{{}, {MaxField: 100_000, MaxRecord: 200_000, MaxColumns: 3, MaxRows: 3}, {MaxField: 2, MaxRecord: 10}} {
		facts, err := Inspect(bytes.NewReader(content), Options{Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		first := readRows(t, content, Options{Separator: ',', Encoding: UTF8, Limits: limits})
		file := facts.File()
		file.Size = facts.Size
		r, err := Reopen(bytes.NewReader(content), file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range first {
			var got aggregate.Record
			if err := r.Read(&got); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%+v: %+v, %v; want %+v", limits, got, err, want)
			}
		}
		if err := r.Skip(1); err != io.EOF {
			t.Errorf("after the last row: %v", err)
		}
	}
}

func TestAHeaderThatEventsCannotNameIsRefused(t *testing.T) {
	t.Parallel()
	for length, refused := range map[int]bool{maxHeader: false, maxHeader + 1: true} {
		header := strings.Repeat("x", length-2*20_000-2) + "," + strings.Repeat("y", 20_000) + "," + strings.Repeat("z", 20_000)
		_, err := Inspect(strings.NewReader(header+"\n1,2,3\n"), Options{})
		refusal, ok := errors.AsType[*commands.Refusal](err)
		if ok != refused || ok && refusal.Code != commands.RowTooLong {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
}

// What a proof says of a file may be made up.
func TestAFileThatIsRecordedAsNoneCanBeIsRefused(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]events.File{
		"no separator":     {Encoding: UTF8, Header: []string{"a"}, Rows: 1},
		"two of them":      {Separator: ",;", Encoding: UTF8, Header: []string{"a"}, Rows: 1},
		"another one":      {Separator: "|", Encoding: UTF8, Header: []string{"a"}, Rows: 1},
		"no own columns":   {Separator: ",", Encoding: UTF8, Header: []string{"a"}, Rows: 1, Correction: true},
		"limits below 0":   {Separator: ",", Encoding: UTF8, Header: []string{"a"}, Rows: 1, MaxRecord: -1},
		"no such encoding": {Separator: ",", Encoding: "x", Header: []string{"a"}, Rows: 1},
	} {
		_, err := Reopen(strings.NewReader("a\n1\n"), file)
		if _, refused := errors.AsType[*commands.Refusal](err); !refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}
