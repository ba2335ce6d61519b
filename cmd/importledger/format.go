package main

import (
	"strings"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

var english = message.NewPrinter(language.English)

// number writes a count with thousands separators.
func number[N int | int64](n N) string { return english.Sprintf("%d", n) }

func plural[N int | int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + one + "s"
}

func byteSize(n int64) string {
	switch {
	case n >= 1e9:
		return english.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return english.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return english.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return plural(n, "byte")
}

// localTime writes milliseconds of the Unix epoch in the reader's own zone.
func localTime(ms int64) string {
	return time.UnixMilli(ms).Local().Format("2006-01-02 15:04:05")
}

func took(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return english.Sprintf("%d ms", max(1, d.Milliseconds()))
	case d < 10*time.Second:
		return english.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return english.Sprintf("%.0f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// printable makes one harmless line of text that came from a file or a server:
// line breaks are shown as a sign, what could steer a terminal is replaced.
func printable(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r':
			return '↵'
		case r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar:
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// printableLines is printable over several lines.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

// cut shortens text to a width in columns of a terminal.
func cut(s string, width int) string { return runewidth.Truncate(printable(s), width, "…") }

// shellWord quotes what a shell would not take as one plain word.
func shellWord(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./:@%+,", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(printable(s), "'", `'\''`) + "'"
}
