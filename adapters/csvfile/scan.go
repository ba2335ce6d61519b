package csvfile

import (
	"bytes"
	"io"
	"unicode/utf8"

	"importledger/events"
)

// span is a field: where its text stands in the record, without its quotes.
type span struct {
	from, to int32
	doubled  int32 // quotes that are written twice
}

// scanner finds records and their fields in a window. Each turn is scan, then
// pass; what scan found is valid until pass.
//
// Reading goes on at the line after a malformed record's first line, so lines are
// scanned again. That stays linear: while no fault is found, being inside quotes
// is the parity of the quotes so far, so every line that lies wholly inside a
// quoted field has an even number of them. Scanned again from its beginning such a
// line ends, or fails, within itself and cannot start another long look ahead.
type scanner struct {
	window
	separator  byte
	special    [256]bool // separator, quote, CR, LF
	maxField   int
	maxColumns int  // that are kept of a record: those of the widest header
	inHeader   bool // too many columns end the reading at once

	spans  []span // at most one more than maxColumns
	fields int    // all of them
	size   int    // of the record without its line break; not set for faults from recordTooLong on
	quoted bool   // some field is quoted
	fault  fault
	at     int // the field, from 0, that has the fault
	lines  int // how many lines below the record's first the fault shows

	scratch []byte
}

func (s *scanner) separateBy(sep byte) {
	s.separator = sep
	s.special = [256]bool{'"': true, '\r': true, '\n': true}
	s.special[sep] = true
}

// scan looks at the next record, past empty lines. io.EOF: there is none.
func (s *scanner) scan() error {
	for s.passLineBreak() {
	}
	if s.start == s.end {
		return s.err
	}
	s.spans, s.fields, s.fault, s.quoted = s.spans[:0], 0, sound, false
	for pos := 0; ; {
		f, next, found := s.field(pos)
		data := s.view()
		if next == len(data) {
			switch {
			case next > s.maxRecord:
				if found != unclosedQuote || lineBreaks(data[f.from:]) == 0 {
					found = recordTooLong
				}
			case s.err != io.EOF:
				return s.err
			}
		}
		if found == sound && int(f.to-f.from-f.doubled) > s.maxField {
			found = fieldTooLong
		}
		if found > s.fault {
			s.fault, s.at = found, s.fields
			s.lines = lineBreaks(data[:next])
		}
		if s.fault >= recordTooLong {
			return nil
		}
		if len(s.spans) <= s.maxColumns {
			s.spans = append(s.spans, f)
		}
		s.fields++
		if s.inHeader && s.fields > s.maxColumns {
			return tooManyColumns(s.maxColumns - len(events.ErrorColumns))
		}
		if next == len(data) || data[next] != s.separator {
			s.size = next
			return nil
		}
		pos = next + 1
	}
}

// field finds the field that begins at pos, and the offset of what ends it: a
// separator, a line break, or the end of the view.
func (s *scanner) field(pos int) (f span, next int, found fault) {
	data := s.view()
	if pos == len(data) && s.more() {
		data = s.view()
	}
	if pos < len(data) && data[pos] == '"' {
		return s.quotedField(pos)
	}
	for next = pos; ; {
		for next < len(data) && !s.special[data[next]] {
			next++
		}
		if next < len(data) || !s.more() {
			break
		}
		data = s.view()
	}
	if next < len(data) && data[next] == '"' {
		found = bareQuote
	}
	return span{from: int32(pos), to: int32(next)}, next, found
}

func (s *scanner) quotedField(pos int) (f span, next int, found fault) {
	s.quoted = true
	f.from = int32(pos + 1)
	data := s.view()
	for next = pos + 1; ; {
		quote := bytes.IndexByte(data[next:], '"')
		if quote < 0 {
			next = len(data)
			if !s.more() {
				f.to = int32(next)
				return f, next, unclosedQuote
			}
			data = s.view()
			continue
		}
		next += quote + 1
		if next == len(data) && s.more() {
			data = s.view()
		}
		if next == len(data) || data[next] != '"' {
			break
		}
		next++
		f.doubled++
	}
	f.to = int32(next - 1)
	if next < len(data) && (data[next] == '"' || !s.special[data[next]]) {
		found = textAfterQuote
	}
	return f, next, found
}

// pass goes past the record that scan found.
func (s *scanner) pass() {
	if s.fault >= recordTooLong {
		s.passLine()
		return
	}
	if s.quoted {
		s.line += lineBreaks(s.buf[s.start : s.start+s.size])
	}
	s.start += s.size
	s.passLineBreak()
}

// appendFields appends the record's fields as UTF-8. They share the memory of one
// string, which is all that is allocated.
func (s *scanner) appendFields(dst []string) []string {
	record := s.view()[:s.spans[len(s.spans)-1].to]
	plain := s.encoding != Windows1252 || isASCII(record)
	for i := 0; plain && s.quoted && i < len(s.spans); i++ {
		plain = s.spans[i].doubled == 0
	}
	if plain {
		text := string(record)
		for _, f := range s.spans {
			dst = append(dst, text[f.from:f.to])
		}
		return dst
	}
	s.scratch = s.scratch[:0]
	for i, f := range s.spans {
		from := len(s.scratch)
		s.scratch = s.appendText(s.scratch, record[f.from:f.to], f.doubled > 0)
		s.spans[i] = span{from: int32(from), to: int32(len(s.scratch))}
	}
	text := string(s.scratch)
	for _, f := range s.spans {
		dst = append(dst, text[f.from:f.to])
	}
	return dst
}

func (s *scanner) appendText(dst, field []byte, doubled bool) []byte {
	for doubled {
		quote := bytes.IndexByte(field, '"')
		if quote < 0 {
			break
		}
		dst = s.appendDecoded(dst, field[:quote+1])
		field = field[quote+2:]
	}
	return s.appendDecoded(dst, field)
}

func (s *scanner) appendDecoded(dst, b []byte) []byte {
	if s.encoding == Windows1252 {
		return append1252(dst, b)
	}
	return append(dst, b...)
}

// firstLine is the record's first line as it stands, as far as a field may be long.
func (s *scanner) firstLine() string {
	most := s.maxField + utf8.UTFMax
	for !bytes.ContainsAny(s.view(), "\r\n") && len(s.view()) < most && s.more() {
	}
	line := s.view()
	end := bytes.IndexAny(line, "\r\n")
	if end < 0 {
		end = len(line)
	}
	text := s.appendDecoded(nil, line[:min(end, most)])
	text = text[:min(len(text), s.maxField)]
	return string(text[:len(text)-unfinished(text)])
}
