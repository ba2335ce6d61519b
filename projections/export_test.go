package projections

// LimitFill makes rebuilds leave their bare tables early.
func (p *Projector) LimitFill(remembered, keptBack int) {
	p.fillLimits = fillLimits{remembered: remembered, keptBack: keptBack}
}

// LimitTrail makes read models that trail read the log sooner.
func (p *Projector) LimitTrail(kept int) { p.keptForTrail = kept }
