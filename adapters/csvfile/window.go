package csvfile

import (
	"bytes"
	"io"
)

// window is the part of the file that is in memory: from the record that is being
// read on. It only ever shows bytes that are known to be text, as UTF-8 or as
// Windows-1252, and grows to one record's limit, never with the file.
type window struct {
	src   io.Reader
	buf   []byte
	start int   // where the record that is being read begins
	end   int   // up to here bytes are checked; this is where the window ends
	read  int   // up to here bytes are read
	line  int   // of start, from 1
	err   error // why nothing comes after end: io.EOF, a refusal, a broken disk

	chunk     int // how many bytes are read at once, at least
	maxRecord int
	encoding  string
	guess     bool // the encoding is UTF-8 until a byte says otherwise
	notUTF8   int  // line of that byte, since which Windows-1252 is assumed; 0: none came
	not1252   int  // while guessing: line of the first byte that Windows-1252 has no character for; 0: none
}

// view is the record that is being read as far as it is in memory, and at most
// one byte more than a record may be long.
func (w *window) view() []byte {
	return w.buf[w.start:min(w.end, w.start+w.maxRecord+1)]
}

// more makes view longer, and makes every earlier view invalid either way. It returns false when that cannot be: the record is
// too long already, or w.err says why nothing follows.
func (w *window) more() bool {
	return w.end-w.start <= w.maxRecord && w.fill()
}

// fill brings at least one more byte into the window, or returns false with w.err set.
func (w *window) fill() bool {
	end := w.end - w.start
	for w.err == nil && w.end-w.start == end {
		w.makeRoom()
		n, err := io.ReadFull(w.src, w.buf[w.read:])
		w.read += n
		if err == io.ErrUnexpectedEOF {
			err = io.EOF
		}
		w.admit(err)
	}
	return w.end-w.start > end
}

func (w *window) makeRoom() {
	if w.start > 0 && len(w.buf)-w.read < w.chunk {
		copy(w.buf, w.buf[w.start:w.read])
		w.end -= w.start
		w.read -= w.start
		w.start = 0
	}
	if len(w.buf)-w.read < w.chunk {
		// A record's limit, a rune that is not complete, and a chunk.
		most := w.maxRecord + 8 + w.chunk
		grown := make([]byte, min(max(2*len(w.buf), w.read+w.chunk), most))
		copy(grown, w.buf[:w.read])
		w.buf = grown
	}
}

// admit moves the window's end over the bytes that were read, up to the first
// that is not text. then is why the reading stopped, or nil.
func (w *window) admit(then error) {
	fresh, last := w.buf[w.end:w.read], then == io.EOF
	if then != nil && then != io.EOF {
		then = unreadable(w.lineAt(w.read), then)
	}
	if i := bytes.IndexByte(fresh, 0); i >= 0 {
		fresh, last, then = fresh[:i], true, nulByte(w.lineAt(w.end+i))
	}
	if w.encoding != Windows1252 {
		text := fresh
		if !last {
			text = fresh[:len(fresh)-unfinished(fresh)]
		}
		bad := w.checkUTF8(text)
		if bad < 0 {
			w.end, w.err = w.end+len(text), then
			return
		}
		line := w.lineAt(w.end + bad)
		switch {
		case !w.guess:
			w.end, w.err = w.end+bad, notUTF8(line)
			return
		case w.not1252 > 0:
			w.end, w.err = w.end+bad, neither(line, w.not1252)
			return
		}
		w.encoding, w.guess, w.notUTF8 = Windows1252, false, line
	}
	if i := undefined1252(fresh); i >= 0 {
		then = not1252(w.lineAt(w.end + i))
		if w.notUTF8 > 0 {
			then = neither(w.notUTF8, w.lineAt(w.end+i))
		}
		fresh = fresh[:i]
	}
	w.end, w.err = w.end+len(fresh), then
}

// checkUTF8 returns the index of the first byte that is not UTF-8, or -1, and
// remembers what would forbid Windows-1252 later.
func (w *window) checkUTF8(text []byte) int {
	if isASCII(text) {
		return -1
	}
	bad := invalidUTF8(text)
	if w.guess && w.not1252 == 0 {
		before := text
		if bad >= 0 {
			before = text[:bad]
		}
		if i := undefined1252(before); i >= 0 {
			w.not1252 = w.lineAt(w.end + i)
		}
	}
	return bad
}

// lineAt is the line of the byte at buf[i], i not before start.
func (w *window) lineAt(i int) int { return w.line + lineBreaks(w.buf[w.start:i]) }

// lineBreaks counts LF, CRLF and CR, each as one.
func lineBreaks(b []byte) int {
	n := bytes.Count(b, []byte{'\n'})
	for {
		i := bytes.IndexByte(b, '\r')
		if i < 0 {
			return n
		}
		b = b[i+1:]
		if len(b) == 0 || b[0] != '\n' {
			n++
		}
	}
}

// passLineBreak goes past the line break at start, if there is one.
func (w *window) passLineBreak() bool {
	if w.start == w.end && !w.fill() {
		return false
	}
	size := 0
	switch w.buf[w.start] {
	case '\n':
		size = 1
	case '\r':
		size = 1
		if (w.start+1 < w.end || w.fill()) && w.buf[w.start+1] == '\n' {
			size = 2
		}
	default:
		return false
	}
	w.start += size
	w.line++
	return true
}

// passLine goes to the beginning of the next line.
func (w *window) passLine() {
	for {
		if i := bytes.IndexAny(w.buf[w.start:w.end], "\r\n"); i >= 0 {
			w.start += i
			w.passLineBreak()
			return
		}
		w.start = w.end
		if !w.fill() {
			return
		}
	}
}
