package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	rateWindow = time.Minute
	rateParts  = 50 // of a limit, which processes take one by one
	maxWindows = 8192

	longestTake = time.Second
)

// Limits count requests by the minute, for all processes together. A process takes
// a part of the limit in advance and counts that down by itself, the first one
// without asking: most callers cost no query at all, and the busiest fifty a minute.
// So of P processes, callers get at most P parts more than the limit. While the
// database cannot be asked, each process counts for itself. Safe for concurrent use.
type Limits struct {
	guard *Guard
	mu    sync.Mutex
	of    map[string]*window
}

// window is what one process knows of one caller's minute.
type window struct {
	mu       sync.Mutex
	started  time.Time
	used     int64 // requests here
	taken    int64 // may be used here
	reported int64 // of taken, known to the database
	over     bool  // nothing is left, for anybody
}

// NewLimits makes Limits.
func NewLimits(g *Guard) *Limits { return &Limits{guard: g, of: map[string]*window{}} }

// Caller counts a request of an API client or user. See Allow.
func (l *Limits) Caller(ctx context.Context, id string, perMinute int64) (wait time.Duration, err error) {
	return l.Allow(ctx, "caller "+id, perMinute)
}

// Address counts a request from an address, by what for. See Allow.
func (l *Limits) Address(ctx context.Context, purpose string, from netip.Addr, perMinute int64) (wait time.Duration, err error) {
	return l.Allow(ctx, purpose+" "+placeOf(from), perMinute)
}

// Allow counts a request of somebody against a limit a minute. Over it, wait says
// how long until there is more. An error comes beside an answer, for the log.
func (l *Limits) Allow(ctx context.Context, caller string, perMinute int64) (wait time.Duration, err error) {
	now := l.guard.now()
	w := l.window(caller, now.Truncate(rateWindow))
	part := max(1, perMinute/rateParts)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken == 0 {
		w.taken = part
	}
	if w.used >= w.taken && !w.over {
		err = l.take(ctx, w, caller, part, perMinute)
	}
	if w.over {
		return w.started.Add(rateWindow).Sub(now), err
	}
	w.used++
	return 0, err
}

func (l *Limits) window(caller string, started time.Time) *window {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.of[caller]
	if w != nil && !w.started.Before(started) {
		return w
	}
	if len(l.of) >= maxWindows {
		l.forget(started)
	}
	w = &window{started: started}
	l.of[caller] = w
	return w
}

// forget drops the windows that have passed, and where that is not enough all.
func (l *Limits) forget(started time.Time) {
	for caller, w := range l.of {
		if w.started.Before(started) {
			delete(l.of, caller)
		}
	}
	if len(l.of) >= maxWindows {
		clear(l.of)
	}
}

// take asks for one more part, and reports those that were taken without asking.
func (l *Limits) take(ctx context.Context, w *window, caller string, part, limit int64) error {
	// Others wait for the answer: a database that is silent must not hold them up.
	ctx, cancel := context.WithTimeout(ctx, longestTake)
	defer cancel()
	n := w.taken - w.reported + part
	var used int64
	err := l.guard.db.QueryRow(ctx, `
		INSERT INTO ledger.rate_windows AS r (key, started, used) VALUES ($1, $2, $3)
		ON CONFLICT (key) DO UPDATE SET started = $2, used = CASE WHEN r.started = $2 THEN r.used ELSE 0 END + $3
		WHERE r.started <= $2
		RETURNING used`, digest(l.guard.attempts.key, "rate", caller), w.started, n).Scan(&used)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // another process is in the next minute already
		w.taken += part
		return nil
	case err != nil:
		w.taken += part
		w.over = w.taken > limit+part
		return fmt.Errorf("rate limit: %w", err)
	}
	w.taken += part
	w.reported = w.taken
	w.over = used-part >= limit
	return nil
}
