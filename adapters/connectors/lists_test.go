package connectors

import (
	"testing"
)

func TestFilesAreListedAndCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.connector(t, SFTP)
	quiet, _ := w.connector(t, FTPS)
	for i, outcome := range []string{Imported, Failed, Imported, Quarantined, ""} {
		f := stored{importID: w.deps.NewID(), connectorID: c.ID, name: string(rune('a'+i)) + ".csv", state: waiting}
		if err := w.announce(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		state, ended := done, any(w.clock())
		if outcome == "" {
			state, ended = importing, nil
		}
		if _, err := w.deps.DB.Exec(t.Context(), "UPDATE ledger.connector_files SET state = $2, outcome = nullif($3, ''), ended_at = $4 WHERE import_id = $1", f.importID, state, outcome, ended); err != nil {
			t.Fatal(err)
		}
	}
	all, err := w.Tallies(t.Context(), []string{c.ID, quiet.ID})
	if got := all[c.ID]; err != nil || got.Imported != 2 || got.Failed != 2 || got.LastFile != "e.csv" || got.LastAt.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	if _, ok := all[quiet.ID]; ok {
		t.Error("one without files is counted")
	}
	page, total, err := w.FilesOf(t.Context(), c.ID, 1, 2)
	if err != nil || total != 5 || len(page) != 2 || page[0].Name != "d.csv" || page[0].Outcome != Quarantined || page[1].Name != "c.csv" {
		t.Errorf("%+v of %d, %v", page, total, err)
	}
	if err := w.Remove(t.Context(), quiet.ID); err != nil {
		t.Fatal(err)
	}
	names, err := w.Called(t.Context(), []string{c.ID, quiet.ID, "nobody"})
	if err != nil || len(names) != 2 {
		t.Fatalf("%+v, %v", names, err)
	}
	for _, n := range names {
		if n.Name != "Web shop" || n.Removed != (n.ID == quiet.ID) {
			t.Errorf("%+v", n)
		}
	}
}
