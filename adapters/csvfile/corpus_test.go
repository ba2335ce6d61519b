package csvfile

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"importledger/aggregate"
	"importledger/commands"
)

var update = flag.Bool("update", false, "write what is read as what is expected")

// Each NAME.csv of the corpus has its outcome beside it in NAME.txt, which may
// begin with a line of options.
func TestCorpus(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/corpus/*.csv")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".csv"), func(t *testing.T) {
			t.Parallel()
			file, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			beside := strings.TrimSuffix(name, ".csv") + ".txt"
			want, err := os.ReadFile(beside)
			if err != nil && !*update {
				t.Fatal(err)
			}
			given, _, _ := strings.Cut(string(want), "\n")
			given, isOptions := strings.CutPrefix(given, "options ")
			got := outcome(t, file, parseOptions(t, given, isOptions))
			if isOptions {
				got = "options " + given + "\n" + got
			}
			if *update {
				if err := os.WriteFile(beside, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func parseOptions(t *testing.T, given string, any bool) (o Options) {
	t.Helper()
	if !any {
		return o
	}
	for part := range strings.FieldsSeq(given) {
		name, value, _ := strings.Cut(part, "=")
		n, err := strconv.Atoi(value)
		switch name {
		case "separator":
			o.Separator, err = strings.Replace(value, "tab", "\t", 1)[0], nil
		case "encoding":
			o.Encoding, err = value, nil
		case "max-bytes":
			o.Limits.MaxBytes = int64(n)
		case "max-rows":
			o.Limits.MaxRows = n
		case "max-columns":
			o.Limits.MaxColumns = n
		case "max-field":
			o.Limits.MaxField = n
		case "max-record":
			o.Limits.MaxRecord = n
		default:
			t.Fatalf("option %q", part)
		}
		if err != nil {
			t.Fatalf("option %q: %v", part, err)
		}
	}
	return o
}

// outcome says what comes of a file: what Inspect finds, then the rows as Read
// hands them out to somebody who gives what Inspect found.
func outcome(t *testing.T, file []byte, o Options) string {
	t.Helper()
	facts, err := Inspect(bytes.NewReader(file), o)
	var refusal *commands.Refusal
	if errors.As(err, &refusal) {
		var b strings.Builder
		fmt.Fprintf(&b, "refused %s: %s\n", refusal.Code, refusal.Message)
		for _, d := range refusal.Details {
			fmt.Fprintf(&b, "  row %d column %q: %s\n", d.Row, d.Column, d.Message)
		}
		return b.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "separator %q encoding %s guessed %t rows %d unreadable %d size %d\nheader %q\n",
		facts.Separator, facts.Encoding, facts.EncodingGuessed, facts.Rows, facts.Unreadable, facts.Size, facts.Header)
	o.Separator, o.Encoding = facts.Separator[0], facts.Encoding
	rows := readRows(t, file, o)
	for _, row := range rows {
		fmt.Fprintf(&b, "%d line %d: %q", row.Row, row.Line, row.Fields)
		if p := row.Problem; p != nil {
			fmt.Fprintf(&b, " %s [%s] %s", p.Code, p.Column, p.Message)
		}
		b.WriteString("\n")
	}
	if len(rows) != facts.Rows {
		t.Errorf("Inspect counted %d rows, Read %d", facts.Rows, len(rows))
	}
	return b.String()
}

func readRows(t testing.TB, file []byte, o Options) (rows []aggregate.Record) {
	t.Helper()
	// One byte at a time: where the file is cut into reads must not matter.
	r, err := NewReader(iotest.OneByteReader(bytes.NewReader(file)), o)
	if err != nil {
		t.Fatal(err)
	}
	for {
		var rec aggregate.Record
		if err := r.Read(&rec); err == io.EOF {
			return rows
		} else if err != nil {
			t.Fatalf("row %d: %v", len(rows)+1, err)
		}
		rows = append(rows, rec)
	}
}
