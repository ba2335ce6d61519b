package connectors

import (
	"errors"
	"testing"
	"time"
)

// twin is another process on the same database.
func (w *world) twin() *Connectors {
	other := *w.Connectors
	other.wake, other.sessions, other.turns = make(chan struct{}, 1), newSessions(), newTurns()
	return &other
}

func TestSessionsAreBoundedInAllProcessesTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deps.Limits.Sessions = 3
	c, _ := w.connector(t, SFTP)
	other := w.twin()
	enter := func(in *Connectors) (*Session, error) { return in.Enter(t.Context(), c.ID, here, "key", func() {}) }
	first, err := enter(w.Connectors)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []*Connectors{other, w.Connectors} {
		if _, err := enter(in); err != nil {
			t.Fatal(err)
		}
	}
	for _, in := range []*Connectors{w.Connectors, other} {
		if _, err := enter(in); !errors.Is(err, errTooMany) {
			t.Errorf("a fourth session: %v", err)
		}
	}
	first.Leave()
	last, err := enter(other)
	if err != nil {
		t.Errorf("after one has left: %v", err)
	}

	// A process that died says nothing any more; one that lives says it again.
	exec := func(sql string) {
		t.Helper()
		if _, err := pool(w).Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec("UPDATE ledger.connector_sessions SET seen_at = seen_at - interval '1 minute'")
	if err := w.sayOpen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.sweepSessions(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec("TRUNCATE ledger.connector_sessions") // as after a crash of Postgres
	if err := errors.Join(w.sayOpen(t.Context()), other.sayOpen(t.Context())); err != nil {
		t.Fatal(err)
	}
	if _, err := enter(w.Connectors); !errors.Is(err, errTooMany) {
		t.Errorf("after Postgres has crashed: %v", err)
	}
	last.Leave()
	if _, err := enter(w.Connectors); err != nil {
		t.Errorf("after another has left: %v", err)
	}
}

// While one process lets a wrong password wait, another one looks at none.
func TestWrongPasswordsCostTimeInAllProcessesTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, password := w.connector(t, SFTP)
	other := w.twin()
	key := w.attemptKeys(c.Username, here)[0].digest
	turn, err := w.beginTurn(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, taken, err := other.takeTurn(t.Context(), key); err != nil || taken {
		t.Errorf("another process has a turn too: %v", err)
	}
	came := make(chan error, 1)
	go func() {
		_, err := other.Password(t.Context(), SFTP, c.Username, here, password)
		came <- err
	}()
	if err := turn.keep(t.Context(), time.Minute); err != nil {
		t.Error(err)
	}
	select {
	case err := <-came:
		t.Errorf("it was looked at meanwhile: %v", err)
	default:
	}
	turn.end(t.Context())
	if err := <-came; err != nil {
		t.Errorf("when the turn was over: %v", err)
	}

	// A turn that has passed to another process is not ended by who had it before.
	late := *turn
	late.endHere = func() {}
	theirs, err := other.beginTurn(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	late.end(t.Context())
	if _, taken, err := w.takeTurn(t.Context(), key); err != nil || taken {
		t.Errorf("somebody else's turn was ended: %v", err)
	}
	theirs.end(t.Context())

	// Wrong ones count together, wherever they come in.
	for i := range bannedAt {
		in := []*Connectors{w.Connectors, other}[i%2]
		if _, err := in.Password(t.Context(), SFTP, c.Username, here, "wrong"); !errors.Is(err, errNotAllowed) {
			t.Fatal(err)
		}
	}
	for _, in := range []*Connectors{w.Connectors, other} {
		if _, err := in.Password(t.Context(), SFTP, c.Username, here, password); !errors.Is(err, errManyRefused) {
			t.Errorf("after a ban: %v", err)
		}
	}
	if got := len(w.delays); got != bannedAt {
		t.Errorf("%d answers waited", got)
	}
}
