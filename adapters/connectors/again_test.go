package connectors

import (
	"slices"
	"testing"
)

func TestFilesWhoseImportsAreLostAreTakenAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, _ := w.connector(t, SFTP)
	s := w.enter(t, c.ID)
	w.run(t)
	put(t, s, "/kept.csv", "E-mail\n")
	put(t, s, "/lost.csv", "E-mail\n")
	until(t, "both are done", func() bool { return len(names(t, s, "/processed")) == 2 })
	done, err := Done(t.Context(), pool(w))
	if err != nil || len(done) != 2 || !slices.Equal(done, w.startedIDs()) {
		t.Fatalf("done: %v, %v", done, err)
	}
	w.locked(func() { w.started = w.started[:1] })
	if n, err := TakeAgain(t.Context(), pool(w), done[1:]); err != nil || n != 1 {
		t.Fatalf("%d files, %v", n, err)
	}
	w.tell()
	until(t, "it is taken again, as the same import", func() bool { return slices.Equal(w.startedIDs(), done) })
	until(t, "both are done again", func() bool { return len(names(t, s, "/processed")) == 2 })
}
