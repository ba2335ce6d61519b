package main

import (
	"testing"

	"importledger/adapters/postgres/pgtest"
)

// A cancel is one append among those of a worker that does not wait for anybody.
// Whichever comes first, nothing may come after it.
func TestNothingFollowsACancel(t *testing.T) {
	t.Parallel()
	c := serveOn(t, "IMPORTLEDGER_DATABASE_URL="+pgtest.URL(t))
	imported := 0
	var ids []string
	for generation := range 3 {
		f := contactsOf{generation, 100_000}
		i := midway(t, c, f)
		canceled, position, err := c.cancelImport(t.Context(), i.ID, "the wrong file")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.caughtUp(t.Context(), i.ID, position); err != nil {
			t.Fatal(err)
		}
		shown, _, err := c.getImport(t.Context(), i.ID)
		if err != nil {
			t.Fatal(err)
		}
		if canceled.State != "canceled" || string(canceled.raw) != string(shown.raw) {
			t.Errorf("answered %s\nshown %s", canceled.raw, shown.raw)
		}
		if n := shown.settled(); n == 0 || n >= f.rows {
			t.Errorf("%d of %d rows are decided, which is not in the middle", n, f.rows)
		}
		imported += shown.RowsImported
		ids = append(ids, i.ID)
	}
	// Another import, worked off to its end, shows that the worker has had its time.
	after := contactsOf{3, 2000}
	i, err := after.send(t.Context(), c, "after")
	if err != nil {
		t.Fatal(err)
	}
	after.whole(t, c, i.ID)
	for _, id := range ids {
		shown, _, err := c.getImport(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		log := c.outcomes(t, id)
		if log.err != nil || log.last != "ImportCanceled" || log.accepted != shown.RowsImported || log.rejected != shown.RowsInError ||
			uint64(log.events) != shown.Revision+1 {
			t.Errorf("the log has %+v, shown is %s", log, shown.raw)
		}
	}
	if got, want := c.contacts(t), imported+after.good(); got != want {
		t.Errorf("%d contacts, want %d", got, want)
	}
	c.verified(t)
}
