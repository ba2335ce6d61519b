package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"importledger/events"
)

func TestAnUploadTakesEveryFieldInAnyOrder(t *testing.T) {
	t.Parallel()
	fields := []part{{name: "name", content: "June"}, {name: "description", content: "All of June"}, {name: "importMode", content: "events"}, {name: "eventName", content: "bought"},
		{name: "separator", content: ";"}, {name: "encoding", content: "utf-8"}, {name: "defaultCountry", content: "BE"}, {name: "blankCells", content: "clear"}, {name: "corrects", content: "01JDABCDEFGHJKMNPQRSTVWXYA"},
		{name: "mapping", content: `[{"header":"E-mail","attribute":"email"}]`}, {name: "segment", content: `{"segmentId":"s-1"}`}}
	for place := range []int{0, 5, len(fields)} {
		w := newWorld(t)
		form := append(append(append([]part{}, fields[:place]...), part{"file", "contacts.csv", threeRows}), fields[place:]...)
		r := w.uploadRequest(form...)
		r.Header.Set("Idempotency-Key", "key-1")
		w.send(r).is(201)
		start, mapped := w.imports.asked[0], w.imports.mapped[0]
		if start.Name != "June" || start.Description != "All of June" || start.ImportMode != events.ContactsEvents || start.EventName != "bought" || start.File.Separator != ";" ||
			start.File.Encoding != "utf-8" || start.DefaultCountry != "BE" || start.BlankCells != events.ClearBlank || start.Corrects != "01JDABCDEFGHJKMNPQRSTVWXYA" {
			t.Errorf("%+v", start)
		}
		if mapped == nil || len(mapped.Mapping) != 1 || mapped.Mapping[0].Attribute != "email" || *mapped.Segment != (events.Segment{ID: "s-1"}) {
			t.Errorf("%+v", mapped)
		}
		if w.imports.keys[0] != "shop/key-1" || w.imports.files[importID] != threeRows {
			t.Error(w.imports.keys, w.imports.files)
		}
	}
}

func TestAFileAloneIsPreparedForContacts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	if start := w.imports.asked[0]; start.ImportMode != events.Contacts || start.Name != "" || w.imports.mapped[0] != nil || w.imports.keys[0] != "shop/" {
		t.Errorf("%+v", start)
	}
}

func TestAFormThatIsWrongSaysWhichField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := part{"file", "contacts.csv", threeRows}
	for name, c := range map[string]struct {
		form              []part
		status            int
		code, field, what string
	}{
		"no file":             {[]part{{name: "name", content: "x"}}, 400, "form-malformed", "file", "missing"},
		"no parts":            {nil, 400, "form-malformed", "", ""},
		"two files":           {[]part{file, file}, 400, "form-malformed", "file", "repeated"},
		"file without a name": {[]part{{name: "file", content: "x"}}, 400, "form-malformed", "file", "name-missing"},
		"unknown field":       {[]part{file, {name: "colour", content: "red"}}, 400, "form-malformed", "colour", "unknown-key"},
		"a field twice":       {[]part{{name: "name", content: "x"}, {name: "name", content: "y"}, file}, 400, "form-malformed", "name", "repeated"},
		"a field too long":    {[]part{{name: "name", content: strings.Repeat("x", 300<<10)}, file}, 400, "form-malformed", "name", "too-long"},
		"a field with NUL":    {[]part{{name: "name", content: "a\x00b"}, file}, 400, "form-malformed", "name", "not-text"},
		"a field not UTF-8":   {[]part{{name: "name", content: "a\xffb"}, file}, 400, "form-malformed", "name", "not-text"},
		"mapping no JSON":     {[]part{file, {name: "mapping", content: "{"}}, 400, "form-malformed", "mapping", "malformed"},
		"mapping an object":   {[]part{file, {name: "mapping", content: "{}"}}, 400, "form-malformed", "mapping", "malformed"},
		"mapping with more":   {[]part{file, {name: "mapping", content: "[] []"}}, 400, "form-malformed", "mapping", "malformed"},
		"mapping unknown key": {[]part{file, {name: "mapping", content: `[{"header":"a","colour":1}]`}}, 400, "form-malformed", "mapping", "malformed"},
		"segment alone":       {[]part{file, {name: "segment", content: `{"name":"x"}`}}, 422, "invalid-request", "segment", "mapping-missing"},
		"segment of nothing":  {[]part{file, {name: "mapping", content: mapping}, {name: "segment", content: `{}`}}, 422, "invalid-request", "segment", "one-of"},
		"mode unknown":        {[]part{file, {name: "importMode", content: "odd"}}, 422, "invalid-request", "importMode", "unknown"},
	} {
		details := w.upload(c.form...).fails(c.status, c.code)
		if c.field == "" {
			continue
		}
		if d := details[0].(map[string]any); d["field"] != c.field || d["code"] != c.what {
			t.Errorf("%s: %v", name, details)
		}
	}
	if len(w.log.recorded) != 0 {
		t.Error("a refused upload left events behind")
	}
}

func TestAnUploadOfAnotherTypeIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, mediaType := range []string{"", "text/csv", "application/json", "multipart/mixed; boundary=x"} {
		r := w.request("POST", "/people/imports", "a,b\n")
		r.Header.Set("Content-Type", mediaType)
		w.send(r).fails(415, "media-type-unsupported")
	}
	r := w.request("POST", "/people/imports", "a,b\n")
	r.Header.Set("Content-Type", "multipart/form-data")
	w.send(r).fails(400, "form-malformed")
	r = w.uploadRequest(part{"file", "contacts.csv", threeRows})
	r.Header.Set("Idempotency-Key", strings.Repeat("k", 256))
	w.send(r).fails(422, "invalid-request")
}

func TestAnUploadThatBreaksOffIsNoImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request("POST", "/people/imports", "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nE-mail\nann@x.org\n")
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	w.send(r).fails(400, "form-malformed")
	if len(w.log.recorded) != 0 {
		t.Error("half an upload became an import")
	}
}

// A client that goes on sending after the refusal still has to read it.
func TestARefusedUploadIsAnsweredWhileItIsStillSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body, out := io.Pipe()
	go func() {
		_, err := io.WriteString(out, "--b\r\nContent-Disposition: form-data; name=\"colour\"\r\n\r\nred\r\n--b\r\n\r\n")
		for range 400 {
			if err == nil {
				_, err = io.WriteString(out, strings.Repeat("x", 64<<10))
			}
		}
		out.CloseWithError(err)
	}()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL+"/people/imports", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer all")
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	w.send(r).fails(400, "form-malformed")
}

func TestAnIdempotencyKeyIsText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.uploadRequest(part{"file", "contacts.csv", threeRows})
	r.Header.Set("Idempotency-Key", "k\xff")
	w.send(r).fails(400, "malformed")
}
