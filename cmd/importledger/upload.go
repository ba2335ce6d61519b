package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
)

// source is the file to import. What can be opened again can be sent again.
type source struct {
	name   string
	size   int64 // -1: unknown
	open   func() (io.ReadCloser, error)
	repeat bool
}

// openSource looks at the file before anything is started; - is standard input.
func openSource(path string, stdin io.Reader) (*source, error) {
	if path == "-" {
		return &source{name: "stdin.csv", size: -1, open: func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }}, nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s: correct the name, or go to its folder", path)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", path, cause(err))
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory: name a CSV file in it", path)
	}
	open := func() (io.ReadCloser, error) {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w", path, cause(err))
		}
		return file, nil
	}
	if !info.Mode().IsRegular() { // a pipe or a device
		return &source{name: filepath.Base(path), size: -1, open: open}, nil
	}
	file, err := open()
	if err != nil {
		return nil, err
	}
	return &source{name: filepath.Base(path), size: info.Size(), open: open, repeat: true}, file.Close()
}

// upload streams the file to the server, which answers with the prepared import.
// Progress is told the bytes that were sent so far.
func (c *client) upload(ctx context.Context, s *source, fields map[string]string, progress func(sent int64)) (importObject, error) {
	var i importObject
	err := c.sendFile(ctx, call{
		path: "/people/imports", repeat: s.repeat,
		header: http.Header{"Idempotency-Key": {rand.Text()}}, // a repeated upload is the same import
	}, s, fields, progress, &i)
	return i, err
}

// sendFile posts a file with fields beside it, and reads the answer.
func (c *client) sendFile(ctx context.Context, r call, s *source, fields map[string]string, progress func(sent int64), into any) error {
	boundary := rand.Text()
	if r.header == nil {
		r.header = http.Header{}
	}
	r.header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	r.method = http.MethodPost
	r.body = func() (io.Reader, error) {
		file, err := s.open()
		if err != nil {
			return nil, err
		}
		r, w := io.Pipe()
		form := multipart.NewWriter(w)
		if err := form.SetBoundary(boundary); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		counted := &counter{r: file, tell: progress}
		// Whoever waits for standard input cannot be woken, who reads the form can.
		forget := context.AfterFunc(ctx, func() { w.CloseWithError(ctx.Err()) })
		go func() {
			defer forget()
			err := writeForm(form, fields, s.name, counted)
			// The reader gets the error and does with it what there is to do.
			w.CloseWithError(errors.Join(err, file.Close()))
		}()
		return r, nil
	}
	_, err := c.read(ctx, r, into)
	return err
}

// writeForm writes the fields before the file, so that the server knows them when
// the file comes in.
func writeForm(form *multipart.Writer, fields map[string]string, name string, file io.Reader) error {
	for field, value := range fields {
		if err := form.WriteField(field, value); err != nil {
			return err
		}
	}
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, file); err != nil {
		return err
	}
	return form.Close()
}

// counter tells how much of the file was read.
type counter struct {
	r    io.Reader
	n    int64
	tell func(int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.tell(c.n)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, &sourceError{err}
	}
	return n, err
}

// sourceError is trouble with the file itself, not with the way to the server.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return "the file cannot be read: " + cause(e.err).Error() }
func (e *sourceError) Unwrap() error { return e.err }
