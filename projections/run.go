package projections

import (
	"errors"
	"slices"

	"importledger/events"
)

// run is a stretch of the log, decoded once for all read models.
type run struct {
	events []events.Envelope // those that could be decoded
	until  events.Position   // how far the log is read; at least the last event's position
	broken []broken          // those that could not, in log order
}

// broken is an event that this program cannot decode.
type broken struct {
	at  events.Recorded
	why error
}

func decode(d *events.Decoder, batch events.Batch) run {
	r := run{events: make([]events.Envelope, 0, len(batch.Events)), until: batch.Until}
	for i := range batch.Events {
		e, err := d.Decode(batch.Events[i])
		if err != nil {
			r.broken = append(r.broken, broken{batch.Events[i], err})
			continue
		}
		r.events = append(r.events, e)
	}
	return r
}

// concerning takes the events that cannot be decoded, and do not concern a model, for
// events that say nothing: they count, and stop nobody.
func (r run) concerning(m *model) run {
	if len(r.broken) == 0 || m.heeds == nil {
		return r
	}
	all := run{until: r.until}
	rest := r.events
	for _, b := range r.broken {
		if m.heeds[b.at.Type] || errors.Is(b.why, events.ErrUnknownEvent) {
			all.broken = append(all.broken, b)
			continue
		}
		before := run{events: rest}.firstAfter(b.at.Position)
		all.events = append(all.events, rest[:before]...)
		all.events = append(all.events, events.Envelope{ID: b.at.ID, Stream: b.at.Stream, Revision: b.at.Revision, Position: b.at.Position, Type: b.at.Type})
		rest = rest[before:]
	}
	all.events = append(all.events, rest...)
	return all
}

// after leaves away what lies up to p.
func (r run) after(p events.Position) run {
	r.events = r.events[r.firstAfter(p):]
	for len(r.broken) > 0 && !p.Before(r.broken[0].at.Position) {
		r.broken = r.broken[1:]
	}
	return r
}

// upTo leaves away what lies after p.
func (r run) upTo(p events.Position) run {
	if !p.Before(r.until) {
		return r
	}
	r.events = r.events[:r.firstAfter(p)]
	r.until = p
	for n := len(r.broken); n > 0 && p.Before(r.broken[n-1].at.Position); n-- {
		r.broken = r.broken[:n-1]
	}
	return r
}

// readable leaves away the first event that could not be decoded and what
// follows it. What is left may be nothing, up to the zero position.
func (r run) readable() run {
	if len(r.broken) == 0 {
		return r
	}
	r.events = r.events[:r.firstAfter(r.broken[0].at.Position)]
	r.until, r.broken = events.Position{}, nil
	if n := len(r.events); n > 0 {
		r.until = r.events[n-1].Position
	}
	return r
}

// last is the mark of the last event; nil: there is none.
func (r run) last() *events.Mark {
	if len(r.events) == 0 {
		return nil
	}
	m := r.events[len(r.events)-1].Mark()
	return &m
}

// trimmed keeps of each event what trim leaves of it.
func (r run) trimmed(trim func(events.Envelope) events.Envelope) run {
	all := make([]events.Envelope, len(r.events))
	for i := range r.events {
		all[i] = trim(r.events[i])
	}
	r.events = all
	return r
}

// halves splits a run of at least two events.
func (r run) halves() (run, run) {
	middle := len(r.events) / 2
	return run{events: r.events[:middle], until: r.events[middle-1].Position},
		run{events: r.events[middle:], until: r.until}
}

// firstAfter is the index of the first event after p.
func (r run) firstAfter(p events.Position) int {
	i, _ := slices.BinarySearchFunc(r.events, p, func(e events.Envelope, p events.Position) int {
		if p.Before(e.Position) {
			return 1
		}
		return -1
	})
	return i
}
