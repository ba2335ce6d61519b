package csvfile

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strings"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// Reader hands out the rows of a file, in order. It is not safe for concurrent use.
type Reader struct {
	scan       scanner
	received   *limitedReader
	limits     Limits
	names      []string // of the columns, as they stand in the file
	namesIn    string   // the encoding that names were read in
	header     []string // names, trimmed and restored
	correction bool     // see Facts
	rows       int
	unreadable int
}

// NewReader settles separator and encoding where they are not given, and reads
// the header. A file rule that is broken by then is returned as *commands.Refusal.
//
// Without an encoding, and without a byte order mark, only the beginning of the
// file decides between UTF-8 and Windows-1252; bytes further on that are not UTF-8
// are then refused. Inspect sees all of a file: give the encoding that it found.
func NewReader(r io.Reader, o Options) (*Reader, error) {
	reader, err := open(r, o)
	if err != nil {
		return nil, err
	}
	reader.scan.guess = false
	if err := reader.settleNames(); err != nil {
		return nil, err
	}
	return reader, nil
}

func open(r io.Reader, o Options) (*Reader, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	limits := o.Limits.orDefaults()
	reader := &Reader{limits: limits, received: &limitedReader{r: r, limit: limits.MaxBytes}}
	s := &reader.scan
	s.maxField, s.maxColumns = limits.MaxField, limits.MaxColumns+len(events.ErrorColumns)
	s.window = window{line: 1, chunk: cmp.Or(o.chunk, 64<<10), maxRecord: limits.MaxRecord}

	head := make([]byte, 3)
	n, err := io.ReadFull(reader.received, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, unreadable(1, err)
	}
	encoding, guess, drop, err := decide(o.Encoding, head[:n])
	if err != nil {
		return nil, err
	}
	s.encoding, s.guess = encoding, guess
	s.src = io.MultiReader(bytes.NewReader(head[drop:n]), reader.received)
	if encoding == UTF16LE || encoding == UTF16BE {
		s.src = newUTF16Reader(s.src, encoding)
	}

	s.fill()
	if o.Separator == 0 {
		if o.Separator, err = s.sniff(); err != nil {
			return nil, err
		}
	}
	s.separateBy(o.Separator)
	if err := reader.readHeader(); err != nil {
		return nil, err
	}
	return reader, nil
}

func (r *Reader) readHeader() error {
	s := &r.scan
	s.inHeader = true
	err := s.scan()
	s.inHeader = false
	switch {
	case err == io.EOF:
		return fileEmpty()
	case err != nil:
		return err
	case s.fault != sound:
		code, message, _ := s.describeFault()
		return refuse(code, "The header (line %d) cannot be read. %s", s.line, message)
	case s.size > maxHeader:
		return refuse(commands.RowTooLong, "The header (line %d) is longer than %s bytes. Give the columns shorter names.", s.line, grouped(maxHeader))
	}
	r.names, r.namesIn = s.appendFields(nil), s.encoding
	s.pass()
	return r.nameColumns()
}

// settleNames reads the names again where they were taken for UTF-8 and a byte
// further on has shown that the file is not.
func (r *Reader) settleNames() error {
	if r.namesIn == r.scan.encoding {
		return nil
	}
	for i, name := range r.names {
		r.names[i] = string(append1252(nil, []byte(name)))
	}
	r.namesIn = r.scan.encoding
	return r.nameColumns()
}

func (r *Reader) nameColumns() error {
	r.header = make([]string, len(r.names))
	for i, name := range r.names {
		r.header[i] = strings.TrimSpace(name)
	}
	own := len(r.header) - len(events.ErrorColumns)
	if r.correction = own > 0 && slices.Equal(r.header[own:], events.ErrorColumns); r.correction {
		restoreAll(r.header)
	} else {
		own = len(r.header)
	}
	if own > r.limits.MaxColumns {
		return tooManyColumns(r.limits.MaxColumns)
	}
	return checkHeader(r.header)
}

func restoreAll(cells []string) {
	for i, cell := range cells {
		cells[i] = Restore(cell)
	}
}

// Header is the columns' names, trimmed.
func (r *Reader) Header() []string { return slices.Clone(r.header) }

// Facts are what is known so far; Rows and Size count what was read.
func (r *Reader) Facts() Facts {
	return Facts{
		Separator:       string(rune(r.scan.separator)),
		Encoding:        r.scan.encoding,
		EncodingGuessed: r.scan.notUTF8 > 0,
		Header:          r.Header(),
		Correction:      r.correction,
		Rows:            r.rows,
		Unreadable:      r.unreadable,
		Size:            min(r.received.seen, r.limits.MaxBytes),
		MaxField:        r.limits.MaxField,
		MaxRecord:       r.limits.MaxRecord,
	}
}

// Read reads the next row into rec, reusing the memory of rec.Fields; the strings
// stay valid after further calls and share memory with each other. At the end it
// returns io.EOF, and *commands.Refusal where the file breaks a rule.
//
// A row that cannot be read has a Problem, and as its only field its first line
// as it stands in the file. A row with more fields than any header may have has a
// Problem too, and its first fields.
func (r *Reader) Read(rec *aggregate.Record) error {
	if err := r.next(); err != nil {
		return err
	}
	s := &r.scan
	rec.Row, rec.Line = r.rows, s.line
	if s.fault != sound {
		line := s.firstLine()
		rec.Fields = append(rec.Fields[:0], line)
		rec.Problem = r.problem(line)
	} else {
		rec.Fields = s.appendFields(rec.Fields[:0])
		rec.Problem = r.tooWide()
		if r.correction {
			restoreAll(rec.Fields)
		}
	}
	s.pass()
	return nil
}

// Skip goes past n rows, counting as Read does. It returns io.EOF when the file
// has fewer.
func (r *Reader) Skip(n int) error {
	for range n {
		if err := r.next(); err != nil {
			return err
		}
		r.scan.pass()
	}
	return nil
}

// next scans the next row and counts it.
func (r *Reader) next() error {
	if err := r.scan.scan(); err != nil {
		return err
	}
	if r.rows == r.limits.MaxRows {
		return tooManyRows(r.limits.MaxRows)
	}
	r.rows++
	if r.scan.fault != sound {
		r.unreadable++
	}
	return nil
}

// problem says why the row that was scanned cannot be read.
func (r *Reader) problem(line string) *events.RowError {
	code, message, ofField := r.scan.describeFault()
	p := &events.RowError{Code: code, Message: message, Value: shortened(line)}
	if ofField && r.scan.at < len(r.header) {
		p.Column = r.header[r.scan.at]
	}
	return p
}

// tooWide is the problem of a row whose fields were not all kept.
func (r *Reader) tooWide() *events.RowError {
	if r.scan.fields <= r.scan.maxColumns {
		return nil
	}
	problem := aggregate.RowWidth(r.scan.fields, len(r.header))
	return &problem
}
