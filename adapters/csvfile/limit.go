package csvfile

import "io"

// LimitBytes reads from r until more than limit bytes have come, then fails with
// the file-too-large refusal: for checking a file while it streams in.
func LimitBytes(r io.Reader, limit int64) io.Reader {
	return &limitedReader{r: r, limit: limit}
}

type limitedReader struct {
	r     io.Reader
	limit int64
	seen  int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.seen > l.limit {
		return 0, fileTooLarge(l.limit)
	}
	// One byte more than allowed tells a file at the limit from one over it.
	if room := l.limit - l.seen + 1; int64(len(p)) > room {
		p = p[:room]
	}
	n, err := l.r.Read(p)
	l.seen += int64(n)
	if l.seen > l.limit {
		return n - 1, fileTooLarge(l.limit)
	}
	return n, err
}
