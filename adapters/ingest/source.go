package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
)

// source hashes a file while it is read, so that an import is completed only of
// the bytes that were received.
type source struct {
	r    io.Reader
	hash hash.Hash
}

func newSource(r io.Reader) *source { return &source{r: r, hash: sha256.New()} }

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.hash.Write(p[:n]) // a hash.Hash never fails
	return n, err
}

// sum reads what is left and gives the whole file's SHA-256, in hex.
func (s *source) sum() (string, error) {
	if _, err := io.Copy(io.Discard, s); err != nil {
		return "", err
	}
	return hex.EncodeToString(s.hash.Sum(nil)), nil
}
