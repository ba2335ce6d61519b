package csvfile

import (
	"bufio"
	"io"
	"strings"
)

// Writer writes CSV that Reader reads back unchanged: RFC 4180 with CRLF line
// ends, fields quoted where they must be, UTF-8 without a byte order mark. Line
// breaks inside fields are written as they are, which encoding/csv does not do
// when it ends lines with CRLF.
type Writer struct {
	w       *bufio.Writer
	sep     byte
	special string
}

// NewWriter writes to w with fields separated by separator.
func NewWriter(w io.Writer, separator byte) *Writer {
	return &Writer{w: bufio.NewWriter(w), sep: separator, special: "\"\r\n" + string(rune(separator))}
}

// Mark begins the file with a byte order mark: spreadsheets need it to know UTF-8.
func (w *Writer) Mark() { w.text("\ufeff") }

// Write writes one record. Errors of the underlying writer may only show in Flush.
func (w *Writer) Write(fields []string) error {
	for i, field := range fields {
		if i > 0 {
			w.put(w.sep)
		}
		// A record of one empty field would be an empty line, which is no row; a
		// byte order mark that belongs to a name would be taken off the file.
		if len(fields) == 1 && field == "" || strings.HasPrefix(field, "\ufeff") || strings.ContainsAny(field, w.special) {
			w.quote(field)
		} else {
			w.text(field)
		}
	}
	_, err := w.w.WriteString("\r\n")
	return err
}

// Flush hands on what is still buffered, and returns the first error of all writes.
func (w *Writer) Flush() error { return w.w.Flush() }

func (w *Writer) quote(field string) {
	w.put('"')
	for {
		i := strings.IndexByte(field, '"')
		if i < 0 {
			break
		}
		w.text(field[:i+1])
		w.put('"')
		field = field[i+1:]
	}
	w.text(field)
	w.put('"')
}

// bufio.Writer keeps its first error and returns it from every later call, so the
// line end and Flush report what happens in these two.

func (w *Writer) put(c byte) { w.w.WriteByte(c) }

func (w *Writer) text(s string) { w.w.WriteString(s) }
