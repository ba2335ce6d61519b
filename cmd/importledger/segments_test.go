package main

import (
	"net/http"
	"strings"
	"testing"
)

// segmentNow is what a client sees of a segment.
type segmentNow struct {
	ID, Name string
	Count    int
	History  []struct{ Added, Removed, Change, Current int }
}

// segments are all segments, with their counts and days.
func (s *served) segments() []segmentNow {
	s.t.Helper()
	var all []segmentNow
	s.do(http.MethodGet, "/people/segments", "").is(http.StatusOK).into(&all)
	for i := range all {
		s.do(http.MethodGet, "/people/segments/"+all[i].ID+"/countContacts", "").is(http.StatusOK).into(&all[i])
		s.do(http.MethodGet, "/people/segments/"+all[i].ID+"/history", "").is(http.StatusOK).into(&all[i])
	}
	return all
}

// writes does a write and waits until the read models have it.
func (s *served) writes(method, path, body string, status int) reply {
	s.t.Helper()
	r := s.do(method, path, body).is(status)
	after := "?after=" + r.header.Get("X-Ledger-Position")
	s.do(http.MethodGet, "/people/segments"+after, "").is(http.StatusOK)
	s.do(http.MethodGet, "/people/contacts/count"+after, "").is(http.StatusOK)
	return r
}

// verified holds all read models, live and rebuilt, against the log.
func (s *served) verified() {
	s.t.Helper()
	var found verification
	s.do(http.MethodPost, "/ops/projections/verify", "").is(http.StatusOK).into(&found)
	for _, m := range found.Projections {
		if m.Differences != 0 {
			s.t.Errorf("%+v", m)
		}
	}
	if len(found.Projections) == 0 || found.Imports.RowsUnaccounted != 0 {
		s.t.Errorf("%+v", found)
	}
}

// commandImports imports a file into a segment, by the command.
func (s *served) commandImports(t *testing.T, segment string) {
	t.Helper()
	r := newCommandRun(t, []string{"IMPORTLEDGER_CLIENT_ID=" + testClient, "IMPORTLEDGER_CLIENT_SECRET=" + testSecret}, "")
	r.wants(t, exitRowsInError, "import", "testdata/contacts.csv", "--segment", segment, "--yes", "--server", s.base)
}

func TestSegmentsByCommandByImportAndByHand(t *testing.T) {
	t.Parallel()
	s := serveHere(t)
	wants := func(what string, want ...segmentNow) {
		t.Helper()
		all := s.segments()
		for i := range all {
			if len(all) != len(want) || all[i].Name != want[i].Name || all[i].Count != want[i].Count {
				break
			}
			added, removed := 0, 0
			for _, day := range all[i].History {
				added, removed = added+day.Added, removed+day.Removed
			}
			if last := all[i].History[len(all[i].History)-1]; last.Current != want[i].Count || added-removed != want[i].Count {
				t.Errorf("%s: history %+v", what, all[i].History)
			}
			if i == len(want)-1 {
				return
			}
		}
		if len(all)+len(want) > 0 {
			t.Errorf("%s: %+v, want %+v", what, all, want)
		}
	}
	s.commandImports(t, "Fair")
	wants("a new segment", segmentNow{Name: "Fair", Count: 38})
	fair := s.segments()[0].ID
	s.commandImports(t, "Fair")
	wants("the same segment again", segmentNow{Name: "Fair", Count: 38})

	var page struct{ Contacts []struct{ NxID string } }
	s.do(http.MethodGet, "/people/segments/"+fair+"/members?pageSize=3", "").is(http.StatusOK).into(&page)
	some := `{"ids":["` + page.Contacts[0].NxID + `","` + page.Contacts[1].NxID + `"]}`
	s.writes(http.MethodPost, "/people/segments/"+fair+"/deleteContacts", some, http.StatusNoContent)
	wants("two taken out by hand", segmentNow{Name: "Fair", Count: 36})
	s.commandImports(t, "Fair")
	wants("back by their rows", segmentNow{Name: "Fair", Count: 38})

	s.writes(http.MethodPut, "/people/segments/"+fair, `{"name":"Last fair"}`, http.StatusOK)
	s.commandImports(t, "Fair")
	wants("the name was free for a new one", segmentNow{Name: "Fair", Count: 38}, segmentNow{Name: "Last fair", Count: 38})
	s.verified()
	s.do(http.MethodPost, "/ops/projections/all/rebuild", "").is(http.StatusAccepted)
	s.writes(http.MethodDelete, "/people/segments/"+fair, "", http.StatusNoContent)
	wants("one removed", segmentNow{Name: "Fair", Count: 38})
	s.send(s.upload("contacts.csv", contractFile, map[string]string{"mapping": strings.TrimPrefix(mapAll, `"mapping":`), "segment": `{"segmentId":"` + fair + `"}`})).
		is(http.StatusUnprocessableEntity)
}

func TestTypesOfAttributesAreKeptByMappings(t *testing.T) {
	t.Parallel()
	s := serveHere(t)
	s.do(http.MethodPost, "/people/attributes", `{"name":"city","type":"number"}`).is(http.StatusCreated)
	mapping := strings.TrimPrefix(mapAll, `"mapping":`) // wants it of type string, at once
	r := s.send(s.upload("contacts.csv", contractFile, map[string]string{"mapping": mapping})).is(http.StatusUnprocessableEntity)
	if !strings.Contains(string(r.body), `"code":"attribute-type"`) || !strings.Contains(string(r.body), `"column":"City"`) {
		t.Errorf("%s", r.body)
	}
	s.imports("contacts.csv", contractFile, map[string]string{"mapping": strings.Replace(mapping, `"city"`, `"town"`, 1)})
	s.do(http.MethodPost, "/people/attributes", `{"name":"town","type":"number"}`).is(http.StatusConflict)
	s.do(http.MethodPost, "/people/attributes", `{"name":"town","type":"string"}`).is(http.StatusCreated)
	s.verified()
}

func TestTheKeyIdentifierIsFixedByTheFirstContact(t *testing.T) {
	t.Parallel()
	s := serveHere(t)
	const path = "/people/contacts/keyIdentifier"
	key := func(want string) {
		t.Helper()
		if got := strings.TrimSpace(string(s.do(http.MethodGet, path, "").is(http.StatusOK).body)); got != `{"Identifier":"`+want+`"}` {
			t.Errorf("%s, want %s", got, want)
		}
	}
	mapping := strings.TrimPrefix(mapAll, `"mapping":`)
	key("email")
	s.imports("bad.csv", "E-mail;City;Note\nnobody;Gent;a\n", map[string]string{"mapping": mapping}) // makes no contact
	s.writes(http.MethodPut, path, `{"identifier":"phone"}`, http.StatusOK)
	key("phone")
	s.send(s.upload("contacts.csv", contractFile, map[string]string{"mapping": mapping})).is(http.StatusUnprocessableEntity) // no phone in it
	s.writes(http.MethodPut, path, `{"identifier":"email"}`, http.StatusOK)
	s.imports("contacts.csv", contractFile, map[string]string{"mapping": mapping})
	s.do(http.MethodPut, path, `{"identifier":"phone"}`).is(http.StatusConflict)
	s.writes(http.MethodPut, path, `{"identifier":"email"}`, http.StatusOK)
	key("email")
	s.do(http.MethodGet, "/people/contacts/ann@x.org", "").is(http.StatusOK)
}
