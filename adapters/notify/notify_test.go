package notify

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"importledger/events"
	"importledger/projections"
)

// TestEachEndIsToldOnce makes each step between an import's end and the answer of its
// receiver fail once, as a process that is killed there does.
func TestEachEndIsToldOnce(t *testing.T) {
	for step, sent := range map[string]int{"": 1, "noticed": 1, "committed": 1, "sending": 1,
		// Killed between the receiver's answer and our note of it, nobody knows that it
		// was sent: it goes out again, under the same id.
		"sent": 2, "recording": 2} {
		t.Run("fault "+step, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			n := w.notifier()
			r := newReceiver(t)
			_, secret := hook(t, n, r.URL)
			queue := work(t, n)
			failOnce(n, step)
			id := w.ended("user-1", completed)
			for {
				err := n.catchUp(t.Context())
				if err == nil {
					break
				}
				if !errors.Is(err, errFault) {
					t.Fatal(err)
				}
			}
			queue.jobs(1)
			look(t, n)
			w.told(1)
			got := r.all()
			if len(got) != sent {
				t.Fatalf("told %d times, want %d", len(got), sent)
			}
			for _, m := range got {
				if m.about(t) != id {
					t.Errorf("told of %s, want %s", m.about(t), id)
				}
				if err := m.verify(secret); err != nil {
					t.Error(err)
				}
			}
			if got := w.count("SELECT count(*) FROM ledger.deliveries WHERE state = 'delivered'"); got != 1 {
				t.Error("the delivery is not noted")
			}
		})
	}
}

func TestEveryEndIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.notifier()
	r := newReceiver(t)
	hook(t, n, r.URL)
	queue := work(t, n)
	var want []string
	for _, last := range []events.Event{completed, events.ImportCanceled{Reason: "no"}, events.ImportFailed{Code: "header-mismatch", Message: "m"}} {
		want = append(want, w.ended("user-1", last))
	}
	w.ended("user-1", events.ColumnsMapped{Columns: []events.Column{{Header: "email", Attribute: "email"}}}) // goes on
	look(t, n)
	queue.jobs(3)
	var got []string
	for _, m := range r.all() {
		got = append(got, m.about(t))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("told of %v, want %v", got, want)
	}
	w.told(3)
}

func TestARebuildTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.notifier()
	r := newReceiver(t)
	hook(t, n, r.URL)
	queue := work(t, n)
	w.ended("user-1", completed)
	w.ended("user-1", events.ImportCanceled{})
	look(t, n)
	queue.jobs(2)
	if err := w.projector.Rebuild(t.Context(), projections.Names(), nil); err != nil {
		t.Fatal(err)
	}
	look(t, n)

	// Nor does a replay into tables that are made anew.
	if _, err := w.db.Exec(t.Context(), "DROP SCHEMA imports_list CASCADE"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.projector.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	look(t, n)
	if err := w.projector.Rebuild(t.Context(), []string{projections.ImportsList}, nil); err != nil {
		t.Fatal(err)
	}
	look(t, n)

	w.ended("user-1", completed)
	look(t, n)
	queue.jobs(1)
	w.told(3)
	if got := len(r.all()); got != 3 {
		t.Errorf("told %d times, want 3", got)
	}
}

func TestAnOldLogIsNoNews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ended("user-1", completed)
	n := w.notifier()
	hook(t, n, newReceiver(t).URL)
	if err := n.Begin(t.Context()); err != nil { // again
		t.Fatal(err)
	}
	look(t, n)
	w.told(0)
	w.ended("user-1", completed)
	look(t, n)
	w.told(1)
	if got := w.count("SELECT count(*) FROM ledger.notifications"); got != 1 {
		t.Errorf("%d in the bell, want 1", got)
	}
}

func TestLateNewsIsForTheBellAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.notifier(func(c *Config) { c.Now = func() time.Time { return time.Now().Add(4 * 24 * time.Hour) } })
	hook(t, n, newReceiver(t).URL)
	w.ended("user-1", completed)
	look(t, n)
	w.told(0)
	if got := w.count("SELECT count(*) FROM ledger.notifications"); got != 1 {
		t.Errorf("%d in the bell, want 1", got)
	}
}

func TestSeveralProcessesTellOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t)
	hook(t, w.notifier(), r.URL)
	const ends = 30
	for range ends {
		w.ended("user-1", completed)
	}
	var processes sync.WaitGroup
	for range 4 {
		n := w.notifier()
		processes.Go(func() {
			if err := n.catchUp(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	processes.Wait()
	w.told(ends)
}

// TestRunTellsByItself has nothing but Run: it hears of a change, and stops in order.
func TestRunTellsByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	changed := make(chan projections.Changed, 1)
	stopped := make(chan struct{})
	n := w.notifier(func(c *Config) {
		c.Changed = func() (<-chan projections.Changed, func()) { return changed, func() { close(stopped) } }
	})
	r := newReceiver(t)
	hook(t, n, r.URL)
	done, unsubscribe := n.queue.Subscribe("job_completed")
	defer unsubscribe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	w.ended("user-1", completed)
	changed <- projections.Changed{All: true}
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("nothing was sent")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	<-stopped
	if got := len(r.all()); got != 1 {
		t.Errorf("told %d times, want 1", got)
	}
}

func TestTheBellCountsWhatWasNotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.notifier()
	ann, bob := w.user("ann@example.org"), w.user("bob")
	first := w.ended(ann, completed)
	second := w.ended(bob, events.ImportFailed{Code: "header-mismatch", Message: "m"})
	look(t, n)
	unread := func(user string, want int) {
		t.Helper()
		if got, err := n.Unread(t.Context(), user); err != nil || got != want {
			t.Errorf("%d unread (%v), want %d", got, err, want)
		}
	}
	unread(ann, 2)
	list, total, err := n.Inbox(t.Context(), ann, 0, 10)
	if err != nil || total != 2 || len(list) != 2 || list[0].Ending.ID != second || list[1].Ending.ID != first || !list[0].Unread {
		t.Fatalf("inbox %+v, %d, %v", list, total, err)
	}
	if got, want := list[0].Ending.Sentence(), "failed (header-mismatch), 0 of 2,000 rows imported"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := n.MarkRead(t.Context(), ann, list[1].Number); err != nil {
		t.Fatal(err)
	}
	unread(ann, 1)
	unread(bob, 2)
	if err := n.MarkRead(t.Context(), ann, 1<<60); err != nil {
		t.Fatal(err)
	}
	unread(ann, 0)
	w.ended(ann, completed)
	look(t, n)
	unread(ann, 1)
}

func TestSentences(t *testing.T) {
	code := "header-mismatch"
	for want, e := range map[string]Ending{
		"20,000 of 20,000 rows imported":                    {State: events.Imported, RowsToImport: 20_000, RowsImported: 20_000},
		"1,234,567 of 1,234,577 rows imported, 10 in error": {State: events.Imported, RowsToImport: 1_234_577, RowsImported: 1_234_567, RowsInError: 10},
		"canceled, 7 of 999 rows imported":                  {State: events.Canceled, RowsToImport: 999, RowsImported: 7},
		"failed (header-mismatch), 0 of 5 rows imported":    {State: events.Failed, RowsToImport: 5, FailedReason: &code},
		"failed, 1 of 5 rows imported, 2 in error":          {State: events.Failed, RowsToImport: 5, RowsImported: 1, RowsInError: 2},
	} {
		if got := e.Sentence(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
