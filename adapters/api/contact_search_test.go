package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"importledger/commands"
	"importledger/events"
)

// shoppers imports four contacts with an event each.
func (w *world) shoppers() {
	w.t.Helper()
	const file = "E-mail,City,Age,VIP\nann@x.org,Gent,31,\nBob@x.org,Liège,7,\ncy@y.org,,,\ndee@y.org,gent,40,\n"
	w.upload(part{"file", "shoppers.csv", file}, part{name: "mapping", content: `[{"header":"E-mail","attribute":"email"},
		{"header":"City","attribute":"city","create":{"type":"string"}},{"header":"Age","attribute":"age","create":{"type":"number"}},
		{"header":"VIP","attribute":"vip","create":{"type":"boolean"}}]`}).is(201)
	row := func(n int, email, more string, bought int64) commands.Command {
		c := accepted(n, email, more).(commands.RowAccepted)
		c.Event = &events.ContactEvent{ID: nxID(fmt.Sprint(n)), Name: "bought", At: bought, Properties: []byte(fmt.Sprintf(`{"price":%d}`, n*10))}
		return c
	}
	w.rows(row(1, "ann@x.org", `,"city":"Gent","age":31,"vip":true`, 1795500000000), row(2, "Bob@x.org", `,"city":"Liège","age":7`, 1795400000000),
		row(3, "cy@y.org", `,"createdAt":1600000000000`, 1795300000000), row(4, "dee@y.org", `,"city":"gent","age":40,"vip":false,"phone":"32478112233"`, 1700000000000), commands.Complete{})
}

func (w *world) search(query, condition string) []string {
	w.t.Helper()
	got := w.do("POST", "/people/contacts?"+query, `{"condition":`+condition+`}`).is(200).json()
	found := []string{}
	for _, c := range got["items"].([]any) {
		email, _, _ := strings.Cut(c.(map[string]any)["email"].(string), "@")
		found = append(found, email)
	}
	if p := got["pagination"].(map[string]any); !strings.Contains(query, "page") && p["totalRecord"] != float64(len(found)) {
		w.t.Errorf("%s: %v of %d", condition, p, len(found))
	}
	return found
}

func TestContactsAreFoundByConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shoppers()
	attribute := func(rest string) string { return `{"all":[{"attribute":{` + rest + `}}]}` }
	event := func(rest string) string { return `{"all":[{"event":{"name":"bought"` + rest + `}}]}` }
	for condition, want := range map[string]string{
		`null`: "ann Bob cy dee",
		`{}`:   "ann Bob cy dee",
		attribute(`"field":"city","operator":"eq","value":"gent"`):                             "ann dee",
		attribute(`"field":"city","operator":"not-eq","value":"gent"`):                         "Bob cy",
		attribute(`"field":"city","operator":"eq","value":"LIÈGE"`):                            "Bob",
		attribute(`"field":"email","operator":"eq","value":"bob@X.org"`):                       "Bob",
		attribute(`"field":"email","operator":"ends-with","value":"@y.org"`):                   "cy dee",
		attribute(`"field":"age","operator":"gt","value":7`):                                   "ann dee",
		attribute(`"field":"age","operator":"between","values":[7,31]`):                        "ann Bob",
		attribute(`"field":"vip","operator":"is-true"`):                                        "ann",
		attribute(`"field":"vip","operator":"is-not-set"`):                                     "Bob cy",
		attribute(`"field":"phone","operator":"exists","value":null`):                          "dee",
		attribute(`"field":"createdAt","operator":"is-timestamp-before","value":"2021-01-01"`): "cy",
		event(``): "ann Bob cy dee",
		event(`,"properties":{"all":[{"name":"price","operator":"gt","value":20}],"any":null}`):                                                                                                                                                       "cy dee",
		event(`,"count":0,"countBoundary":"at-most","timeBoundary":"after","date":1795350000000`):                                                                                                                                                     "cy dee",
		event(`,"count":1,"countBoundary":"at-least","timeBoundary":"before","date":1795350000000,"intervalBoundary":1`):                                                                                                                              "cy dee",
		`{"any":[{"attribute":{"field":"city","operator":"eq","value":"Liège"}},{"all":[{"attribute":{"field":"age","operator":"lt","value":100}},{"event":{"name":"bought","properties":{"all":[{"name":"price","operator":"eq","value":10}]}}}]}]}`: "ann Bob",
	} {
		if got := strings.Join(w.search("sort=email:asc", condition), " "); got != want {
			t.Errorf("%s finds %s, want %s", condition, got, want)
		}
	}
}

func TestContactsAreSortedByAnyAttribute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shoppers()
	for sort, want := range map[string]string{"email:desc": "dee cy Bob ann", "age:asc": "Bob ann dee cy", "age:desc": "dee ann Bob cy", "vip:asc": "dee ann", "email": "ann Bob cy dee"} {
		got := w.search("sort="+sort, `{}`)
		if !strings.HasPrefix(strings.Join(got, " "), want) {
			t.Errorf("%s: %v", sort, got)
		}
		// The same, page by page, whether or not there is a condition.
		var paged []string
		for page := range 4 {
			paged = append(paged, w.search(fmt.Sprintf("sort=%s&pageSize=1&page=%d", sort, page+1), `{"all":[{"attribute":{"field":"email","operator":"exists"}}]}`)...)
		}
		if !slices.Equal(got, paged) {
			t.Errorf("%s: %v page by page, %v at once", sort, paged, got)
		}
	}
	if got := w.search("sort=createdAt:asc", `null`); got[0] != "cy" {
		t.Errorf("the oldest is %v", got)
	}
	if got := w.search("pageSize=2&page=3", `null`); len(got) != 0 {
		t.Error(got)
	}
	details := w.do("POST", "/people/contacts?sort=town:asc", "").fails(422, "invalid-request")
	if d := details[0].(map[string]any); d["field"] != "sort" || d["code"] != "attribute-unknown" {
		t.Error(details)
	}
}

func TestAWrongSearchIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	details := w.do("POST", "/people/contacts", `{"condition":{"all":[{"attribute":{"field":"city","operator":"eq","value":"x"}}]}}`).fails(422, "condition-invalid")
	if d := details[0].(map[string]any); d["field"] != "condition.all[0].attribute.field" || d["code"] != "attribute-unknown" {
		t.Error(details)
	}
	details = w.do("POST", "/people/contacts", `{"conditions":{}}`).fails(422, "invalid-request")
	if d := details[0].(map[string]any); d["code"] != "unknown-key" {
		t.Error(details)
	}
	for _, body := range []string{`{"condition":`, `{`, `[]`, `7`, `"x"`, `{"condition":{}}x`} {
		w.do("POST", "/people/contacts", body).fails(http.StatusBadRequest, "malformed")
	}
	w.do("POST", "/people/contacts", `{"condition":{"all":[{"attribute":{"field":"email","operator":"eq","value":"a\u0000"}}]}}`).fails(422, "condition-invalid")
}
