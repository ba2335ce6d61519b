package csvfile

import (
	"bytes"
	"strings"
)

// referenceRow is a row as the rules have it: its line, and its fields or none
// when it is malformed.
type referenceRow struct {
	line      int
	fields    []string
	malformed bool
}

// referenceRows reads UTF-8 without a byte order mark and without limits as the
// package comment says, with the whole file in memory and one character at a time.
func referenceRows(file []byte, sep byte) (rows []referenceRow) {
	lines := referenceLines(file)
	for at := 0; at < len(lines); {
		if strings.Trim(lines[at], "\r\n") == "" {
			at++
			continue
		}
		fields, used, ok := referenceRecord(lines[at:], sep)
		rows = append(rows, referenceRow{line: at + 1, fields: fields, malformed: !ok})
		at += used
	}
	return rows
}

// referenceLines cuts a file into lines that keep their line breaks.
func referenceLines(file []byte) (lines []string) {
	for len(file) > 0 {
		n := bytes.IndexAny(file, "\r\n") + 1
		if n == 0 {
			n = len(file)
		} else if bytes.HasPrefix(file[n-1:], []byte("\r\n")) {
			n++
		}
		lines, file = append(lines, string(file[:n])), file[n:]
	}
	return lines
}

// referenceRecord reads one record and says how many lines it takes; malformed
// ones take one.
func referenceRecord(lines []string, sep byte) (fields []string, used int, ok bool) {
	const (
		begins = iota
		unquoted
		quoted
		quoteInQuoted
	)
	state, field := begins, ""
	for n, line := range lines {
		for i := range len(line) {
			c := line[i]
			isEnd := c == '\r' || c == '\n'
			switch {
			case state == quoted && c == '"':
				state = quoteInQuoted
			case state == quoted:
				field += asText(c)
			case state == quoteInQuoted && c == '"':
				field, state = field+`"`, quoted
			case c == sep:
				fields, field, state = append(fields, field), "", begins
			case isEnd:
				return append(fields, field), n + 1, true
			case state == begins && c == '"':
				state = quoted
			case state == quoteInQuoted || c == '"':
				return nil, 1, false
			default:
				field, state = field+asText(c), unquoted
			}
		}
	}
	if state == quoted {
		return nil, 1, false
	}
	return append(fields, field), len(lines), true
}

func asText(c byte) string { return string([]byte{c}) }
