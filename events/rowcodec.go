package events

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Row events are nearly all of the log, so RowAccepted is written and read by
// hand. The bytes are the same JSON that encoding/json would write, and anything
// that does not look like it is left to encoding/json.

func encodeRowAccepted(e Event) ([]byte, error) {
	r := e.(RowAccepted)
	if r.Event != nil {
		return json.Marshal(r)
	}
	buf := make([]byte, 0, 96+len(r.Contact.Attributes))
	buf = append(buf, `{"row":`...)
	buf = strconv.AppendInt(buf, int64(r.Row), 10)
	buf = append(buf, `,"line":`...)
	buf = strconv.AppendInt(buf, int64(r.Line), 10)
	buf = append(buf, `,"contact":{"nxId":"`...)
	buf = append(buf, r.Contact.NxID.String()...)
	buf = append(buf, `","attributes":`...)
	if len(r.Contact.Attributes) == 0 {
		buf = append(buf, "null"...)
	} else {
		buf = append(buf, r.Contact.Attributes...)
	}
	return append(buf, "}}"...), nil
}

func decodeRowAccepted(data []byte) (Event, error) {
	if r, ok := scanRowAccepted(data); ok {
		return r, nil
	}
	var r RowAccepted
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, err
	}
	return r, nil
}

// scanRowAccepted reads exactly what encodeRowAccepted writes for a row without
// an event; ok is false for everything else. Attributes shares data's memory.
func scanRowAccepted(data []byte) (r RowAccepted, ok bool) {
	s := scanner{rest: data}
	s.literal(`{"row":`)
	r.Row = s.number()
	s.literal(`,"line":`)
	r.Line = s.number()
	s.literal(`,"contact":{"nxId":"`)
	id, err := uuid.ParseBytes(s.take(36))
	s.literal(`","attributes":`)
	r.Contact.NxID = id
	r.Contact.Attributes = s.flatObject()
	s.literal(`}}`)
	return r, err == nil && !s.failed && len(s.rest) == 0
}

// scanner reads expected bytes off a text; the first surprise sets failed.
type scanner struct {
	rest   []byte
	failed bool
}

func (s *scanner) literal(want string) {
	if s.failed || len(s.rest) < len(want) || string(s.rest[:len(want)]) != want {
		s.failed = true
		return
	}
	s.rest = s.rest[len(want):]
}

func (s *scanner) take(n int) []byte {
	if s.failed || len(s.rest) < n {
		s.failed = true
		return nil
	}
	b := s.rest[:n:n]
	s.rest = s.rest[n:]
	return b
}

func (s *scanner) number() int {
	n, i := 0, 0
	for ; i < len(s.rest) && i < 18 && '0' <= s.rest[i] && s.rest[i] <= '9'; i++ {
		n = n*10 + int(s.rest[i]-'0')
	}
	if i == 0 {
		s.failed = true
	}
	s.rest = s.rest[i:]
	return n
}

// flatObject takes one object that has no object inside it, which is all that
// attributes ever are: it ends at the first brace outside a string.
func (s *scanner) flatObject() []byte {
	if s.failed || len(s.rest) == 0 || s.rest[0] != '{' {
		s.failed = true
		return nil
	}
	for i := 1; i < len(s.rest); {
		switch s.rest[i] {
		case '}':
			return s.take(i + 1)
		case '"':
			end := stringEnd(s.rest[i+1:])
			if end < 0 {
				s.failed = true
				return nil
			}
			i += 1 + end + 1
		case '{', '[':
			s.failed = true
			return nil
		default:
			i++
		}
	}
	s.failed = true
	return nil
}

// stringEnd finds the closing quote of a JSON string whose opening one is before b.
func stringEnd(b []byte) int {
	for i := 0; ; {
		q := bytes.IndexByte(b[i:], '"')
		if q < 0 {
			return -1
		}
		q += i
		backslashes := 0
		for j := q - 1; j >= 0 && b[j] == '\\'; j-- {
			backslashes++
		}
		if backslashes%2 == 0 {
			return q
		}
		i = q + 1
	}
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string (RFC 8259 §7). Bytes that are not
// UTF-8 become U+FFFD.
func AppendString(buf []byte, s string) []byte {
	buf = append(buf, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				buf = append(append(buf, s[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		buf = append(buf, s[from:i]...)
		switch c {
		case '"', '\\':
			buf = append(buf, '\\', c)
		case '\n':
			buf = append(buf, '\\', 'n')
		case '\r':
			buf = append(buf, '\\', 'r')
		case '\t':
			buf = append(buf, '\\', 't')
		default:
			buf = append(buf, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(buf, s[from:]...), '"')
}
