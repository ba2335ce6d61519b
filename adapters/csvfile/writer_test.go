package csvfile

import (
	"errors"
	"strings"
	"testing"
)

func TestFieldsAreQuotedWhereTheyMustBe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fields []string
		want   string
	}{
		{[]string{"a", "b c", " d "}, "a;b c; d \r\n"},
		{[]string{"a,b", "c;d"}, "a,b;\"c;d\"\r\n"},
		{[]string{`say "hi"`, `"`, ""}, `"say ""hi""";"""";` + "\r\n"},
		{[]string{"a\nb", "c\r\nd", "\r"}, "\"a\nb\";\"c\r\nd\";\"\r\"\r\n"},
		{[]string{""}, "\"\"\r\n"},
		{[]string{"\ufeffa"}, "\"\ufeffa\"\r\n"},
	} {
		var b strings.Builder
		w := NewWriter(&b, ';')
		if err := errors.Join(w.Write(c.fields), w.Flush()); err != nil {
			t.Fatal(err)
		}
		if b.String() != c.want {
			t.Errorf("%q: got %q, want %q", c.fields, b.String(), c.want)
		}
	}
}

type brokenPipe struct{}

var errBroken = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }

func TestAFailedWriteShowsAtTheLatestInFlush(t *testing.T) {
	t.Parallel()
	w := NewWriter(brokenPipe{}, ',')
	if err := w.Write([]string{strings.Repeat("x", 10_000), `"`}); !errors.Is(err, errBroken) {
		t.Errorf("Write: %v", err)
	}
	if err := w.Flush(); !errors.Is(err, errBroken) {
		t.Errorf("Flush: %v", err)
	}
}

func TestHarmlessIsUndoneByRestore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ cell, harmless string }{
		{"=1+1", "'=1+1"}, {"+32", "'+32"}, {"-5", "'-5"}, {"@x", "'@x"}, {"\tx", "'\tx"}, {"\rx", "'\rx"},
		{"'=1", "''=1"}, {"''-", "'''-"},
		{"", ""}, {"'", "'"}, {"'s Hertogenbosch", "'s Hertogenbosch"}, {"a=1", "a=1"}, {" =1", " =1"}, {"'a=", "'a="},
	} {
		if got := Harmless(c.cell); got != c.harmless {
			t.Errorf("Harmless(%q) = %q, want %q", c.cell, got, c.harmless)
		}
	}
	// Every cell of up to six of the characters that matter.
	var all func(cell string, more int)
	all = func(cell string, more int) {
		safe := Harmless(cell)
		if safe != "" && strings.Contains("=+-@\t\r", safe[:1]) {
			t.Fatalf("Harmless(%q) = %q", cell, safe)
		}
		if back := Restore(safe); back != cell {
			t.Fatalf("%q became %q and came back as %q", cell, safe, back)
		}
		if more == 0 {
			return
		}
		for _, c := range "'=+-@\t\rx" {
			all(cell+string(c), more-1)
		}
	}
	all("", 6)
}

func FuzzHarmless(f *testing.F) {
	f.Add("'=1")
	f.Fuzz(func(t *testing.T, cell string) {
		if back := Restore(Harmless(cell)); back != cell {
			t.Fatalf("%q came back as %q", cell, back)
		}
	})
}
