package csvfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"importledger/commands"
)

// bom tells which encoding the first bytes of a file announce, and how many
// bytes that takes. Empty: none.
func bom(head []byte) (encoding string, size int) {
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return UTF8, 3
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return UTF16LE, 2
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return UTF16BE, 2
	}
	return "", 0
}

// decide settles the encoding before the first byte is read: guess is true where
// only the bytes can tell UTF-8 from Windows-1252. drop is the size of the byte
// order mark, which is no part of the header.
func decide(given string, head []byte) (encoding string, guess bool, drop int, err error) {
	marked, size := bom(head)
	switch {
	case given == "" && marked == "":
		return UTF8, true, 0, nil
	case given == "" || given == marked:
		return marked, false, size, nil
	case given == Windows1252 && marked == UTF8:
		// Somebody overrules the mark because what follows it is not UTF-8; the
		// mark is not part of the first name all the same.
		return given, false, size, nil
	case marked == UTF16LE || marked == UTF16BE:
		return "", false, 0, refuse(commands.EncodingInvalid,
			"The file begins with the byte order mark of %s, but is to be read as %s. Read it as %s.", marked, given, marked)
	}
	return given, false, 0, nil
}

// unfinished is how many bytes at the end of b begin a rune whose rest is missing.
func unfinished(b []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(b)); n++ {
		if utf8.RuneStart(b[len(b)-n]) {
			if utf8.FullRune(b[len(b)-n:]) {
				return 0
			}
			return n
		}
	}
	return 0
}

// invalidUTF8 is the index of the first byte that is not UTF-8, or -1.
func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

var undefinedIn1252 = [256]bool{0x81: true, 0x8d: true, 0x8f: true, 0x90: true, 0x9d: true}

// undefined1252 is the index of the first byte that is no character of
// Windows-1252, or -1.
func undefined1252(b []byte) int {
	for i, c := range b {
		if undefinedIn1252[c] {
			return i
		}
	}
	return -1
}

func append1252(dst, b []byte) []byte {
	for _, c := range b {
		if c < utf8.RuneSelf {
			dst = append(dst, c)
		} else {
			dst = utf8.AppendRune(dst, charmap.Windows1252.DecodeByte(c))
		}
	}
	return dst
}

func isASCII(b []byte) bool {
	const high = 0x8080808080808080
	for len(b) >= 8 {
		if binary.NativeEndian.Uint64(b)&high != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

var errNotUTF16 = errors.New("not valid UTF-16")

// utf16Reader turns UTF-16 into UTF-8 while it streams. The decoder of
// golang.org/x/text writes U+FFFD for what is no UTF-16; a file that is damaged
// must be refused instead, so it is done here.
type utf16Reader struct {
	src     io.Reader
	order   binary.ByteOrder
	buffer  []byte
	raw     []byte // of buffer, not decoded: half a unit or half a pair
	decoded []byte
	out     []byte // of decoded, not handed out
	err     error
}

func newUTF16Reader(src io.Reader, encoding string) *utf16Reader {
	r := &utf16Reader{src: src, order: binary.LittleEndian, buffer: make([]byte, 16<<10)}
	if encoding == UTF16BE {
		r.order = binary.BigEndian
	}
	return r
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		u.refill()
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

func (u *utf16Reader) refill() {
	kept := copy(u.buffer, u.raw)
	n, err := u.src.Read(u.buffer[kept:])
	u.raw, u.err = u.buffer[:kept+n], err
	u.decoded = u.decoded[:0]
	defer func() { u.out = u.decoded }()
	for len(u.raw) >= 2 {
		unit, size := rune(u.order.Uint16(u.raw)), 2
		if utf16.IsSurrogate(unit) {
			if unit < 0xdc00 && len(u.raw) < 4 {
				break // its other half may come
			}
			size = 4
			if unit < 0xdc00 {
				unit = utf16.DecodeRune(unit, rune(u.order.Uint16(u.raw[2:])))
			}
			if unit == utf8.RuneError || utf16.IsSurrogate(unit) {
				u.err = errNotUTF16
				return
			}
		}
		u.decoded = utf8.AppendRune(u.decoded, unit)
		u.raw = u.raw[size:]
	}
	if u.err == io.EOF && len(u.raw) > 0 {
		u.err = errNotUTF16
	}
}

// Refusals of bytes, with the line that they are in.

func nulByte(line int) error {
	return refuse(commands.EncodingInvalid, "Line %d holds a NUL byte, so it is not plain text. Save the file as CSV in UTF-8; UTF-16 needs a byte order mark.", line)
}

func notUTF8(line int) error {
	return refuse(commands.EncodingInvalid, "Line %d is not valid UTF-8. Save the file as UTF-8, or have it read as %s.", line, Windows1252)
}

func not1252(line int) error {
	return refuse(commands.EncodingInvalid, "Line %d holds a byte that is no character of Windows-1252. Save the file as UTF-8, or give its encoding.", line)
}

func neither(utf8Line, otherLine int) error {
	return refuse(commands.EncodingInvalid, "The file is neither UTF-8 (line %d) nor Windows-1252 (line %d). Save it as UTF-8.", utf8Line, otherLine)
}

func unreadable(line int, err error) error {
	if errors.Is(err, errNotUTF16) {
		return refuse(commands.EncodingInvalid, "Line %d is not valid UTF-16: the file is damaged or cut off. Save it again as UTF-8.", line)
	}
	if refusal, ok := errors.AsType[*commands.Refusal](err); ok {
		return refusal
	}
	return fmt.Errorf("reading CSV near line %d: %w", line, err)
}
