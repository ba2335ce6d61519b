package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"importledger/adapters/api"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// keysInOrder are the keys of the first object in a JSON text, as they stand there.
func keysInOrder(t *testing.T, body []byte) []string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(body)))
	var keys []string
	depth, key := 0, false
	for {
		token, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		delim, isDelim := token.(json.Delim)
		switch {
		case isDelim && (delim == '{' || delim == '[' && depth > 0):
			depth++
			key = depth == 1
			continue
		case isDelim && delim == '[':
			continue
		case isDelim:
			depth--
			if depth == 0 {
				return keys
			}
		case depth == 1 && key:
			keys = append(keys, token.(string))
			key = false
			continue
		}
		key = depth == 1
	}
}

var importKeys = []string{"id", "name", "description", "userId", "type", "state", "file", "importMode", "import_mode", "eventName", "segment",
	"mapping", "rowToImport", "rowsImported", "rowsInError", "failedReason", "createdAt", "modifiedAt", "revision"}

func TestAnImportHasTheContractsKeysWhereverItComesFrom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	created := w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	if got := keysInOrder(t, created.body); !slices.Equal(got, importKeys) {
		t.Fatalf("created: %v", got)
	}
	o := created.json()
	for _, null := range []string{"description", "eventName", "segment", "mapping", "failedReason"} {
		if v, there := o[null]; !there || v != nil {
			t.Errorf("%s is %v, want null", null, v)
		}
	}
	if o["state"] != "preparing" || o["userId"] != "shop" || o["rowToImport"] != 3.0 || o["revision"] != 0.0 || o["name"] != "contacts.csv" {
		t.Errorf("created: %v", o)
	}
	if created.header.Get("Location") != "/people/imports/"+importID || created.header.Get("X-Ledger-Position") != "10" {
		t.Errorf("created: %v", created.header)
	}
	w.do("PUT", "/people/imports/"+importID+"/mapping", `{"mapping":`+mapping+`,"segment":{"segmentId":"s"}}`).is(200)
	last := w.rows(accepted(1, "ann@x.org", ""), rejected(2), rejected(3), commands.Complete{})

	one := w.get("/people/imports/" + importID).is(200)
	at := w.get(fmt.Sprintf("/people/imports/%s/at/%d", importID, last.Events-1)).is(200)
	if string(one.body) != string(at.body) {
		t.Errorf("the read model and the log tell it differently:\n%s\n%s", one.body, at.body)
	}
	for from, got := range map[string]answer{"read model": one, "log": at} {
		if position := got.header.Get("X-Ledger-Position"); position != last.Position.String() {
			t.Errorf("the %s answers up to position %q, want %s", from, position, last.Position)
		}
	}
	list := w.get("/people/imports").is(200)
	if string(list.body) != "["+strings.TrimSpace(string(one.body))+"]\n" {
		t.Errorf("the list tells it differently:\n%s\n%s", one.body, list.body)
	}
	want := `"segment":{"segmentId":"segment-1"},"mapping":[{"header":"E-mail","skip":false,"attribute":"email"},{"header":"Notes","skip":true}],` +
		`"rowToImport":3,"rowsImported":1,"rowsInError":2,"failedReason":null,`
	if !strings.Contains(string(one.body), want) || !strings.Contains(string(one.body), `"file":{"separator":",","name":"contacts.csv","size":43,"sha256":"ab12","encoding":"utf-8","columns":2}`) {
		t.Errorf("%s", one.body)
	}
}

func TestAFailedImportSaysItsCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	w.rows(commands.Fail{Code: "header-mismatch", Message: "Another header."})
	if o := w.get("/people/imports/" + importID).is(200).json(); o["failedReason"] != "header-mismatch" || o["state"] != "failed" {
		t.Fatal(o)
	}
}

func TestWhoWasAnswered201FindsTheImportBeforeTheReadModelDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log.set(func(l *ledger) { l.held = true })
	w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	if o := w.get("/people/imports/" + importID).is(200).json(); o["state"] != "preparing" {
		t.Fatal(o)
	}
	w.get("/people/imports/01JDABCDEFGHJKMNPQRSTVWXYY").fails(404, "import-not-found")
}

// waited tells what is waited for.
type waited struct {
	api.Projections
	tell func(events.Position, []string)
}

func (w waited) WaitFor(ctx context.Context, p events.Position, names ...string) error {
	w.tell(p, names)
	return w.Projections.WaitFor(ctx, p, names...)
}

func TestWhoReadsAnImportAgainDoesNotFindItEarlier(t *testing.T) {
	t.Parallel()
	var w *world
	asked := ""
	w = newWorld(t, func(c *api.Config) {
		c.Projections = waited{c.Projections, func(p events.Position, names []string) {
			asked = fmt.Sprint(p, names)
			if err := w.log.projector.Apply(t.Context(), events.Batch{Events: w.log.recorded, Until: p}); err != nil {
				t.Error(err)
			}
		}}
	})
	w.log.set(func(l *ledger) { l.held = true })
	w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	first := w.get("/people/imports/" + importID).is(200)
	if want := first.header.Get("X-Ledger-Position") + " [imports_list]"; asked != want {
		t.Errorf("waited for %q, want %q", asked, want)
	}
	if second := w.get("/people/imports/" + importID).is(200); string(second.body) != string(first.body) {
		t.Errorf("first %s\nthen %s", first.body, second.body)
	}
}

func TestIdsAreExact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	for _, id := range []string{"x", strings.ToLower(importID), importID + "0", "8" + importID[1:], "%20"} {
		for _, below := range []string{"", "/history", "/errors", "/source", "/at/0", "/progress", "/preview", "/errors.csv"} {
			w.get("/people/imports/"+id+below).fails(404, "import-not-found")
		}
	}
	w.get("/people/imports/"+importID+"/at/1").fails(404, "revision-not-found")
	w.get("/people/imports/"+importID+"/at/x").fails(400, "malformed")
}

func TestTheListIsPagedFilteredAndLinked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := []string{"01JDABCDEFGHJKMNPQRSTVWXY1", "01JDABCDEFGHJKMNPQRSTVWXY2", "01JDABCDEFGHJKMNPQRSTVWXY3"}
	w.imports.nextID = slices.Clone(ids)
	for i := range ids {
		w.upload(part{"file", fmt.Sprintf("File %d.csv", i), threeRows}).is(201)
	}
	page := w.get("/people/imports?pageSize=2&q=file&state=preparing&type=manual").is(200)
	if all := page.list(); len(all) != 2 || all[0]["id"] != ids[2] || all[1]["id"] != ids[1] {
		t.Fatalf("%s", page.body)
	}
	if page.header.Get("X-Total-Count") != "3" {
		t.Error(page.header)
	}
	const query = "pageSize=2&q=file&state=preparing&type=manual"
	want := `</people/imports?page=1&` + query + `>; rel="first", </people/imports?page=2&` + query + `>; rel="next", </people/imports?page=2&` + query + `>; rel="last"`
	if link := page.header.Get("Link"); link != want {
		t.Error(link)
	}
	if all := w.get("/people/imports?pageSize=2&page=2").is(200).list(); len(all) != 1 || all[0]["id"] != ids[0] {
		t.Error(all)
	}
	if none := w.get("/people/imports?state=failed").is(200); string(none.body) != "[]\n" || none.header.Get("X-Total-Count") != "0" {
		t.Errorf("%s", none.body)
	}
	for query, code := range map[string]int{"page=0": 422, "pageSize=501": 422, "state=odd": 422, "type=odd": 422, "page=x": 400, "pageSize=1e3": 400} {
		if got := w.get("/people/imports?" + query); got.status != code {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	if details := w.get("/people/imports?page=0").fails(422, "invalid-request"); details[0].(map[string]any)["field"] != "page" {
		t.Error(details)
	}
}

func TestABodyThatIsWrongSaysWhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	const path = "/people/imports/" + importID + "/mapping"
	for body, want := range map[string]struct {
		status      int
		code, field string
	}{
		``:                                   {400, "malformed", ""},
		`{`:                                  {400, "malformed", "body"},
		`{"mapping":[]} x`:                   {400, "malformed", "body"},
		`{"mapping":[{"header":"a\u0000"}]}`: {400, "malformed", "body"},
		`[]`:                                 {422, "invalid-request", "body"},
		`{}`:                                 {422, "invalid-request", "body"},
		`{"mapping":5}`:                      {422, "invalid-request", "mapping"},
		`{"mapping":null}`:                   {422, "invalid-request", "mapping"},
		`{"mapping":[{"header":5}]}`:         {422, "invalid-request", "mapping[0].header"},
		`{"mapping":[{"skip":true}]}`:        {422, "invalid-request", "mapping[0]"},
		`{"mapping":[{"header":"E-mail","colour":1}]}`:                       {422, "invalid-request", "mapping[0].colour"},
		`{"mapping":[],"odd":1}`:                                             {422, "invalid-request", "odd"},
		`{"mapping":[{"header":"x","create":{"type":"date"}}]}`:              {422, "invalid-request", "mapping[0].create.type"},
		`{"mapping":` + mapping + `,"segment":{}}`:                           {422, "invalid-request", "segment"},
		`{"mapping":` + mapping + `,"segment":{"segmentId":"a","name":"b"}}`: {422, "invalid-request", "segment"},
		`{"mapping":[{"header":"Unknown","attribute":"email"}]}`:             {422, "mapping-invalid", ""},
	} {
		got := w.do("PUT", path, body)
		details := got.fails(want.status, want.code)
		if want.field != "" && (len(details) == 0 || details[0].(map[string]any)["field"] != want.field) {
			t.Errorf("%s: %s", body, got.body)
		}
	}
	r := w.request("PUT", path, "mapping=1")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w.send(r).fails(415, "media-type-unsupported")
	w.do("PUT", path, `{"mapping":[{"header":"`+strings.Repeat("x", 1<<20)+`"}]}`).fails(413, "body-too-large")

	r = w.request("PUT", path, `{"mapping":`+mapping+`,"segment":null,"eventName":null}`)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	if got := w.send(r).is(200); got.header.Get("X-Ledger-Position") == "" || got.json()["state"] != "importing" {
		t.Errorf("%s", got.body)
	}
	w.do("PUT", path, `{"mapping":[{"header":"Notes","attribute":"email"}]}`).fails(409, "already-mapped")
}

func TestCancelTakesAReasonOrNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imports.nextID = []string{"01JDABCDEFGHJKMNPQRSTVWXY1", "01JDABCDEFGHJKMNPQRSTVWXY2", "01JDABCDEFGHJKMNPQRSTVWXY3"}
	for i, body := range []string{"", `{}`, `{"reason":"Wrong file."}`} {
		id := w.upload(part{"file", "contacts.csv", threeRows}).is(201).json()["id"].(string)
		for range 2 {
			if got := w.do("POST", "/people/imports/"+id+"/cancel", body).is(200); got.json()["state"] != "canceled" || got.header.Get("X-Ledger-Position") == "" {
				t.Errorf("%d: %s", i, got.body)
			}
		}
	}
	w.imported()
	w.do("POST", "/people/imports/"+importID+"/cancel", "").fails(409, "import-ended")
	w.do("POST", "/people/imports/01JDABCDEFGHJKMNPQRSTVWXYY/cancel", "").fails(404, "import-not-found")
	w.do("POST", "/people/imports/"+importID+"/cancel", `{"reason":"`+strings.Repeat("x", 301)+`"}`).fails(422, "invalid-request")
}

func TestAPreviewCanBeSentBackAsTheMapping(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	w.imports.preview = aggregate.Preview{File: events.File{Header: []string{"E-mail", "Notes", "City"}, Separator: ";", Encoding: "windows-1252", EncodingGuessed: true, Rows: 3}, KeyIdentifier: "email", BlankCells: events.KeepBlank,
		Columns: []aggregate.ColumnGlimpse{
			{Header: "E-mail", Samples: []string{"ann@x.org"}, Suggestion: aggregate.Suggestion{Header: "E-mail", Attribute: "email", Reason: "similar"}},
			{Header: "Notes", Suggestion: aggregate.Suggestion{Header: "Notes", Skip: true}},
		}}
	got := w.get("/people/imports/" + importID + "/preview").is(200)
	items := `[{"header":"E-mail","skip":false,"attribute":"email","reason":"similar"},{"header":"Notes","skip":true}]`
	want := `{"header":["E-mail","Notes","City"],"columns":[{"header":"E-mail","samples":["ann@x.org"]},{"header":"Notes","samples":[]}],"separator":";","encoding":"windows-1252",` +
		`"encodingGuessed":true,"rows":3,"keyIdentifier":"email","mapping":` + items + `,"lastUsed":null,"mappingByFile":` + items +
		`,"eventName":null,"defaultCountry":null,"blankCells":"keep","corrects":null}`
	if strings.TrimSpace(string(got.body)) != want {
		t.Fatalf("%s", got.body)
	}
	back, err := json.Marshal(map[string]any{"mapping": got.json()["mapping"]})
	if err != nil {
		t.Fatal(err)
	}
	w.do("PUT", "/people/imports/"+importID+"/mapping", string(back)).is(200)
}

func TestAFileIsReadAsAskedInPreviewReviewAndMapping(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	path := "/people/imports/" + importID
	w.get(path + "/preview?separator=%3B&encoding=windows-1252").is(200)
	body := `{"mapping":` + mapping + `,"separator":";","encoding":"windows-1252","blankCells":"clear","defaultCountry":"BE"}`
	w.do("POST", path+"/review", body).is(200)
	w.do("PUT", path+"/mapping", body).is(200)
	as := commands.Reading{Separator: ";", Encoding: "windows-1252"}
	if want := []commands.Reading{as, as, as}; !slices.Equal(w.imports.readings, want) {
		t.Errorf("%v", w.imports.readings)
	}
	if reading := w.get(path + "/reading").is(200).json(); reading["blankCells"] != "clear" || reading["defaultCountry"] != "BE" {
		t.Error(reading)
	}
	w.do("PUT", path+"/mapping", `{"mapping":`+mapping+`,"blankCells":"wipe"}`).fails(422, "invalid-request")
	w.do("PUT", path+"/mapping", `{"mapping":`+mapping+`,"defaultCountry":"BEL"}`).fails(422, "invalid-request")
}

func TestAReviewHasTheContractsKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imports.review = aggregate.Review{Rows: 3, Acceptable: 2, InError: 1,
		Errors: []aggregate.ReviewError{{Code: "row-width", Count: 1, Message: "Too long.", Rows: []int{3}}},
		Samples: []aggregate.ReviewSample{{Row: 1, Contact: events.Contact{NxID: nxID("ann@x.org"), Attributes: json.RawMessage(`{"email":"ann@x.org","city":"Liège"}`)},
			Event: &events.ContactEvent{Name: "bought", At: 7, Properties: json.RawMessage(`{"n":1}`)}}}}
	got := w.do("POST", "/people/imports/"+importID+"/review", `{"mapping":`+mapping+`}`).is(200)
	want := `{"rows":3,"acceptable":2,"inError":1,"repeated":0,"errors":[{"code":"row-width","column":null,"count":1,"message":"Too long.","rows":[3]}],"samples":[{"row":1,"contact":{"nxId":"` +
		nxID("ann@x.org").String() + `","email":"ann@x.org","phone":null,"externalId":null,"smsCapable":null,"unsubscribed":null,"language":null,"createdAt":null,"createdAtNaxai":null,"city":"Liège"},` +
		`"event":{"id":"00000000-0000-0000-0000-000000000000","name":"bought","at":7,"properties":{"n":1},"importId":null}}]}`
	if strings.TrimSpace(string(got.body)) != want {
		t.Fatalf("%s", got.body)
	}
	w.imports.review = aggregate.Review{}
	if got := w.do("POST", "/people/imports/"+importID+"/review", `{"mapping":`+mapping+`}`).is(200); !strings.Contains(string(got.body), `"errors":[],"samples":[]`) {
		t.Errorf("%s", got.body)
	}
}

func TestRowErrorsAreListedInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	got := w.get("/people/imports/" + importID + "/errors").is(200)
	want := `{"pagination":{"totalRecord":2,"page":1,"pageSize":50,"returnedRecord":2,"remainingRecord":0,"first":"/people/imports/` + importID + `/errors?page=1&pageSize=50","next":null,"last":"/people/imports/` + importID +
		`/errors?page=1&pageSize=50","previous":null},"items":[{"row":3,"column":"E-mail","code":"email-invalid","message":"This is no address.","value":"bad"},{"row":3,"column":null,"code":"row-width","message":"The row is too long.","value":null}]}`
	if strings.TrimSpace(string(got.body)) != want {
		t.Errorf("%s", got.body)
	}
	if more := w.get("/people/imports/" + importID + "/errors?lines=true&groups=true").is(200); !strings.Contains(string(more.body), `"value":"bad","line":4}`) ||
		!strings.Contains(string(more.body), `"groups":[{"code":`) || !strings.Contains(string(more.body), `errors?groups=true&lines=true&page=1`) {
		t.Errorf("%s", more.body)
	}
	second := w.get("/people/imports/" + importID + "/errors?pageSize=1&page=2").is(200).json()["pagination"].(map[string]any)
	if second["previous"] != "/people/imports/"+importID+"/errors?page=1&pageSize=1" || second["next"] != nil || second["returnedRecord"] != 1.0 {
		t.Error(second)
	}
	w.get("/people/imports/01JDABCDEFGHJKMNPQRSTVWXYY/errors").fails(404, "import-not-found")
}

func TestTheSourceIsTheFileByteForByte(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	got := w.get("/people/imports/" + importID + "/source").is(200)
	if string(got.body) != threeRows || got.header.Get("Content-Disposition") != "attachment; filename*=utf-8''cont%C3%A4cts.csv" || got.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v %s", got.header, got.body)
	}
	r := w.request("GET", "/people/imports/"+importID+"/source", "")
	r.Header.Set("Range", "bytes=0-5")
	if got := w.send(r).is(206); string(got.body) != "E-mail" {
		t.Errorf("%s", got.body)
	}
}

func TestAnErrorsFileFailsBeforeItBeginsOrIsCutOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/people/imports/" + importID + "/errors.csv"
	w.get(path).fails(404, "import-not-found")
	w.imports.csv = func(out io.Writer) error {
		_, err := io.WriteString(out, "a,b\n")
		return err
	}
	if got := w.get(path).is(200); string(got.body) != "a,b\n" || got.header.Get("Content-Type") != "text/csv; charset=utf-8" ||
		got.header.Get("Content-Disposition") != "attachment; filename="+importID+"-errors.csv" {
		t.Errorf("%v %s", got.header, got.body)
	}
	w.imports.csv = func(io.Writer) error { return errAway }
	w.get(path).fails(503, "database-unavailable")
	w.imports.csv = func(out io.Writer) error {
		if _, err := io.WriteString(out, strings.Repeat("a,b\n", 10000)); err != nil {
			return err
		}
		return errAway
	}
	res, err := w.server.Client().Do(w.request("GET", path, ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("half a file looks like a whole one")
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
}
