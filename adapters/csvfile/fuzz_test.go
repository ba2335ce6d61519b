package csvfile

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"importledger/aggregate"
)

// Whatever the bytes: no panic, an answer that is a refusal or the facts, and
// Inspect, Read and Skip agree on the rows wherever the file is cut into reads.
func FuzzReader(f *testing.F) {
	files, err := filepath.Glob("testdata/corpus/*.csv")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		file, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file, byte(0), byte(0), byte(0), byte(5))
		f.Add(file, byte(1), byte(4), byte(9), byte(1))
	}
	f.Fuzz(func(t *testing.T, file []byte, separator, encoding, record, chunk byte) {
		o := Options{
			Separator: []byte{0, ',', ';'}[separator%3],
			Encoding:  []string{"", UTF8, UTF16LE, UTF16BE, Windows1252}[encoding%5],
			Limits:    Limits{MaxRecord: int(record), MaxField: int(record) / 2, MaxColumns: 5, MaxRows: 1000},
		}
		facts, err := Inspect(bytes.NewReader(file), o)
		if err != nil {
			if !refused(err) {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		o.Separator, o.Encoding = facts.Separator[0], facts.Encoding
		rows := readRows(t, file, o)
		if unreadable := checkRows(t, rows); len(rows) != facts.Rows || unreadable != facts.Unreadable {
			t.Fatalf("Inspect: %+v; Read: %d rows, %d unreadable", facts, len(rows), unreadable)
		}
		skipTo(t, file, o, rows)

		o.chunk = 1 + int(chunk%16)
		if again := readRows(t, file, o); !reflect.DeepEqual(again, rows) {
			t.Fatalf("read in pieces of %d:\n%+v\nat once:\n%+v", o.chunk, again, rows)
		}
		if again, err := Inspect(bytes.NewReader(file), o); err != nil || again.Rows != facts.Rows {
			t.Fatalf("Inspect again: %+v, %v", again, err)
		}
	})
}

func checkRows(t *testing.T, rows []aggregate.Record) (unreadable int) {
	t.Helper()
	line := 0
	for i, row := range rows {
		if row.Row != i+1 || row.Line <= line {
			t.Fatalf("row %d on line %d after line %d", row.Row, row.Line, line)
		}
		line = row.Line
		if len(row.Fields) == 0 {
			t.Fatalf("row %d has no fields", row.Row)
		}
		for _, field := range row.Fields {
			if !utf8.ValidString(field) || strings.ContainsRune(field, 0) {
				t.Fatalf("row %d: %q", row.Row, field)
			}
		}
		if row.Problem != nil && row.Problem.Code != "row-width" {
			unreadable++
		}
	}
	return unreadable
}

// skipTo checks that Skip comes to the same rows as Read, and to the end.
func skipTo(t *testing.T, file []byte, o Options, rows []aggregate.Record) {
	t.Helper()
	for _, n := range []int{1, len(rows) / 2, len(rows) - 1} {
		r, err := NewReader(bytes.NewReader(file), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Skip(n); err != nil {
			t.Fatalf("Skip(%d) of %d: %v", n, len(rows), err)
		}
		for _, want := range rows[n:] {
			var got aggregate.Record
			if err := r.Read(&got); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("after Skip(%d): %+v, %v; want %+v", n, got, err, want)
			}
		}
		if err := r.Skip(1); err != io.EOF {
			t.Fatalf("Skip past the end: %v", err)
		}
	}
}

// A second, naive reading of the rules comes to the same rows.
func FuzzReference(f *testing.F) {
	f.Add("1,2\n\"x\ny\",z\r\n\"a\"\"b\",\"c\n3,\"\n")
	f.Add("1,\"x\n2,\",y\"\n3,z\n")
	f.Add("\"\"\"\n\"\"\"\r\r\"\"\"")
	f.Fuzz(func(t *testing.T, below string) {
		file := []byte("a,b\n" + below)
		rows, err := readAll(file, Options{Separator: ',', Encoding: UTF8, Limits: Limits{MaxColumns: 1 << 20}})
		if refused(err) {
			return
		}
		want := referenceRows(file, ',')[1:]
		if err != nil || len(rows) != len(want) {
			t.Fatalf("%d rows, %v; want %d", len(rows), err, len(want))
		}
		for i, row := range rows {
			if row.Line != want[i].line || (row.Problem != nil) != want[i].malformed {
				t.Fatalf("%+v, want %+v", row, want[i])
			}
			if row.Problem == nil && !reflect.DeepEqual(row.Fields, want[i].fields) {
				t.Fatalf("%+v, want %+v", row, want[i])
			}
		}
	})
}

func readAll(file []byte, o Options) (rows []aggregate.Record, err error) {
	r, err := NewReader(bytes.NewReader(file), o)
	for err == nil {
		var rec aggregate.Record
		if err = r.Read(&rec); err == nil {
			rows = append(rows, rec)
		}
	}
	if err == io.EOF {
		err = nil
	}
	return rows, err
}

// What Writer writes, Reader reads back.
func FuzzRoundTrip(f *testing.F) {
	f.Add("a\x1fb\x1f\x1ec\"d\x1f\r\n;\x1f,\x1e\x1e", true)
	f.Add("\ufeff\x1f \x1f\"\"", false)
	f.Fuzz(func(t *testing.T, text string, semicolon bool) {
		separator := byte(',')
		if semicolon {
			separator = ';'
		}
		text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "")
		var records [][]string
		for record := range strings.SplitSeq(text, "\x1e") {
			records = append(records, strings.Split(record, "\x1f"))
		}
		var file bytes.Buffer
		w := NewWriter(&file, separator)
		header := make([]string, 100)
		for i := range header {
			header[i] = fmt.Sprint("column ", i)
		}
		for _, record := range append([][]string{header}, records...) {
			if err := w.Write(record); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		rows, err := readAll(file.Bytes(), Options{Separator: separator, Encoding: UTF8, Limits: Limits{MaxColumns: 1 << 20}})
		if err != nil || len(rows) != len(records) {
			t.Fatalf("%d rows of %d, %v\n%q", len(rows), len(records), err, file.String())
		}
		for i, row := range rows {
			if row.Problem != nil || !reflect.DeepEqual(row.Fields, records[i]) {
				t.Fatalf("row %d: %+v, want %q", i+1, row, records[i])
			}
		}
	})
}
