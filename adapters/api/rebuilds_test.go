package api_test

import (
	"context"
	"strings"
	"testing"

	"importledger/adapters/api"
	"importledger/projections"
)

// rebuildsOf are the rebuilds that GET /ops/projections shows, by projection.
func rebuildsOf(w *world) map[string]map[string]any {
	all := map[string]map[string]any{}
	for _, p := range w.get("/ops/projections").is(200).list() {
		if r, ok := p["rebuild"].(map[string]any); ok {
			all[p["name"].(string)] = r
		}
	}
	return all
}

func TestARebuildIsAskedForPausedResumedAndCanceled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	if got := w.do("POST", "/ops/projections/all/rebuild", "").is(202).json()["rebuilding"].([]any); len(got) != len(projections.Names()) {
		t.Error(got)
	}
	w.do("POST", "/ops/projections/imports_list/rebuild", "").fails(409, "projection-busy")
	keys := []string{"position", "percent", "state", "stage", "rollback", "events", "eventsPerSecond", "secondsLeft", "lastError"}
	for _, state := range []string{"waiting", "paused", "waiting"} { // nobody works on it here
		all := rebuildsOf(w)
		if len(all) != len(projections.Names()) {
			t.Error(all)
		}
		for name, r := range all {
			if r["state"] != state || r["percent"] != 0.0 || r["secondsLeft"] != nil || r["rollback"] != false || len(r) != len(keys) {
				t.Errorf("%s: %v, want %s", name, r, state)
			}
		}
		if state == "waiting" {
			w.do("POST", "/ops/projections/all/rebuild/pause", "").is(200)
		} else {
			w.do("POST", "/ops/projections/all/rebuild/resume", "").is(200)
		}
	}
	w.do("POST", "/ops/projections/error_report/rebuild/cancel", "").is(200)
	w.do("POST", "/ops/projections/error_report/rebuild/pause", "").fails(409, "projection-not-rebuilding")
	if all := rebuildsOf(w); all["error_report"] != nil || len(all) != len(projections.Names())-1 {
		t.Error(all)
	}
	w.do("POST", "/ops/projections/all/rebuild/cancel", "").is(200)
	for _, step := range []string{"pause", "resume", "cancel"} {
		w.do("POST", "/ops/projections/all/rebuild/"+step, "").fails(409, "projection-not-rebuilding")
		w.do("POST", "/ops/projections/nothing/rebuild/"+step, "").fails(404, "projection-not-found")
	}
}

func TestTheLimitOfRebuildsIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for body, want := range map[string]any{`{"eventsPerSecond":5000}`: 5000.0, `{"eventsPerSecond":null}`: nil} {
		w.do("PUT", "/ops/rebuild-limit", body).is(200)
		if got := w.get("/ops/rebuild-limit").is(200).json(); got["eventsPerSecond"] != want || len(got) != 1 {
			t.Error(got)
		}
	}
	for _, body := range []string{`{"eventsPerSecond":0}`, `{"eventsPerSecond":-1}`, `{"eventsPerSecond":"fast"}`, `{}`} {
		if got := w.do("PUT", "/ops/rebuild-limit", body); got.status != 422 && got.status != 400 {
			t.Errorf("%s: %d", body, got.status)
		}
	}
}

func TestARollbackSaysWhyItCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.imported()
	w.do("POST", "/ops/projections/contact_state/rollback", "").fails(409, "projection-rollback-missing")
	w.do("POST", "/ops/projections/nothing/rollback", "").fails(404, "projection-not-found")
	if err := w.log.projector.Rebuild(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, p := range w.get("/ops/projections").is(200).list() {
		if previous := p["previous"].(map[string]any); previous["usable"] != true || previous["until"].(float64)-previous["replacedAt"].(float64) != 24*60*60*1000 {
			t.Error(p)
		}
	}
	w.do("POST", "/ops/projections/contact_state/rollback", "").is(202)
	if r := rebuildsOf(w)["contact_state"]; r["rollback"] != true {
		t.Error(r)
	}
}

// What is not the name of a projection is somebody's text: it does not come into the log.
func TestTheAuditLogNotesOnlyNamesOfProjections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := len(w.visitors.notes())
	for _, what := range []string{"rebuild", "rebuild/pause", "rebuild/resume", "rebuild/cancel", "rollback", "retry"} {
		w.do("POST", "/ops/projections/nothing/"+what, "").fails(404, "projection-not-found")
		w.do("POST", "/ops/projections/"+strings.Repeat("n", 101)+"/"+what, "").fails(422, "invalid-request")
	}
	if notes := w.visitors.notes(); len(notes) != before {
		t.Error(notes)
	}
	w.do("PUT", "/ops/rebuild-limit", `{"eventsPerSecond":5000}`).is(200)
	w.do("PUT", "/ops/rebuild-limit", `{"eventsPerSecond":null}`).is(200)
	notes := strings.Join(w.visitors.notes()[before:], "\n")
	for _, want := range []string{"rebuilds.limited", "5000 events a second", "off"} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is not in %s", want, notes)
		}
	}
}

// differing is a ledger whose read models are not what the log says.
type differing struct {
	api.Projections
	found projections.Verification
}

func (d differing) Verify(context.Context, []string) (projections.Verification, error) {
	return d.found, nil
}

func TestDifferingRowsAreNamedAndTheirValuesAreForThoseWhoMaySeeThem(t *testing.T) {
	t.Parallel()
	changed := projections.Difference{Table: "contacts", Kind: projections.RowChanged, Key: map[string]string{"nx_id": "7"},
		Columns: []projections.DifferingColumn{{Name: "attributes", Table: `{"city": "Gent"}`, Log: `{"city": "Mons"}`}}}
	missing := projections.Difference{Table: "contacts", Kind: projections.RowMissing, Key: map[string]string{"nx_id": "8"},
		Columns: []projections.DifferingColumn{{Name: "attributes", Log: `{"city": "Liège"}`}}}
	w := newWorld(t, func(c *api.Config) {
		c.Projections = differing{c.Projections, projections.Verification{Projections: []projections.Verified{
			{Name: projections.ContactState, Rows: 3, Differences: 2, Differing: []projections.Difference{changed, missing}}}}}
	})
	verify := func(scopes, query string) []any {
		r := w.request("POST", "/ops/projections/verify"+query, "")
		r.Header.Set("Authorization", "Bearer "+scopes)
		got := w.send(r).is(200)
		if scopes != "all" && strings.Contains(string(got.body), "Mons") {
			t.Errorf("%s may not see that: %s", scopes, got.body)
		}
		all, _ := got.json()["projections"].([]any)[0].(map[string]any)["differing"].([]any)
		return all
	}
	if all := verify("all", ""); all != nil {
		t.Errorf("nobody asked for rows: %v", all)
	}
	if all := verify("all", "?differing=1"); len(all) != 1 {
		t.Errorf("one was asked for: %v", all)
	}
	all := verify("all", "?differing=100")
	first, second := all[0].(map[string]any), all[1].(map[string]any)
	column, lost := first["columns"].([]any)[0].(map[string]any), second["columns"].([]any)[0].(map[string]any)
	if first["table"] != "contacts" || first["kind"] != "changed" || first["key"].(map[string]any)["nx_id"] != "7" || column["name"] != "attributes" ||
		column["table"] != changed.Columns[0].Table || column["log"] != changed.Columns[0].Log || second["kind"] != "missing" || lost["table"] != nil || lost["log"] == nil {
		t.Error(all)
	}
	for _, scopes := range []string{"ops:write", "ops:write,contacts:read", "ops:write,audit:read"} {
		column := verify(scopes, "?differing=100")[0].(map[string]any)["columns"].([]any)[0].(map[string]any)
		if column["name"] != "attributes" || column["table"] != nil || column["log"] != nil {
			t.Errorf("%s: %v", scopes, column)
		}
	}
	w.do("POST", "/ops/projections/verify?differing=101", "").fails(422, "invalid-request")
}
