package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"importledger/adapters/api"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// newSegment creates a segment and gives its id.
func (w *world) newSegment(name string) string {
	w.t.Helper()
	return w.do("POST", "/people/segments", `{"name":"`+name+`","type":"manual"}`).is(201).json()["id"].(string)
}

func idsBody(emails ...string) string {
	var ids []string
	for _, email := range emails {
		ids = append(ids, nxID(email).String())
	}
	body, err := json.Marshal(map[string]any{"ids": ids})
	if err != nil {
		panic(err)
	}
	return string(body)
}

func TestASegmentIsCreatedChangedAndRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	created := w.do("POST", "/people/segments", `{"name":"Fair","description":"Stand 12","type":"manual"}`).is(201)
	if keys := keysInOrder(t, created.body); !slices.Equal(keys, []string{"id", "name", "description", "state", "predefined", "type", "modifiedBy", "modifiedAt"}) {
		t.Error(keys)
	}
	o := created.json()
	path := "/people/segments/" + o["id"].(string)
	if o["name"] != "Fair" || o["description"] != "Stand 12" || o["state"] != "ready" || o["predefined"] != false || o["type"] != "manual" || o["modifiedBy"] != "shop" ||
		o["modifiedAt"].(float64) < 1e12 || created.header.Get("Location") != path {
		t.Errorf("%s %v", created.body, created.header)
	}
	after := func(a answer) string {
		position := a.header.Get("X-Ledger-Position")
		if position == "" || position == "0" {
			t.Errorf("no position: %v", a.header)
		}
		return "?after=" + position
	}
	if got := w.get(path + after(created)).is(200); string(got.body) != string(created.body) {
		t.Errorf("%s, created %s", got.body, created.body)
	}

	changed := w.do("PUT", path, `{"name":"Spring"}`).is(200)
	if o := changed.json(); o["name"] != "Spring" || o["description"] != "Stand 12" {
		t.Errorf("%s", changed.body)
	}
	changed = w.do("PUT", path, `{"description":null,"type":"manual"}`).is(200)
	if o := changed.json(); o["name"] != "Spring" || o["description"] != nil {
		t.Errorf("%s", changed.body)
	}
	again := w.do("PUT", path, `{"name":"Spring"}`).is(200)
	if after(again) != after(changed) || string(again.body) != string(changed.body) {
		t.Errorf("again %s", again.body)
	}
	if got := w.get("/people/segments" + after(changed)).is(200).list(); len(got) != 1 || got[0]["name"] != "Spring" {
		t.Error(got)
	}

	removed := w.do("DELETE", path, "").is(204)
	w.do("DELETE", path, "").is(204)
	if got := w.get("/people/segments" + after(removed)).is(200); string(got.body) != "[]\n" {
		t.Errorf("%s", got.body)
	}
	w.get(path).fails(404, "segment-not-found")
	w.do("PUT", path, `{"name":"Summer"}`).fails(404, "segment-not-found")
	w.do("POST", path+"/addContacts", `{"ids":["x"]}`).fails(422, "contacts-unknown")
}

func TestANameOfASegmentIsTakenOrFree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fair, other := w.newSegment("Fair"), w.newSegment("fair")
	if details := w.do("POST", "/people/segments", `{"name":"Fair"}`).fails(409, "segment-name-taken"); len(details) != 1 || details[0].(map[string]any)["field"] != "name" {
		t.Error(details)
	}
	w.do("PUT", "/people/segments/"+other, `{"name":"Fair"}`).fails(409, "segment-name-taken")
	w.do("DELETE", "/people/segments/"+fair, "").is(204)
	w.do("PUT", "/people/segments/"+other, `{"name":"Fair"}`).is(200)
	w.newSegment("fair")
}

func TestASegmentThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.newSegment("Fair")
	for body, field := range map[string]string{
		`{}`:                            "",
		`{"name":""}`:                   "name",
		`{"name":" "}`:                  "name",
		`{"name":"a\nb"}`:               "name",
		`{"name":"x","type":"dynamic"}`: "type",
		`{"name":"x","colour":"red"}`:   "",
		`{"name":"` + long(256) + `"}`:  "name",
		`{"name":"x","description":"` + long(301) + `"}`: "description",
	} {
		details := w.do("POST", "/people/segments", body).fails(422, "invalid-request")
		if len(details) == 0 || field != "" && details[0].(map[string]any)["field"] != field {
			t.Errorf("%.40s: %v", body, details)
		}
	}
	w.do("POST", "/people/segments", `{"name":"`+long(255)+`","description":"`+long(300)+`"}`).is(201)
	w.do("PUT", "/people/segments/"+id, `{"name":""}`).fails(422, "invalid-request")
	w.do("PUT", "/people/segments/"+id, `{"description":"`+long(301)+`"}`).fails(422, "invalid-request")
	w.do("PUT", "/people/segments/"+id, `{"description":7}`).fails(422, "invalid-request")
	for _, nobody := range []string{"nothing", strings.ToLower(id), ulid.Make().String()} {
		w.do("PUT", "/people/segments/"+nobody, `{"name":"x"}`).fails(404, "segment-not-found")
		w.do("DELETE", "/people/segments/"+nobody, "").fails(404, "segment-not-found")
		for _, below := range []string{"", "/countContacts", "/members", "/history", "/usage"} {
			w.get("/people/segments/"+nobody+below).fails(404, "segment-not-found")
		}
	}
}

func long(n int) string { return strings.Repeat("ä", n) }

func TestContactsComeAndGoByHand(t *testing.T) {
	t.Parallel()
	const today = 1795478400000 // midnight of the day on which w.rows has its rows
	w := newWorld(t, func(cfg *api.Config) { cfg.Now = func() time.Time { return time.UnixMilli(today + 20*3600_000) } })
	w.imported()
	path := "/people/segments/" + w.newSegment("Fair")
	count := func(a answer, want int) {
		t.Helper()
		after := "?after=" + a.is(204).header.Get("X-Ledger-Position")
		if got := w.get(path + "/countContacts" + after).is(200); strings.TrimSpace(string(got.body)) != fmt.Sprintf(`{"count":%d}`, want) {
			t.Errorf("%s, want %d", got.body, want)
		}
		page := w.get(path + "/members" + after + "&pageSize=1").is(200).json()
		if page["pagination"].(map[string]any)["totalRecord"] != float64(want) || len(page["contacts"].([]any)) != min(want, 1) {
			t.Error(page)
		}
	}
	count(w.do("POST", path+"/addContacts", idsBody("ann@x.org", "bob@x.org")), 2)
	count(w.do("POST", path+"/addContacts", idsBody("bob@x.org", "bob@x.org")), 2)
	if got := w.get("/people/contacts/ann@x.org/segments").is(200).json()["segments"].([]any); len(got) != 2 || got[0].(map[string]any)["name"] != "Fair" {
		t.Error(got)
	}
	count(w.do("POST", path+"/deleteContacts", idsBody("ann@x.org")), 1)
	count(w.do("POST", path+"/deleteContacts", idsBody("ann@x.org")), 1)
	for _, query := range []string{"", "?start=1795478400000&stop=1795478400000", "?start=2026-11-24&stop=2026-11-24", "?stop=2026-12-24T00:00:00Z"} {
		got := w.get(path + "/history" + query).is(200)
		if strings.TrimSpace(string(got.body)) != `{"history":[{"date":1795478400000,"added":2,"removed":1,"change":1,"current":1}]}` {
			t.Errorf("%s: %s", query, got.body)
		}
	}
	if got := w.get(path + "/usage").is(200); strings.TrimSpace(string(got.body)) != `{"campaignIds":[],"broadcastIds":[]}` {
		t.Errorf("%s", got.body)
	}
	for _, query := range []string{"start=yesterday", "stop=-1", "start=2026-11-25&stop=2026-11-24", "start=2026-02-30"} {
		w.get(path+"/history?"+query).fails(422, "day-invalid")
	}
	if got := w.get(path + "/history?start=2020-01-01&stop=2020-02-01").is(200); strings.TrimSpace(string(got.body)) != `{"history":[]}` {
		t.Errorf("%s", got.body)
	}
}

func TestIDsOfNobodyAreRefusedAndNothingHappens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	path := "/people/segments/" + w.newSegment("Fair")
	for _, what := range []string{"/addContacts", "/deleteContacts"} {
		body := `{"ids":["` + nxID("ann@x.org").String() + `","` + nxID("nobody@x.org").String() + `","ann@x.org"]}`
		details := w.do("POST", path+what, body).fails(422, "contacts-unknown")
		if len(details) != 2 || details[0].(map[string]any)["field"] != "ids[1]" || details[1].(map[string]any)["field"] != "ids[2]" || details[0].(map[string]any)["code"] != "contact-unknown" {
			t.Error(details)
		}
		var many []string
		for i := range 10_001 {
			many = append(many, fmt.Sprint(i, "@x.org"))
		}
		w.do("POST", path+what, idsBody(many...)).fails(422, "invalid-request")
		if details := w.do("POST", path+what, idsBody(many[:10_000]...)).fails(422, "contacts-unknown"); len(details) != 100 {
			t.Errorf("%d details", len(details))
		}
		for _, body := range []string{`{}`, `{"ids":[]}`, `{"ids":null}`, `{"ids":"x"}`, `{"ids":[7]}`} {
			w.do("POST", path+what, body).fails(422, "invalid-request")
		}
		w.do("POST", "/people/segments/"+ulid.Make().String()+what, idsBody("ann@x.org")).fails(404, "segment-not-found")
	}
	if got := w.get(path + "/countContacts").is(200); strings.TrimSpace(string(got.body)) != `{"count":0}` {
		t.Errorf("%s", got.body)
	}
}

// The read models are behind: what was just written is found all the same, and a
// contact that was just accepted is not called unknown.
func TestWhatWasJustWrittenIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows}, part{name: "mapping", content: mapping}).is(201)
	from := len(w.log.recorded)
	w.log.set(func(l *ledger) { l.held = true })
	w.rows(accepted(1, "ann@x.org", ""))
	id := w.newSegment("Fair")
	if got := w.get("/people/segments/" + id).is(200).json(); got["name"] != "Fair" {
		t.Error(got)
	}
	w.do("POST", "/people/attributes", `{"name":"age","type":"number"}`).is(201)
	if got := w.get("/people/attributes/age").is(200).json(); got["type"] != "number" {
		t.Error(got)
	}
	b := events.Batch{}
	w.log.set(func(l *ledger) { b.Events = slices.Clone(l.recorded[from:]) })
	b.Until = b.Events[len(b.Events)-1].Position
	var projecting sync.WaitGroup
	projecting.Go(func() {
		if err := w.log.projector.Apply(t.Context(), b); err != nil {
			t.Error(err)
		}
	})
	w.do("POST", "/people/segments/"+id+"/addContacts", idsBody("ann@x.org")).is(204)
	projecting.Wait()
}

func TestAnImportPutsItsContactsIntoASegmentMadeByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.newSegment("VIPs")
	w.do("PUT", "/people/segments/"+id, `{"name":"Guests"}`).is(200)
	mapped := commands.MapColumns{Segment: &events.Segment{ID: id, Name: "Guests"}, Attributes: events.Reserved,
		Mapping: []commands.Column{{Header: "E-mail", Attribute: events.Email}}}
	w.upload(part{"file", "contacts.csv", threeRows}).is(201)
	w.rows(mapped, accepted(1, "ann@x.org", ""), accepted(2, "bob@x.org", ""))
	w.do("POST", "/people/segments/"+id+"/deleteContacts", idsBody("ann@x.org")).is(204)
	s, err := aggregate.LoadSegment(t.Context(), w.log, id)
	if err != nil {
		t.Fatal(err)
	}
	got := w.get("/people/segments/" + id + "/members?after=" + s.Position.String()).is(200).json()["contacts"].([]any)
	if len(got) != 1 || got[0].(map[string]any)["email"] != "bob@x.org" {
		t.Error(got)
	}
}

func TestAttributesAreCreatedByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	created := w.do("POST", "/people/attributes", `{"name":"shoe size","type":"number"}`).is(201)
	if strings.TrimSpace(string(created.body)) != `{"name":"shoe size","type":"number","reserved":false}` || created.header.Get("Location") != "/people/attributes/shoe%20size" {
		t.Errorf("%s %v", created.body, created.header)
	}
	position := created.header.Get("X-Ledger-Position")
	if got := w.get("/people/attributes/shoe%20size?after=" + position).is(200); strings.TrimSpace(string(got.body)) != `{"name":"shoe size","type":"number","reserved":false,"segmentIds":[]}` {
		t.Errorf("%s", got.body)
	}
	if again := w.do("POST", "/people/attributes", `{"name":"shoe size","type":"number"}`).is(201); again.header.Get("X-Ledger-Position") != position {
		t.Error(again.header)
	}
	w.do("POST", "/people/attributes", `{"name":"shoe size","type":"string"}`).fails(409, "attribute-exists")
	w.do("POST", "/people/attributes", `{"name":"shoe size"}`).fails(409, "attribute-exists")
	w.do("POST", "/people/attributes", `{"name":"Shoe size"}`).is(201) // another one, of type string
	w.do("POST", "/people/attributes", `{"name":"`+long(100)+`","type":"boolean"}`).is(201)
	if all := w.get("/people/attributes?after=" + position).is(200).list(); len(all) != 12 || all[9]["name"] != "Shoe size" || all[9]["type"] != "string" || all[9]["reserved"] != false {
		t.Error(all)
	}
	w.do("POST", "/people/attributes", `{"name":"email"}`).fails(422, "attribute-reserved")
	for _, body := range []string{`{}`, `{"name":""}`, `{"name":"\t"}`, `{"name":"` + long(101) + `"}`, `{"name":"x","type":"timestamp"}`} {
		w.do("POST", "/people/attributes", body).fails(422, "invalid-request")
	}
}
