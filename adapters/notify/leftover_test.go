package notify

import (
	"testing"
	"time"

	"importledger/events"
)

// The queue gives up a job whose last attempt a process did not survive; its delivery is
// not left waiting for ever. One that is yet to be tried is left alone.
func TestADeliveryWhoseLastAttemptNobodySurvivedIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	later := time.Now()
	n := w.notifier(func(c *Config) { c.Now = func() time.Time { return later } })
	hook(t, n, "https://example.org/one")
	w.ended("ann", events.ImportCompleted{})
	look(t, n)
	w.ended("ann", events.ImportCompleted{})
	look(t, n)
	exec := func(sql string) {
		t.Helper()
		if _, err := w.db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	// As the queue's rescuer leaves a job that was in its last attempt.
	exec(`UPDATE queue.river_job SET state = 'discarded', attempt = max_attempts, finalized_at = now()
		WHERE (args->>'delivery')::bigint = (SELECT min(id) FROM ledger.deliveries)`)
	for _, step := range []struct {
		age  time.Duration
		want int64
	}{{0, 0}, {2 * time.Minute, 1}, {3 * time.Minute, 0}} {
		later = time.Now().Add(step.age)
		if got, err := n.giveUpLeftovers(t.Context()); err != nil || got != step.want {
			t.Errorf("after %s: %d given up, %v; want %d", step.age, got, err, step.want)
		}
	}
	if got := w.count("SELECT count(*) FROM ledger.deliveries WHERE state = 'failed' AND id = (SELECT min(id) FROM ledger.deliveries)"); got != 1 {
		t.Errorf("%d deliveries have failed", got)
	}
	if got := w.count("SELECT count(*) FROM ledger.deliveries WHERE state = 'waiting'"); got != 1 {
		t.Errorf("%d deliveries wait, want the other one", got)
	}
	if got := w.count("SELECT count(*) FROM ledger.delivery_attempts WHERE problem = '" + leftUnsent + "'"); got != 1 {
		t.Errorf("%d attempts say why", got)
	}
}
