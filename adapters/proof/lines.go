package proof

import (
	"bufio"
	"errors"
	"io"
)

// lines reads a file line by line in memory that does not grow with it.
type lines struct {
	r      *bufio.Reader
	number int // of the line read last, from 1
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, maxLine)} }

var (
	errLineTooLong = errors.New("the line is longer than any line of a proof")
	errLineCut     = errors.New("the line does not end: the file was cut off")
)

// next gives the next line with its LF, good until the line after it is read; io.EOF
// behind the last. A line that is too long is read past, and reported with how it begins.
func (l *lines) next(each func([]byte)) ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	if len(line) > 0 {
		l.number++
		each(line)
	}
	switch {
	case err == nil:
		return line, nil
	case errors.Is(err, bufio.ErrBufferFull):
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = l.r.ReadSlice('\n')
			each(line)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, errLineTooLong
	case errors.Is(err, io.EOF) && len(line) > 0:
		return line, errLineCut
	}
	return nil, err
}
