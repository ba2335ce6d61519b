package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"importledger/commands"
	"importledger/events"
)

// uploadForm describes the form in the OpenAPI document. uploadFields reads it, and
// a test holds the two together.
type uploadForm struct {
	File        string `json:"file" format:"binary" doc:"The CSV file. Exactly one."`
	Name        string `json:"name,omitempty" maxLength:"255" doc:"Of the import; the file's own when absent."`
	Description string `json:"description,omitempty" maxLength:"300"`
	ImportMode  string `json:"importMode,omitempty" enum:"contacts,events" default:"contacts"`
	EventName   string `json:"eventName,omitempty" maxLength:"255" doc:"In mode events; it may also come with the mapping."`
	Separator   string `json:"separator,omitempty" doc:"Sniffed when absent."`
	Encoding    string `json:"encoding,omitempty" doc:"Sniffed when absent."`
	Corrects    string `json:"corrects,omitempty" doc:"The import whose rejected rows the file has, mended. A file that was downloaded as errors.csv tells by itself."`
	RowSettings
	Mapping []mappingItem `json:"mapping,omitempty" doc:"As JSON. With it the import goes on to importing at once."`
	Segment *segmentRef   `json:"segment,omitempty" doc:"As JSON, with a mapping: an existing segment by segmentId, or a new one by name."`
}

// upload is what was asked beside the file.
type upload struct {
	start   commands.Start
	mapping []mappingItem
	segment *segmentRef
	given   map[string]bool
}

// uploadFields reads each field of the form but the file.
var uploadFields = map[string]func(*upload, string) error{
	"name":           func(u *upload, s string) error { u.start.Name = s; return nil },
	"description":    func(u *upload, s string) error { u.start.Description = s; return nil },
	"importMode":     func(u *upload, s string) error { u.start.ImportMode = events.Mode(s); return nil },
	"eventName":      func(u *upload, s string) error { u.start.EventName = s; return nil },
	"separator":      func(u *upload, s string) error { u.start.File.Separator = s; return nil },
	"encoding":       func(u *upload, s string) error { u.start.File.Encoding = s; return nil },
	"corrects":       func(u *upload, s string) error { u.start.Corrects = s; return nil },
	"defaultCountry": func(u *upload, s string) error { u.start.DefaultCountry = s; return nil },
	"blankCells":     func(u *upload, s string) error { u.start.BlankCells = events.BlankCells(s); return nil },
	"mapping":        func(u *upload, s string) error { return fieldJSON(s, &u.mapping) },
	"segment":        func(u *upload, s string) error { return fieldJSON(s, &u.segment) },
}

const (
	maxField   = 256 << 10 // bytes of one field: a mapping of a hundred columns is 20 kB
	maxDrained = 64 << 20  // bytes of a refused upload that are still read, so that the client reads the answer
)

type createRequest struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"The same key and file again give the same import."`
	r              *http.Request
}

// Resolve implements huma.Resolver: the body is read as it arrives, past huma.
func (in *createRequest) Resolve(ctx huma.Context) []error {
	in.r, _ = humago.Unwrap(ctx)
	if !plainText(in.IdempotencyKey) {
		return []error{answer(http.StatusBadRequest, "malformed", "An Idempotency-Key is UTF-8 text without NUL.")}
	}
	return nil
}

type createdImport struct {
	Location string `header:"Location"`
	Position string `header:"X-Ledger-Position"`
	ETag     string `header:"ETag"`
	Body     importObject
}

func (a *API) addCreate() {
	register(a, operation{route: "POST /people/imports", id: "create-import", tag: "Imports", status: http.StatusCreated,
		summary: "Upload a file and start an import",
		errors:  []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType}}, a.create)
	describeForm[uploadForm](a, "/people/imports")
}

func (a *API) create(ctx context.Context, in *createRequest) (*createdImport, error) {
	if mediaType, _, err := mime.ParseMediaType(in.r.Header.Get("Content-Type")); err != nil || mediaType != "multipart/form-data" {
		return nil, answer(http.StatusUnsupportedMediaType, "media-type-unsupported", "Send the file as multipart/form-data, in a part named file.")
	}
	parts, err := in.r.MultipartReader()
	if err != nil {
		return nil, malformedForm(err)
	}
	meta := a.meta(ctx)
	s, err := a.imports.Create(ctx, meta, meta.Actor, in.IdempotencyKey,
		func(store func(string, io.Reader) error) (commands.Start, *commands.MapColumns, error) {
			return readUpload(parts, store)
		})
	if err != nil {
		drain(in.r.Body)
		return nil, err
	}
	return &createdImport{Location: ImportPath{ID: s.ID}.link(""), Position: s.Position.String(), ETag: importTag(s), Body: importOf(s)}, nil
}

// drain reads the rest of an upload that was refused, since a client that is still
// sending does not look at the answer. Where that fails there is nobody to tell.
func drain(body io.Reader) {
	if _, err := io.CopyN(io.Discard, body, maxDrained); err != nil {
		return
	}
}

// readUpload takes the parts of a form in the order in which they come.
func readUpload(parts *multipart.Reader, store func(string, io.Reader) error) (commands.Start, *commands.MapColumns, error) {
	u := &upload{given: map[string]bool{}}
	u.start.ImportMode = events.Contacts
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return u.asked()
		}
		if err != nil {
			return commands.Start{}, nil, malformedForm(err)
		}
		if err := u.take(part, store); err != nil {
			return commands.Start{}, nil, err
		}
	}
}

func (u *upload) take(part *multipart.Part, store func(string, io.Reader) error) error {
	name := part.FormName()
	read, known := uploadFields[name]
	if !known && name != "file" {
		return wrongField(name, "unknown-key", "The form has no field of that name.")
	}
	if u.given[name] {
		return wrongField(name, "repeated", "Give this field once.")
	}
	u.given[name] = true
	if name == "file" {
		return storeFile(part, store)
	}
	value, err := io.ReadAll(io.LimitReader(part, maxField+1))
	switch {
	case err != nil:
		return malformedForm(err)
	case len(value) > maxField:
		return wrongField(name, "too-long", fmt.Sprintf("A field has at most %d bytes.", maxField))
	case !plainText(string(value)):
		return wrongField(name, "not-text", "A field is UTF-8 text without NUL.")
	}
	if err := read(u, string(value)); err != nil {
		return wrongField(name, "malformed", err.Error())
	}
	return nil
}

func storeFile(part *multipart.Part, store func(string, io.Reader) error) error {
	name := part.FileName()
	if name == "" {
		return wrongField("file", "name-missing", "The part named file needs a filename.")
	}
	if !plainText(name) {
		return wrongField("file", "not-text", "A file's name is UTF-8 text without NUL.")
	}
	body := &partReader{part: part}
	err := store(name, body)
	if body.broken != nil {
		return malformedForm(body.broken) // the client's fault, whatever came of it in storage
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

func (u *upload) asked() (commands.Start, *commands.MapColumns, error) {
	if !u.given["file"] {
		return commands.Start{}, nil, wrongField("file", "missing", "Send the file in a part named file.")
	}
	if u.mapping == nil {
		if u.segment != nil {
			return commands.Start{}, nil, &commands.Refusal{Kind: commands.Unacceptable, Code: commands.InvalidRequest,
				Message: "A segment goes with a mapping: send both here, or both with the mapping later.",
				Details: []commands.Detail{{Field: "segment", Code: "mapping-missing", Message: "There is no mapping beside it."}}}
		}
		return u.start, nil, nil
	}
	segment, err := segmentWish(u.segment)
	return u.start, &commands.MapColumns{Mapping: wishes(u.mapping), Segment: segment}, err
}

// fieldJSON reads a field that is JSON, without keys that nobody knows.
func fieldJSON(s string, into any) error {
	decoder := json.NewDecoder(strings.NewReader(s))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("This field is not the JSON that is wanted here: %w.", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("This field has more than one JSON value.")
	}
	return nil
}

func plainText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func wrongField(field, code, message string) error {
	return &commands.Refusal{Kind: commands.Malformed, Code: "form-malformed", Message: message,
		Details: []commands.Detail{{Field: field, Code: code, Message: message}}}
}

func malformedForm(cause error) error {
	return &commands.Refusal{Kind: commands.Malformed, Code: "form-malformed", Err: cause,
		Message: "The form cannot be read to its end. Send multipart/form-data with its boundary, complete."}
}
