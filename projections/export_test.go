package projections

import (
	"context"
	"maps"
	"slices"
)

// LimitFill makes rebuilds leave their bare tables early.
func (p *Projector) LimitFill(remembered, keptBack int) {
	p.fillLimits = fillLimits{remembered: remembered, keptBack: keptBack}
}

// LimitTrail makes read models that trail read the log sooner.
func (p *Projector) LimitTrail(kept int) { p.keptForTrail = kept }

// Work does once what RunRebuilds does again and again.
func (p *Projector) Work(ctx context.Context) (did bool, err error) { return p.work(ctx, nil) }

// Heeds are the events that concern a read model.
func Heeds(name string) (names []string) {
	for _, m := range all() {
		if m.name == name {
			names = slices.Sorted(maps.Keys(m.heeds))
		}
	}
	return names
}
