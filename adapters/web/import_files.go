package web

import (
	"io"
	"mime"
	"net/http"
	"time"
)

// errorsCSV sends the rejected rows, to be mended and imported again.
func (v *visit) errorsCSV() error {
	id, err := v.importID()
	if err != nil {
		return err
	}
	return v.sendCSV(id+"-errors.csv", func(w io.Writer) error { return v.Imports.ErrorsCSV(v.ctx(), id, w) })
}

// sendCSV answers with a file, or with what went wrong before there was anything of it.
func (v *visit) sendCSV(name string, write func(io.Writer) error) error {
	out := &attachment{w: v.w, name: name}
	if err := write(out); err != nil && out.begun {
		panic(http.ErrAbortHandler) // so that nobody takes it for the whole
	} else if err != nil {
		return err
	}
	out.begin() // no rows at all
	return nil
}

// attachment is an answer that becomes a file on its first write: until then it can
// still become an error.
type attachment struct {
	w         http.ResponseWriter
	name      string
	mediaType string // empty: CSV
	begun     bool
}

func (f *attachment) begin() {
	if !f.begun {
		f.begun = true
		fileHeaders(f.w.Header(), f.name)
		if f.mediaType != "" {
			f.w.Header().Set("Content-Type", f.mediaType)
		}
		f.w.WriteHeader(http.StatusOK)
	}
}

func (f *attachment) Write(p []byte) (int, error) {
	f.begin()
	return f.w.Write(p)
}

// fileHeaders name a file for the browser to keep and never to show: the bytes are a
// stranger's.
func fileHeaders(h http.Header, name string) {
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// source sends the file as it was uploaded.
func (v *visit) source() (err error) {
	id, err := v.importID()
	if err != nil {
		return err
	}
	file, name, err := v.Imports.Source(v.ctx(), id)
	if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); closed != nil && err == nil {
			v.Logger.WarnContext(v.ctx(), "source file not closed", "request", v.id, "error", closed.Error())
		}
	}()
	fileHeaders(v.w.Header(), name)
	v.w.Header().Set("Content-Type", "text/csv") // its encoding is whatever it was
	http.ServeContent(v.w, v.r, "", time.Time{}, file)
	return nil
}
