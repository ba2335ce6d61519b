package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"unicode/utf8"

	"importledger/commands"
	"importledger/events"
)

// uploadView is the first step of any way: a file is chosen.
type uploadView struct {
	Way    *way
	Title  string
	Lead   string // what the file is for
	Action string // where the file goes
	Out    string // where one comes to who gives it up
	Limits Limits
	Step   int
	Events bool
	// Corrects is the import whose rejected rows the file has, mended; or empty.
	Corrects string
	// Instead is the sample that this one takes the place of; or empty.
	Instead   string
	Connector *Connector // whose template it is for
	Drop      string     // what is said while a file is dragged over the page
	Promise   string     // what will not happen yet
	Fault     *fault
}

func (v *visit) uploadPage() error {
	return v.showUpload(http.StatusOK, uploadView{Corrects: v.r.URL.Query().Get("corrects")})
}

func (v *visit) showUpload(status int, form uploadView) error {
	form.Way, form.Title, form.Action, form.Out = importWay, importWay.Heading, "/imports/new", "/imports"
	form.Limits, form.Step = v.Limits, stepUpload
	form.Drop, form.Promise = "Drop the file to import it", "Nothing is imported before you have seen the columns and checked every row."
	return v.render(status, "upload", view{Title: "New import", Section: "imports", Body: form})
}

const (
	maxField   = 4 << 10  // bytes of a field beside the file
	maxDrained = 64 << 20 // bytes of a refused upload that are still read, so that the browser reads the answer
)

// upload takes the file and starts the import that the other steps prepare. A script
// that shows progress gets the next step's address, a form goes there.
func (v *visit) upload() error {
	if mediaType, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type")); err != nil || mediaType != "multipart/form-data" {
		return errForm
	}
	parts, err := v.r.MultipartReader()
	if err != nil {
		return errForm
	}
	form := uploadForm{start: commands.Start{ImportMode: events.Contacts}}
	imp, err := v.Imports.Create(v.ctx(), v.meta(), v.user.ID, "",
		func(store func(string, io.Reader) error) (commands.Start, *commands.MapColumns, error) {
			err := form.read(parts, store)
			return form.start, nil, err
		})
	if err != nil {
		return v.uploadRefused(&form, err)
	}
	to := preparing{Import: imp, way: importWay}.address(stepFile)
	if v.wantsPage() {
		return v.seeOther(to)
	}
	return v.sendJSON(http.StatusCreated, map[string]string{"location": to})
}

// uploadRefused says which rule was broken where the file was chosen.
func (v *visit) uploadRefused(form *uploadForm, err error) error {
	v.drainBody()
	refusal, ok := errors.AsType[*commands.Refusal](err)
	if !ok || refusal.Kind == commands.Unavailable || !v.wantsPage() {
		return err
	}
	f := refused(refusal)
	f.Title = "This file was not taken"
	return v.showUpload(f.Status, uploadView{Events: form.start.ImportMode == events.ContactsEvents, Corrects: form.start.Corrects, Fault: f})
}

// drainBody reads the rest of an upload that was refused, since a browser that is
// still sending does not look at the answer. Where that fails there is nobody to tell.
func (v *visit) drainBody() {
	if _, err := io.CopyN(io.Discard, v.r.Body, maxDrained); err != nil {
		return
	}
}

// uploadForm reads the form as it arrives.
type uploadForm struct {
	start   commands.Start
	instead string
}

func (f *uploadForm) read(parts *multipart.Reader, store func(string, io.Reader) error) error {
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errForm
		}
		if err := f.take(part, store); err != nil {
			return err
		}
	}
}

func (f *uploadForm) take(part *multipart.Part, store func(string, io.Reader) error) error {
	if part.FormName() == "file" {
		return f.takeFile(part, store)
	}
	value, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil || len(value) > maxField || !utf8.Valid(value) {
		return errForm
	}
	switch part.FormName() {
	case "events":
		f.start.ImportMode = events.ContactsEvents
	case "corrects":
		f.start.Corrects = string(value)
	case "instead":
		f.instead = string(value)
	}
	return nil
}

var errNoFile = &commands.Refusal{Kind: commands.Unacceptable, Code: "file-missing", Message: "Choose a CSV file first."}

func (f *uploadForm) takeFile(part *multipart.Part, store func(string, io.Reader) error) error {
	name := part.FileName()
	if name == "" {
		return errNoFile
	}
	body := &partReader{part: part}
	err := store(name, body)
	if body.broken != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %w", errForm, body.broken) // the connection's fault, whatever came of it in storage
	}
	return err
}

// partReader remembers that the upload itself broke off.
type partReader struct {
	part   io.Reader
	broken error
}

func (p *partReader) Read(b []byte) (int, error) {
	n, err := p.part.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		p.broken = err
	}
	return n, err
}
