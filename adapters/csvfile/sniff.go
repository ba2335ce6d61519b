package csvfile

import (
	"bytes"
	"io"
)

// sniffed is how the first records look when they are split by one separator.
type sniffed struct {
	separator byte
	supported bool
	columns   int // of the header; 0: it is malformed
	rows      int
	alike     int // rows that are well formed and as wide as the header
}

// sniff finds the separator from the header and the first rows, with quotes
// respected. It refuses a file that is separated by something else than , or ;.
func (s *scanner) sniff() (byte, error) {
	best := s.try(',')
	for _, sep := range []byte{';', '\t', '|'} {
		if c := s.try(sep); c.betterThan(best) {
			best = c
		}
	}
	// Colons are too common inside text to be asked while anything else will do.
	if c := s.try(':'); !best.splits() && c.betterThan(best) {
		best = c
	}
	if !best.supported {
		return 0, separatorUnsupported(best.separator)
	}
	return best.separator, nil
}

func (s *scanner) try(sep byte) sniffed {
	const rows = 20
	sample := s.buf[s.start:s.end]
	if s.err != io.EOF {
		// What is in memory may end in the middle of a line.
		if i := bytes.LastIndexAny(sample, "\r\n"); i > 0 {
			sample = sample[:i]
		}
	}
	found := sniffed{separator: sep, supported: sep == ',' || sep == ';'}
	t := &scanner{maxField: s.maxField}
	t.window = window{buf: sample, end: len(sample), line: 1, err: io.EOF, maxRecord: len(sample)}
	t.separateBy(sep)
	if t.scan() != nil || t.fault >= recordTooLong {
		return found
	}
	found.columns = t.fields
	for t.pass(); found.rows < rows && t.scan() == nil; t.pass() {
		found.rows++
		if t.fault < recordTooLong && t.fields == found.columns {
			found.alike++
		}
	}
	return found
}

// betterThan ranks by what is least likely to come about by chance: that there are
// columns at all, that most rows agree with the header, that there are more
// columns. A separator that is not supported needs rows that agree. The last resort
// is that , is common inside text and ; is not.
func (a sniffed) betterThan(b sniffed) bool {
	switch {
	case !a.supported && !(a.splits() && a.agrees()):
		return false
	case a.splits() != b.splits():
		return a.splits()
	case a.agrees() != b.agrees():
		return a.agrees()
	case a.columns != b.columns:
		return a.columns > b.columns
	case a.supported != b.supported:
		return a.supported
	case a.alike != b.alike:
		return a.alike > b.alike
	}
	return a.separator == ';' && a.splits()
}

func (a sniffed) splits() bool { return a.columns > 1 }

func (a sniffed) agrees() bool { return a.columns > 0 && 2*a.alike >= a.rows }
