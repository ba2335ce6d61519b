package csvfile

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"importledger/aggregate"
)

// plainFile is a file of rows × columns cells of about ten bytes.
func plainFile(rows, columns int) []byte {
	var b bytes.Buffer
	for c := range columns {
		fmt.Fprintf(&b, "column%d%s", c, ends(c, columns))
	}
	for r := range rows {
		for c := range columns {
			fmt.Fprintf(&b, "r%dc%02d%s", r, c, ends(c, columns))
		}
	}
	return b.Bytes()
}

func ends(c, columns int) string {
	if c == columns-1 {
		return "\n"
	}
	return ";"
}

func benchmarkInspect(b *testing.B, file []byte) {
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		facts, err := Inspect(bytes.NewReader(file), Options{})
		if err != nil || facts.Rows == 0 {
			b.Fatal(facts, err)
		}
	}
}

func benchmarkRead(b *testing.B, file []byte) {
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(file), Options{})
		if err != nil {
			b.Fatal(err)
		}
		var rec aggregate.Record
		for err == nil {
			err = r.Read(&rec)
		}
		if err != io.EOF {
			b.Fatal(err)
		}
	}
}

func BenchmarkInspectA(b *testing.B) { benchmarkInspect(b, plainFile(20_000, 10)) }
func BenchmarkInspectB(b *testing.B) { benchmarkInspect(b, plainFile(20_000, 100)) }
func BenchmarkReadA(b *testing.B)    { benchmarkRead(b, plainFile(20_000, 10)) }
func BenchmarkReadB(b *testing.B)    { benchmarkRead(b, plainFile(20_000, 100)) }

// Worst files of 20 MB: refused or read with the row limit out of the way, so that
// all of them is gone through.
func BenchmarkInspectHostile(b *testing.B) {
	for name, file := range hostileFiles(20_000_000) {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				_, err := Inspect(bytes.NewReader(file), Options{Limits: Limits{MaxRows: 1 << 30}})
				if err != nil && !refused(err) {
					b.Fatal(err)
				}
			}
		})
	}
}
