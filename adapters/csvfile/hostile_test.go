package csvfile

import (
	"bytes"
	"errors"
	"runtime"
	"testing"

	"importledger/commands"
)

func refused(err error) bool {
	var refusal *commands.Refusal
	return errors.As(err, &refusal)
}

// hostileFiles are files of n bytes that are expensive for a careless reader.
func hostileFiles(n int) map[string][]byte {
	repeat := func(head, unit string) []byte {
		return append([]byte(head), bytes.Repeat([]byte(unit), (n-len(head))/len(unit))...)
	}
	return map[string][]byte{
		"commas":                      repeat("", ","),
		"commas below a header":       repeat("a,b\n", ","),
		"quotes":                      repeat("", `"`),
		"quotes below a header":       repeat("a,b\n", `"`),
		"one line":                    repeat("", "x"),
		"one line below a header":     repeat("a,b\n", "x"),
		"quotes and line breaks":      repeat("a,b\n", "\"\n"),
		"a quote opens every line":    repeat("a,b\n", "\"x\n"),
		"one quote, then short lines": repeat("a,b\n\"", "x\n"),
		"a quote ends every line":     repeat("a,b\n", "x,\"\n"),
		"three quotes every line":     repeat("a,b\n", "\"\"\"\n"),
		"a lone quote every 99 lines": repeat("a,b\n", "\"x\n"+string(bytes.Repeat([]byte("y\"\"\n"), 99))),
		"a lone quote every 9999":     repeat("a,b\n", "\"x\n"+string(bytes.Repeat([]byte("\"y\"\n"), 9999))),
		"carriage returns":            repeat("a,b\n", "\r"),
		"quoted carriage returns":     repeat("a,b\n\"", "\r"),
		"bare quotes, CR only":        repeat("a,b\r", "x\"\r"),
		"line breaks":                 repeat("", "\n"),
		"spaces":                      repeat("", " "),
		"not UTF-8":                   repeat("a,b\n", "\xe9\n"),
		"NUL":                         repeat("a,b\n", "\x00"),
		"half a pair of UTF-16":       repeat("\xff\xfea\x00\n\x00", "\x00\xd8"),
		"UTF-16 of quotes":            repeat("\xff\xfea\x00\n\x00", "\"\x00"),
		"rows of 60 KiB fields":       repeat("a,b\n", "\""+string(bytes.Repeat([]byte("\n"), 60<<10))+"\",1\n"),
		"rows just over a record":     repeat("a,b\n", "\""+string(bytes.Repeat([]byte("\n"), 1<<20))+"\"\n"),
	}
}

// Nothing that a file holds makes the reader allocate more than a few records.
func TestMemoryIsBoundedWhateverTheFile(t *testing.T) {
	for name, file := range hostileFiles(20_000_000) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Inspect(bytes.NewReader(file), Options{Limits: Limits{MaxRows: 1 << 30}})
		runtime.ReadMemStats(&after)
		if err != nil && !refused(err) {
			t.Errorf("%s: %v", name, err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
			t.Errorf("%s: %d bytes allocated in all, want at most 8 MiB", name, got)
		}
	}
}
