package projections

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"importledger/events"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Log is what the projector reads for itself: what a feed does not bring any
// more, and all of it for a rebuild.
type Log interface {
	// CatchUp yields the ledger's events after a position, in log order, in batches
	// of at most batchSize, up to the log's end as of the call. The last batch's
	// Until is that end.
	CatchUp(ctx context.Context, after events.Position, batchSize int) iter.Seq2[events.Batch, error]
}

// Config of a Projector. All of it is required, but for Trails and Watch.
type Config struct {
	// IsTransient tells failures of the way to Postgres, which pass by themselves,
	// from failures of what was asked.
	IsTransient func(error) bool
	Now         func() time.Time
	After       func(time.Duration) <-chan time.Time
	Logger      *slog.Logger
	// Trails says that Trail runs beside what feeds the projector. Else a read model
	// that trails is like any other.
	Trails bool
	// Watch is told of every transaction that brings events into a read model; what it
	// returns is called when that has ended.
	Watch func(context.Context, Transaction) (context.Context, func(error))
}

// Projector keeps the read models at the log's end: one feed for all of them, a
// checkpoint for each. Several projectors, in one process or in several, do no
// harm to each other.
type Projector struct {
	pool   *pgxpool.Pool
	log    Log
	config Config
	models []*tracked

	feeding sync.Mutex // one batch at a time
	decoder events.Decoder
	fed     events.Position // the feed brings what comes after it

	moves  signal
	asking signal // something about rebuilds was asked for here

	fillLimits   fillLimits
	keptForTrail int // events
}

// New makes a projector. Call Ensure before anything else.
func New(pool *pgxpool.Pool, log Log, config Config) *Projector {
	p := &Projector{pool: pool, log: log, config: config, fillLimits: fillLimits{remembered: 1 << 20, keptBack: 10_000}, keptForTrail: keptForTrail}
	for _, m := range all() {
		p.models = append(p.models, &tracked{model: m})
	}
	return p
}

// From gives the position after which a feed has to begin: the lowest checkpoint of
// those read models that do not trail.
// Call it when a feed begins, since it also forgets what has stopped: every read
// model is tried again.
func (p *Projector) From(ctx context.Context) (events.Position, error) {
	p.feeding.Lock()
	defer p.feeding.Unlock()
	var lowest events.Position
	first := true
	for _, t := range p.models {
		if !p.leads(t) {
			continue
		}
		c, err := readCheckpoint(ctx, p.pool, t.name)
		if err != nil {
			return events.Position{}, err
		}
		if first || c.position.Before(lowest) {
			first, lowest = false, c.position
		}
	}
	for _, t := range p.models {
		t.forget()
	}
	p.fed = lowest
	// A projector that was killed may have committed what it could not announce.
	p.announce(ctx, Announcement{Model: ImportsList, Changed: Changed{All: true}})
	return lowest, nil
}

// Handle applies a message whose payload is a marshalled events.Batch. Its error
// asks for the message to come again: what is applied already is not applied twice.
func (p *Projector) Handle(msg *message.Message) error {
	batch, err := events.UnmarshalBatch(msg.Payload)
	if err != nil {
		return err
	}
	return p.Apply(msg.Context(), batch)
}

// Apply brings every read model to the end of a batch, side by side, but for those that
// trail. A read model that is there already, or that has stopped, is left as it is. An
// error says that Postgres or the log could not be reached: the batch has to come again.
func (p *Projector) Apply(ctx context.Context, batch events.Batch) error {
	p.feeding.Lock()
	defer p.feeding.Unlock()
	r := decode(&p.decoder, batch)
	errs := make([]error, len(p.models))
	var working sync.WaitGroup
	for i, t := range p.models {
		if p.leads(t) {
			working.Go(func() { errs[i] = p.follow(ctx, t, r) })
		}
	}
	working.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, t := range p.models {
		if !p.leads(t) {
			p.keep(t, r, p.fed)
		}
	}
	if p.fed.Before(batch.Until) {
		p.fed = batch.Until
	}
	return nil
}

// follow brings one read model to the end of a run.
func (p *Projector) follow(ctx context.Context, t *tracked, r run) error {
	for {
		ready, err := p.ready(ctx, t)
		if err != nil || !ready {
			return err
		}
		// Behind the feed is one that was stopped, or whose last transactions were
		// lost when Postgres crashed.
		if at, _ := t.at(); at.Before(p.fed) {
			err = p.catchUp(ctx, t)
		}
		if err == nil {
			err = p.advance(ctx, t, r)
		}
		if !errors.Is(err, errOvertaken) {
			return err
		}
		t.forget()
	}
}

// ready tells whether this process may project a read model now, and sees to it
// that its position is known.
func (p *Projector) ready(ctx context.Context, t *tracked) (bool, error) {
	stopped, retrying := t.why()
	if retrying {
		return false, nil
	}
	if _, known := t.at(); known {
		return true, nil
	}
	c, err := readCheckpoint(ctx, p.pool, t.name)
	switch {
	case err != nil && p.passes(ctx, err):
		return false, err
	case err != nil:
		p.stopHere(t, &Stopped{Model: t.name, Cause: cause(err)})
		return false, nil
	case c.version != t.version:
		p.stopHere(t, outdated(t.name))
		return false, nil
	case stopped != nil && c.stopped != nil:
		return false, nil //nolint:nilerr // nobody has mended it yet
	}
	t.found(c.position)
	return true, nil
}

// catchUp brings a read model from where it is to the log's end.
func (p *Projector) catchUp(ctx context.Context, t *tracked) error {
	var decoder events.Decoder
	at, _ := t.at()
	for batch, err := range p.log.CatchUp(ctx, at, catchUpBatch) {
		if err != nil {
			return err
		}
		if err := p.advance(ctx, t, decode(&decoder, batch)); err != nil {
			return err
		}
		if stopped, _ := t.why(); stopped != nil {
			return nil
		}
	}
	return nil
}

// catchUpBatch is how many events a transaction takes when the log is read at
// full speed.
const catchUpBatch = 5000

// advance writes what a run has after the checkpoint. A read model that cannot
// take an event has everything before it, and is stopped.
func (p *Projector) advance(ctx context.Context, t *tracked, r run) error {
	at, known := t.at()
	if !known {
		return nil // stopped meanwhile
	}
	r = r.concerning(t.model).after(at)
	if readable := r.readable(); at.Before(readable.until) {
		if err := p.commit(ctx, t, readable); err != nil {
			var stopped *Stopped
			if errors.As(err, &stopped) {
				at, _ = t.at()
				return p.stop(ctx, t, at, stopped)
			}
			return err
		}
	}
	if len(r.broken) > 0 {
		at, _ = t.at()
		return p.stop(ctx, t, at, stoppedByBroken(t.name, r.broken[0]))
	}
	return nil
}

// commit writes a run as one transaction, or as several, down to the one event
// that cannot be written: that is a *Stopped.
func (p *Projector) commit(ctx context.Context, t *tracked, r run) error {
	at, _ := t.at()
	err := p.watched(ctx, t.name, r, func(ctx context.Context) error { return t.write(ctx, p.pool, t.name, at, r, t.fold) })
	switch {
	case err == nil:
		t.moved(r.until, len(r.events), p.config.Now())
		p.moves.broadcast()
		p.announceCommit(ctx, t, r)
		return nil
	case errors.Is(err, errOvertaken) || p.passes(ctx, err):
		return err
	case len(r.events) == 0:
		return &Stopped{Model: t.name, Cause: cause(err)}
	case len(r.events) == 1:
		return stoppedAt(t.name, r.events[0], err)
	}
	first, second := r.halves()
	if err := p.commit(ctx, t, first); err != nil {
		return err
	}
	return p.commit(ctx, t, second)
}

// passes tells failures after which the same may succeed.
func (p *Projector) passes(ctx context.Context, err error) bool {
	return ctx.Err() != nil || p.config.IsTransient(err) || postgresIsBusy(err)
}

// stop ends a read model's projection in this process and says why beside its
// checkpoint. An error says that it is not stopped.
func (p *Projector) stop(ctx context.Context, t *tracked, at events.Position, why *Stopped) error {
	err := t.writeStopped(ctx, p.pool, at, why)
	switch {
	case errors.Is(err, errOvertaken), err != nil && p.passes(ctx, err):
		return err
	case err != nil:
		p.config.Logger.Error("cannot record that a read model has stopped", "model", t.name, "error", cause(err))
	}
	p.stopHere(t, why)
	return nil
}

// stopHere ends a read model's projection in this process only.
func (p *Projector) stopHere(t *tracked, why *Stopped) {
	if before, _ := t.why(); before == nil {
		p.config.Logger.Error("read model has stopped", "model", t.name, "event", why.Event,
			"stream", why.Stream, "revision", why.Revision, "position", why.Position, "cause", why.Cause)
	}
	t.stop(why)
	p.moves.broadcast() // who waits for it need not wait any longer
}

// Retry tries a read model that has stopped again, from where it is to the log's
// end; the feed goes on with it from there. The error is a *Stopped where it stops
// again.
func (p *Projector) Retry(ctx context.Context, name string) error {
	if err := checkNames([]string{name}); err != nil {
		return err
	}
	t := p.tracked(name)
	t.setRetrying(true)
	defer func() {
		t.setRetrying(false)
		if !p.leads(t) { // what came meanwhile was not for it
			t.trail.missed()
		}
	}()
	for {
		again := &tracked{model: t.model}
		ready, err := p.ready(ctx, again)
		if ready && err == nil {
			err = p.catchUp(ctx, again)
		}
		if errors.Is(err, errOvertaken) {
			continue
		}
		if err != nil {
			return err
		}
		if stopped, _ := again.why(); stopped != nil {
			t.stop(stopped)
			return stopped
		}
		t.forget()
		return nil
	}
}

func (p *Projector) tracked(name string) *tracked {
	for _, t := range p.models {
		if t.name == name {
			return t
		}
	}
	return nil
}
