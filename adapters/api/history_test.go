package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"importledger/events"
)

func revisions(t *testing.T, a answer) []int {
	t.Helper()
	var page struct{ Items []struct{ Revision int } }
	if err := json.Unmarshal(a.is(200).body, &page); err != nil {
		t.Fatal(err)
	}
	all := []int{}
	for _, i := range page.Items {
		all = append(all, i.Revision)
	}
	return all
}

const historyPath = "/people/imports/" + importID + "/history"

func TestAHistoryIsTheEventsAsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	got := w.get(historyPath).is(200)
	page := got.json()
	items := page["items"].([]any)
	row := items[2].(map[string]any)
	data := row["data"].(map[string]any)
	if row["type"] != "RowAccepted" || row["revision"] != 2.0 || row["at"] != 1795500004000.0 || row["actor"] != "worker" || data["row"] != 1.0 ||
		!strings.HasPrefix(row["summary"].(string), "Row 1 accepted as contact ") || len(row) != 6 {
		t.Errorf("%v", row)
	}
	recorded, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	var want any
	if err := json.Unmarshal(w.log.recorded[2].Data, &want); err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(want); err != nil || string(again) != string(recorded) {
		t.Errorf("%s is not %s: %v", recorded, again, err)
	}
	if rejection := items[4].(map[string]any); rejection["data"].(map[string]any)["row"] != 3.0 || rejection["type"] != "RowRejected" {
		t.Error(rejection)
	}
}

func TestAHistoryIsReadInPagesBothWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	for query, want := range map[string][]int{
		"": {0, 1, 2, 3, 4, 5}, "?limit=2": {0, 1}, "?from=2&limit=2": {2, 3}, "?from=5": {5}, "?from=6": {}, "?direction=backward&limit=2": {5, 4},
		"?direction=backward&from=1": {1, 0}, "?direction=backward&from=99&limit=1": {5}, "?direction=backward&from=0": {0},
	} {
		if got := revisions(t, w.get(historyPath+query)); !slices.Equal(got, want) {
			t.Errorf("%s: %v", query, got)
		}
	}
	for _, direction := range []string{"forward", "backward"} {
		all, next := []int{}, historyPath+"?limit=4&direction="+direction
		for next != "" {
			page := w.get(next).is(200)
			all = append(all, revisions(t, page)...)
			p := page.json()["pagination"].(map[string]any)
			if p["totalRecord"] != 6.0 {
				t.Error(p)
			}
			next, _ = p["next"].(string)
		}
		if len(all) != 6 || all[0]+all[5] != 5 {
			t.Errorf("%s: %v", direction, all)
		}
	}
	for query, status := range map[string]int{"limit=0": 422, "limit=1001": 422, "direction=up": 422, "from=x": 400, "from=-2": 422} {
		if got := w.get(historyPath + "?" + query); got.status != status {
			t.Errorf("%s: %d", query, got.status)
		}
	}
	w.get("/people/imports/01JDABCDEFGHJKMNPQRSTVWXYY/history").fails(404, "import-not-found")
}

func TestAHistoryStreamsAllItsEventsAsLines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	for query, want := range map[string]string{"": "0 1 2 3 4 5", "?from=4": "4 5", "?from=6": "", "?direction=backward&limit=2": "5 4 3 2 1 0"} {
		r := w.request("GET", historyPath+query, "")
		r.Header.Set("Accept", "application/x-ndjson")
		got := w.send(r).is(200)
		if got.header.Get("Content-Type") != "application/x-ndjson" {
			t.Error(got.header)
		}
		var all []string
		for line := range strings.Lines(string(got.body)) {
			var e struct{ Revision int }
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprint(e.Revision))
		}
		if strings.Join(all, " ") != want {
			t.Errorf("%s: %v", query, all)
		}
	}
	r := w.request("GET", "/people/imports/01JDABCDEFGHJKMNPQRSTVWXYY/history", "")
	r.Header.Set("Accept", "application/x-ndjson")
	w.send(r).fails(404, "import-not-found")
	r = w.request("GET", historyPath, "")
	r.Header.Set("Accept", "text/html, */*;q=0.8")
	w.send(r).is(200).json()
}

func TestAHistoryShowsAnEventThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	w.log.set(func(l *ledger) {
		l.held = true
		l.recorded = append(l.recorded, events.Recorded{Stream: events.ImportStream(importID), Revision: 6, Type: "RowForgotten", Data: []byte(`{"row":1}`), Metadata: []byte(`{}`)},
			events.Recorded{Stream: events.ImportStream(importID), Revision: 7, Type: "RowAccepted", Data: []byte(`{"row`), Metadata: []byte(`{}`)})
	})
	items := w.get(historyPath + "?from=6").is(200).json()["items"].([]any)
	if e := items[0].(map[string]any); e["type"] != "RowForgotten" || e["data"].(map[string]any)["row"] != 1.0 || e["summary"] == "" {
		t.Error(e)
	}
	if e := items[1].(map[string]any); e["data"] != nil {
		t.Error(e)
	}
}

func TestAnImportCanBeSeenAsItStood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	for revision, want := range []string{"preparing 0 0", "importing 0 0", "importing 1 0", "importing 2 0", "importing 2 1", "imported 2 1"} {
		o := w.get(fmt.Sprintf("/people/imports/%s/at/%d", importID, revision)).is(200).json()
		if got := fmt.Sprint(o["state"], " ", o["rowsImported"], " ", o["rowsInError"]); got != want || o["revision"] != float64(revision) {
			t.Errorf("%d: %s", revision, got)
		}
	}
}
