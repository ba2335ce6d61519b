package projections

// LimitFill makes rebuilds leave their bare tables early.
func (p *Projector) LimitFill(remembered, keptBack int) {
	p.fillLimits = fillLimits{remembered: remembered, keptBack: keptBack}
}
