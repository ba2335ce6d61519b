package aggregate_test

import (
	"context"
	"errors"
	"iter"

	"importledger/aggregate"
	"importledger/events"

	"pgregory.net/rapid"
)

// race runs several processes on one log, one call at a time: which process is
// next, and which of them dies, just before or just after an append, is drawn. So
// every failure is repeated by its seed, and the state of the log can be looked at
// after every single append.
type race struct {
	log   *streams
	moved chan *racer // a process waits for its next call, or has ended
}

// racer is one process.
type racer struct {
	race  *race
	turn  chan fate
	ended bool
	err   error
}

type fate int

const (
	goesOn fate = iota
	diesBefore
	diesAfter
)

var errDied = errors.New("the process has died")

// runRace gives each process its turns until all have ended, and calls check after
// every call to the log. It returns what each ended with.
func runRace(r *rapid.T, l *streams, check func(), processes ...func(aggregate.Streams) error) []error {
	race := &race{log: l, moved: make(chan *racer)}
	var racers, waiting []*racer
	for _, work := range processes {
		p := &racer{race: race, turn: make(chan fate)}
		racers = append(racers, p)
		go func() {
			p.err = work(p)
			p.ended = true
			race.moved <- p
		}()
		<-race.moved
		if !p.ended {
			waiting = append(waiting, p)
		}
	}
	for len(waiting) > 0 {
		n := rapid.IntRange(0, len(waiting)-1).Draw(r, "next")
		p := waiting[n]
		what := goesOn
		if rapid.IntRange(0, 19).Draw(r, "dies") == 0 {
			what = rapid.SampledFrom([]fate{diesBefore, diesAfter}).Draw(r, "when")
		}
		p.turn <- what
		<-race.moved
		check()
		if p.ended {
			waiting = append(waiting[:n:n], waiting[n+1:]...)
		}
	}
	errs := make([]error, len(racers))
	for i, p := range racers {
		errs[i] = p.err
	}
	return errs
}

func (p *racer) wait() fate {
	p.race.moved <- p
	return <-p.turn
}

func (p *racer) Append(ctx context.Context, stream string, expected uint64, batch []events.Proposed) (events.Position, error) {
	what := p.wait()
	if what == diesBefore {
		return events.Position{}, errDied
	}
	position, err := p.race.log.Append(ctx, stream, expected, batch)
	if what == diesAfter {
		return events.Position{}, errDied
	}
	return position, err
}

func (p *racer) Read(ctx context.Context, stream string, from uint64) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		if p.wait() != goesOn {
			yield(events.Recorded{}, errDied)
			return
		}
		p.race.log.Read(ctx, stream, from)(yield)
	}
}

func (p *racer) ReadBack(ctx context.Context, stream string, from uint64) iter.Seq2[events.Recorded, error] {
	return p.race.log.ReadBack(ctx, stream, from)
}
