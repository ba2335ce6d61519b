package api_test

import (
	"slices"
	"strings"
	"testing"

	"importledger/commands"
)

func TestContactsAreListedCountedAndFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.do("POST", "/people/contacts", "").is(200); strings.TrimSpace(string(got.body)) !=
		`{"pagination":{"totalRecord":0,"page":1,"pageSize":50,"returnedRecord":0,"remainingRecord":0,"first":null,"next":null,"last":null,"previous":null},"items":[]}` {
		t.Fatalf("%s", got.body)
	}
	w.imported()
	first := w.do("POST", "/people/contacts?page=1&pageSize=1&sort=createdAt:desc", "{}").is(200).json()
	p := first["pagination"].(map[string]any)
	if p["totalRecord"] != 2.0 || p["remainingRecord"] != 1.0 || p["next"] != "/people/contacts?page=2&pageSize=1&sort=createdAt%3Adesc" || len(first["items"].([]any)) != 1 {
		t.Error(first)
	}
	w.do("POST", "/people/contacts?sort=name:desc", "").fails(422, "invalid-request")
	w.do("POST", "/people/contacts", `{"condition":{"all":[]}}`).fails(422, "condition-invalid")
	w.do("POST", "/people/contacts", `{"condition":null}`).is(200)
	w.do("POST", "/people/contacts", `{"odd":1}`).fails(422, "invalid-request")
	if got := w.get("/people/contacts/count").is(200); strings.TrimSpace(string(got.body)) != `{"count":2}` {
		t.Errorf("%s", got.body)
	}
	want := []string{"nxId", "email", "phone", "externalId", "smsCapable", "unsubscribed", "language", "createdAt", "createdAtNaxai"}
	for _, identifier := range []string{"ann@x.org", nxID("ann@x.org").String()} {
		got := w.get("/people/contacts/" + identifier).is(200)
		if o := got.json(); o["email"] != "ann@x.org" || o["language"] != "fr" || o["phone"] != nil || o["createdAtNaxai"] != 1795500004000.0 || o["createdAt"] != 1795500004000.0 {
			t.Error(o)
		}
		if keys := keysInOrder(t, got.body); !slices.Equal(keys, want) {
			t.Error(keys)
		}
	}
	for _, nobody := range []string{"x@x.org", "odd", nxID("x").String()} {
		for _, below := range []string{"", "/events", "/segments"} {
			w.get("/people/contacts/"+nobody+below).fails(404, "contact-not-found")
		}
	}
	if got := w.get("/people/contacts/ann@x.org/events").is(200); strings.TrimSpace(string(got.body)) !=
		`{"pagination":{"totalRecord":0,"page":1,"pageSize":50,"returnedRecord":0,"remainingRecord":0,"first":null,"next":null,"last":null,"previous":null},"events":[]}` {
		t.Errorf("%s", got.body)
	}
	if got := w.get("/people/contacts/ann@x.org/segments").is(200); strings.TrimSpace(string(got.body)) !=
		`{"segments":[{"id":"segment-1","name":"VIPs","description":null,"type":"manual","predefined":false}]}` {
		t.Errorf("%s", got.body)
	}
}

func TestSegmentsAreListedAndTheirMembersToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.get("/people/segments").is(200); string(got.body) != "[]\n" {
		t.Fatalf("%s", got.body)
	}
	w.imported()
	one := w.get("/people/segments/segment-1").is(200)
	want := []string{"id", "name", "description", "state", "predefined", "type", "modifiedBy", "modifiedAt"}
	if keys := keysInOrder(t, one.body); !slices.Equal(keys, want) {
		t.Error(keys)
	}
	for query, n := range map[string]int{"": 1, "?type=manual": 1, "?type=dynamic": 0, "?exclude-predefined=true": 1, "?attribute=email": 0} {
		if all := w.get("/people/segments" + query).is(200).list(); len(all) != n {
			t.Errorf("%s: %v", query, all)
		}
	}
	if got := w.get("/people/segments/segment-1/countContacts").is(200); strings.TrimSpace(string(got.body)) != `{"count":2}` {
		t.Errorf("%s", got.body)
	}
	page := w.get("/people/segments/segment-1/members?pageSize=1&sort=createdAt:asc").is(200).json()
	if p := page["pagination"].(map[string]any); len(page["contacts"].([]any)) != 1 || p["totalRecord"] != 2.0 ||
		p["next"] != "/people/segments/segment-1/members?page=2&pageSize=1&sort=createdAt%3Aasc" {
		t.Error(page)
	}
	for _, below := range []string{"", "/countContacts", "/members"} {
		w.get("/people/segments/nothing"+below).fails(404, "segment-not-found")
	}
}

func TestAttributesAreTheReservedAndTheAccountsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.upload(part{"file", "contacts.csv", threeRows},
		part{name: "mapping", content: `[{"header":"E-mail","attribute":"email"},{"header":"Notes","attribute":"notes","create":{"type":"number"}}]`}).is(201)
	all := w.get("/people/attributes").is(200).list()
	if len(all) != 10 || all[0]["name"] != "nxId" || all[0]["reserved"] != true || all[9]["name"] != "notes" || all[9]["type"] != "number" || all[9]["reserved"] != false || len(all[9]) != 3 {
		t.Error(all)
	}
	if got := w.get("/people/attributes/notes").is(200); strings.TrimSpace(string(got.body)) != `{"name":"notes","type":"number","reserved":false,"segmentIds":[]}` {
		t.Errorf("%s", got.body)
	}
	w.get("/people/attributes/Notes").fails(404, "attribute-not-found")
	if got := w.get("/people/imports/" + importID).is(200); !strings.Contains(string(got.body), `{"header":"Notes","skip":false,"attribute":"notes","create":{"type":"number"}}`) {
		t.Errorf("%s", got.body)
	}
}

func TestTheKeyIdentifierCanBeChangedWhileThereAreNoContacts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const path = "/people/contacts/keyIdentifier"
	if got := w.get(path).is(200); strings.TrimSpace(string(got.body)) != `{"Identifier":"email"}` {
		t.Fatalf("%s", got.body)
	}
	if got := w.do("PUT", path, `{"identifier":"phone"}`).is(200); strings.TrimSpace(string(got.body)) != `{"Identifier":"phone"}` || w.account.key != "phone" ||
		got.header.Get("X-Ledger-Position") != "7" {
		t.Fatalf("%s", got.body)
	}
	w.do("PUT", path, `{"identifier":"name"}`).fails(422, "invalid-request")
	w.upload(part{"file", "contacts.csv", threeRows}, part{name: "mapping", content: mapping}).is(201)
	w.do("PUT", path, `{"identifier":"email"}`).fails(409, "import-running")
	w.rows(rejected(1), accepted(2, "bob@x.org", ""), rejected(3), commands.Complete{})
	w.do("PUT", path, `{"identifier":"email"}`).fails(409, "contacts-exist")
	w.do("PUT", path, `{"identifier":"phone"}`).is(200)
}
