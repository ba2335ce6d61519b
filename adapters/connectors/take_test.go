package connectors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"importledger/adapters/postgres"
	"importledger/commands"
	"importledger/events"
)

func TestFilesAreImportedInTheirOrderEachOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.connector(t, SFTP)
	s := w.enter(t, c.ID)
	// A second process beside the first: its own locks, its own taker.
	twin := *w.Connectors
	twin.deps.TryLock = postgres.NewLocks(pool(w), "connector", slog.New(slog.DiscardHandler)).TryLock
	twin.wake, twin.sessions = make(chan struct{}, 1), newSessions()
	other := &world{Connectors: &twin}
	w.run(t)
	other.run(t)
	var want []string
	for i := range 20 {
		put(t, s, fmt.Sprintf("/%02d.csv", i), "E-mail\n")
		twin.tell()
		want = append(want, fmt.Sprintf("%02d.csv", i))
	}
	until(t, "all are done", func() bool { return slices.Equal(names(t, s, "/processed"), want) })
	ids := w.startedIDs()
	if len(ids) != len(want) || !slices.IsSorted(ids) {
		t.Errorf("imports: %v", ids)
	}
	for _, id := range ids {
		if w.actors[id] != c.ID {
			t.Errorf("import %s is %s's", id, w.actors[id])
		}
	}
}

func pool(w *world) *pgxpool.Pool { return w.deps.DB.(*pgxpool.Pool) }

// noRest makes a taker try again at once.
func noRest(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func TestADroppedAgainFileIsANewImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.connector(t, SFTP)
	s := w.enter(t, c.ID)
	w.run(t)
	for n := 1; n <= 3; n++ {
		put(t, s, "/a.csv", "E-mail\n")
		until(t, "it is done", func() bool { return len(names(t, s, "/processed")) == n })
	}
	ids := w.startedIDs()
	want := []string{"a." + ids[0] + ".csv", "a." + ids[1] + ".csv", "a.csv"}
	if got := names(t, s, "/processed"); !slices.Equal(got, want) {
		t.Errorf("/processed shows %v, want %v", got, want)
	}
	put(t, s, "/a.csv", "bad")
	until(t, "it failed", func() bool { return len(names(t, s, "/failed")) == 2 })
	reason := read(t, s, "/failed/a.csv.reason.txt")
	for _, part := range []string{"a.csv was not imported", commands.HeaderMismatch, `"E-mail"`, w.startedIDs()[3]} {
		if !strings.Contains(reason, part) {
			t.Errorf("the reason lacks %s: %s", part, reason)
		}
	}
	files, err := w.Files(t.Context(), []string{c.ID}, 2)
	if err != nil || len(files[c.ID]) != 2 || files[c.ID][0].Outcome != Failed || files[c.ID][1].Outcome != Imported || files[c.ID][0].ImportID != w.startedIDs()[3] {
		t.Errorf("files: %+v, %v", files, err)
	}
}

func TestAFileWhoseProcessDiedIsTheSameImport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.connector(t, SFTP)
	s := w.enter(t, c.ID)
	put(t, s, "/a.csv", "E-mail\n")
	put(t, s, "/b.csv", "E-mail\n")
	dead := &taker{Connectors: w.Connectors}
	f, ok, err := dead.next(t.Context(), c.ID)
	if err != nil || !ok || f.name != "a.csv" {
		t.Fatalf("%+v, %v, %v", f, ok, err)
	}
	if _, err := (fakeImports{w}).Drop(t.Context(), f.importID, events.Meta{Actor: c.ID}, events.File{Name: f.name}, nil, c.Template); err != nil {
		t.Fatal(err)
	}
	w.run(t)
	until(t, "both are done", func() bool { return len(names(t, s, "/processed")) == 2 })
	if ids := w.startedIDs(); len(ids) != 2 || ids[0] != f.importID {
		t.Errorf("imports: %v", ids)
	}
}

func TestAFileThatCannotBeStartedIsPutAsideAndTheNextComesThrough(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.connector(t, SFTP)
	s := w.enter(t, c.ID)
	put(t, s, "/poison.csv", "x")
	put(t, s, "/next.csv", "x")
	var poison string
	if err := w.deps.DB.QueryRow(t.Context(), "UPDATE ledger.connector_files SET attempts = 8 WHERE name = 'poison.csv' RETURNING import_id").Scan(&poison); err != nil {
		t.Fatal(err)
	}
	w.Connectors.rest = noRest
	w.drop = func(id string) error {
		if id == poison {
			panic("cannot be")
		}
		return nil
	}
	w.run(t)
	until(t, "the next is done", func() bool { return slices.Equal(names(t, s, "/processed"), []string{"next.csv"}) })
	if got := names(t, s, "/failed"); !slices.Equal(got, []string{"poison.csv", "poison.csv.reason.txt"}) {
		t.Errorf("/failed shows %v", got)
	}
	files, err := w.Files(t.Context(), []string{c.ID}, 10)
	if err != nil || files[c.ID][1].Outcome != Quarantined {
		t.Errorf("files: %+v, %v", files, err)
	}
}

func TestAnOutageIsNoReasonToPutAFileAside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.connector(t, SFTP)
	s := w.enter(t, c.ID)
	away := errors.New("away")
	tries := 0
	w.deps.IsTransient = func(err error) bool { return errors.Is(err, away) }
	w.Connectors.rest = noRest
	w.drop = func(string) error {
		if tries++; tries <= 3*maxAttempts {
			return away
		}
		return nil
	}
	put(t, s, "/a.csv", "x")
	w.run(t)
	until(t, "it is done", func() bool { return slices.Equal(names(t, s, "/processed"), []string{"a.csv"}) })
}

func TestRemovingAConnectorStillImportsWhatItHadClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.connector(t, SFTP)
	s := w.enter(t, c.ID)
	put(t, s, "/closed.csv", "x")
	put(t, s, "/held.part", "x")
	if err := w.Remove(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	w.run(t)
	until(t, "it is done", func() bool { return len(names(t, s, "/processed")) == 1 })
	until(t, "the held one is swept", func() bool { return len(names(t, s, "/")) == 0 })
	if again, _ := w.connector(t, SFTP); again.ID == c.ID {
		t.Error("the same connector again")
	}
}
