package projections

import (
	"sync"
	"time"

	"importledger/events"
)

// tracked is a read model and what this process knows about how it stands. What
// it knows may be old: another projector may have moved the checkpoint.
type tracked struct {
	*model

	mu       sync.Mutex
	known    bool // position has been read
	position events.Position
	stopped  *Stopped // this process does not project it
	retrying bool     // Retry has it
	rate     rate     // of what this process wrote
	told     rate     // of what projectors announced

	trail trail // where the model trails
}

// at gives the position, if it is known.
func (t *tracked) at() (p events.Position, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.position, t.known
}

// found notes what was read.
func (t *tracked) found(p events.Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known, t.position, t.stopped = true, p, nil
}

// moved notes what was written.
func (t *tracked) moved(p events.Position, events int, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.position = p
	t.rate.add(now, events)
}

// forget makes the next one who needs the position read it, and try anew.
func (t *tracked) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known, t.stopped = false, nil
}

func (t *tracked) stop(why *Stopped) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known, t.stopped = false, why
}

func (t *tracked) why() (stopped *Stopped, retrying bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stopped, t.retrying
}

func (t *tracked) setRetrying(retrying bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.retrying = retrying
}

// heard notes what some projector wrote, maybe this one.
func (t *tracked) heard(events int, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.told.add(now, events)
}

// perSecond does without announcements where there are none.
func (t *tracked) perSecond(now time.Time) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(t.rate.perSecond(now), t.told.perSecond(now))
}

// rateSeconds is over how long a rate is averaged.
const rateSeconds = 5

// rate counts events by the second they were applied in.
type rate [rateSeconds + 1]struct {
	second int64 // Unix epoch
	events int
}

func (r *rate) add(now time.Time, events int) {
	second := now.Unix()
	slot := &r[second%int64(len(r))]
	if slot.second != second {
		slot.second, slot.events = second, 0
	}
	slot.events += events
}

// perSecond leaves out the second that has not ended.
func (r *rate) perSecond(now time.Time) float64 { return float64(r.sum(now, 1)) / rateSeconds }

// perSecondSince is of what began a while ago, maybe less than the seconds over which
// a rate is averaged: then it is of all the time since.
func (r *rate) perSecondSince(began, now time.Time) float64 {
	if since := now.Sub(began); 0 < since && since < rateSeconds*time.Second {
		return float64(r.sum(now, 0)) / since.Seconds()
	}
	return r.perSecond(now)
}

// sum counts the events of the last seconds, from one of an age on.
func (r *rate) sum(now time.Time, youngest int64) (sum int) {
	second := now.Unix()
	for _, slot := range r {
		if age := second - slot.second; youngest <= age && age <= rateSeconds {
			sum += slot.events
		}
	}
	return sum
}
