package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"importledger/adapters/api"
	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// begun is the import that the answers of the fakes are about.
func begun() aggregate.Begun {
	return aggregate.Begun{MappedByActor: "user-2", MappedAt: 1795500001000, Import: aggregate.Import{ID: importID, CreatedBy: "user-1",
		Started: events.ImportStarted{Name: "Fair", File: events.File{Name: "contacts.csv", Header: []string{"E-mail", "City", "Notes"}, Rows: 3}},
		Mapped:  &events.ColumnsMapped{Columns: []events.Column{{Header: "E-mail", Attribute: "email"}, {Header: "City", Attribute: "city", Type: events.String, Create: true}, {Header: "Notes", Skip: true}}}}}
}

func settingAt(row int, attribute, value string) aggregate.Setting {
	raw := "raw " + value
	return aggregate.Setting{Number: int64(row), Import: begun(), Row: row, Line: row + 1, Revision: uint64(row + 1), At: 1795500004000, Raw: &raw}.Of(attribute, json.RawMessage(value))
}

func TestAContactsValuesAreTracedToTheirCells(t *testing.T) {
	w := newWorld(t)
	w.imported()
	earlier := settingAt(1, "city", `"Brugge"`)
	unmapped := settingAt(2, "score", "null")
	unmapped.Raw = nil
	w.imports.origins = []aggregate.Origin{{Attribute: "city", Set: settingAt(3, "city", `"Gent"`), Before: &earlier}, {Attribute: "score", Set: unmapped}}

	got := w.get("/people/contacts/ann@x.org/provenance").is(200).json()
	all := got["attributes"].([]any)
	if got["nxId"] != nxID("ann@x.org").String() || got["complete"] != true || len(all) != 2 || w.imports.traced[0] != nxID("ann@x.org").String()+" email,language" {
		t.Fatalf("%v, asked %v", got, w.imports.traced)
	}
	city, score := all[0].(map[string]any), all[1].(map[string]any)
	set, before := city["set"].(map[string]any), city["before"].(map[string]any)
	want := map[string]any{"value": "Gent", "importId": importID, "importName": "Fair", "fileName": "contacts.csv", "row": 3., "line": 4., "revision": 4., "at": 1795500004000.,
		"column": "City", "raw": `raw "Gent"`, "mappedBy": "user-2", "mappedAt": 1795500001000., "startedBy": "user-1"}
	for key, value := range want {
		if set[key] != value {
			t.Errorf("%s is %v, want %v", key, set[key], value)
		}
	}
	if m := set["mapping"].(map[string]any); m["attribute"] != "city" || m["header"] != "City" || len(set) != len(want)+1 {
		t.Errorf("%v", set)
	}
	if before["value"] != "Brugge" || before["row"] != 1. {
		t.Errorf("before: %v", before)
	}
	cleared := score["set"].(map[string]any)
	if score["before"] != nil || cleared["value"] != nil || cleared["column"] != nil || cleared["mapping"] != nil || cleared["raw"] != nil {
		t.Errorf("%v", score)
	}
	w.get("/people/contacts/nobody@x.org/provenance").fails(404, "contact-not-found")
}

func TestAnAttributesHistoryIsReadPageByPage(t *testing.T) {
	w := newWorld(t)
	w.imported()
	w.imports.origins = []aggregate.Origin{{Attribute: "city", Set: settingAt(3, "city", `"Gent"`)}}
	id := nxID("ann@x.org").String()
	first := w.get("/people/contacts/ann@x.org/provenance/city?before=9&limit=1").is(200).json()
	if items := first["items"].([]any); len(items) != 1 || first["attribute"] != "city" || first["next"] != "/people/contacts/"+id+"/provenance/city?before=4&limit=1" {
		t.Errorf("%v", first)
	}
	if w.imports.traced[0] != id+" city 9 1" {
		t.Errorf("asked %v", w.imports.traced)
	}
	if last := w.get("/people/contacts/" + id + "/provenance/nothing").is(200).json(); last["next"] != nil || len(last["items"].([]any)) != 0 {
		t.Errorf("%v", last)
	}
}

func TestImportsOfAContactAreListedWithTheirRows(t *testing.T) {
	w := newWorld(t)
	w.imported()
	got := w.get("/people/contacts/bob@x.org/imports").is(200).json()
	all := got["imports"].([]any)
	one := all[0].(map[string]any)
	if len(all) != 1 || one["importId"] != importID || one["fileName"] != "contacts.csv" || one["rowCount"] != 1. || one["rows"].([]any)[0] != 2. || one["createdAt"] == nil {
		t.Errorf("%v", got)
	}
	if p := got["pagination"].(map[string]any); p["totalRecord"] != 1. || strings.Contains(p["first"].(string), "bob") {
		t.Errorf("%v", p)
	}
}

func TestARowIsShownWithItsCellsAndWhatTheySet(t *testing.T) {
	w := newWorld(t)
	accepted := events.RowAccepted{Row: 1, Line: 2, Contact: events.Contact{NxID: nxID("ann@x.org"), Attributes: json.RawMessage(`{"email":"ann@x.org","city":null}`)}}
	rejected := events.RowRejected{Row: 2, Line: 3, Errors: []events.RowError{{Code: "row-width", Message: "m"}}}
	w.imports.outcomes = map[int]aggregate.Outcome{
		1: {Import: begun(), Row: 1, Line: 2, Revision: 2, At: 5, Accepted: &accepted, Cells: []string{"Ann@x.org", "", "n"}},
		2: {Import: begun(), Row: 2, Line: 3, Revision: 3, At: 5, Rejected: &rejected, Cells: []string{"a", "b", "c", "d"}},
		3: {Import: begun(), Row: 3, Line: 4, Revision: 4, At: 5, Rejected: &rejected, Text: `"open`},
	}
	path := "/people/imports/" + importID + "/rows/"
	one := w.get(path + "1").is(200).json()
	cells := one["cells"].([]any)
	mail, city, note := cells[0].(map[string]any), cells[1].(map[string]any), cells[2].(map[string]any)
	if one["outcome"] != "accepted" || one["nxId"] != nxID("ann@x.org").String() || len(cells) != 3 || one["event"] != nil || one["text"] != nil {
		t.Errorf("%v", one)
	}
	if mail["set"] != true || mail["value"] != "ann@x.org" || mail["raw"] != "Ann@x.org" || city["set"] != true || city["value"] != nil || note["set"] != false || note["mapping"].(map[string]any)["skip"] != true {
		t.Errorf("%v", cells)
	}
	two := w.get(path + "2").is(200).json()
	if cells := two["cells"].([]any); two["outcome"] != "rejected" || two["nxId"] != nil || len(cells) != 4 || cells[3].(map[string]any)["column"] != nil || two["errors"].([]any)[0].(map[string]any)["code"] != "row-width" {
		t.Errorf("%v", two)
	}
	if three := w.get(path + "3").is(200).json(); three["cells"] != nil || three["text"] != `"open` {
		t.Errorf("%v", three)
	}
	w.get(path+"4").fails(404, "row-not-found")
	w.get(path+"0").fails(422, commands.InvalidRequest)
}

func TestTracingNeedsBothScopes(t *testing.T) {
	w := newWorld(t)
	w.imported()
	for _, scopes := range []string{api.ContactsRead, api.AuditRead} {
		r := w.request("GET", "/people/contacts/ann@x.org/provenance", "")
		r.Header.Set("Authorization", "Bearer "+scopes)
		w.send(r).fails(403, "scope-missing")
	}
	r := w.request("GET", "/people/contacts/ann@x.org/provenance", "")
	r.Header.Set("Authorization", "Bearer "+api.ContactsRead+","+api.AuditRead)
	w.send(r).is(200)
}
