package projections

import (
	"context"
	"slices"

	"importledger/events"
)

// Transaction is a stretch of the log on its way into a read model, for those who
// watch the projector.
type Transaction struct {
	Model  string
	Events int
	Until  events.Position

	envelopes []events.Envelope
}

// maxTraceParents bounds what a watcher is told of where events come from.
const maxTraceParents = 32

// TraceParents are the traces that the events come from, each once.
func (t Transaction) TraceParents() []string {
	var all []string
	last := ""
	for i := range t.envelopes {
		from := t.envelopes[i].Meta.TraceParent
		if from == last || from == "" { // rows of one chunk follow each other
			continue
		}
		if last = from; !slices.Contains(all, from) {
			all = append(all, from)
		}
		if len(all) == maxTraceParents {
			break
		}
	}
	return all
}

// watched runs a transaction between what its watcher begins and ends.
func (p *Projector) watched(ctx context.Context, model string, r run, write func(context.Context) error) error {
	if p.config.Watch == nil || len(r.events) == 0 {
		return write(ctx)
	}
	ctx, end := p.config.Watch(ctx, Transaction{Model: model, Events: len(r.events), Until: r.until, envelopes: r.events})
	err := write(ctx)
	end(err)
	return err
}
