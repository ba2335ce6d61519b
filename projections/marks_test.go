package projections_test

import (
	"testing"

	"importledger/projections"
)

func TestReadModelsKeepTheLastEventTheyHave(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool := projector(t, l)
	for _, r := range must(projections.Marks(t.Context(), pool)) {
		if r.Last != nil {
			t.Errorf("%s has an event before there was any: %+v", r.Name, r.Last)
		}
	}
	last := l.recorded[l.len()-1].Mark()
	feed(t, p, l, 0, l.len(), 3)
	want := func(when string) {
		t.Helper()
		all := must(projections.Marks(t.Context(), pool))
		if len(all) < len(projections.Names()) {
			t.Errorf("%s: %+v", when, all)
		}
		for _, r := range all {
			if r.Last == nil || *r.Last != last || r.Position != last.Position {
				t.Errorf("%s: %s has %+v, want %+v", when, r.Name, r, last)
			}
		}
	}
	want("projected")
	if err := p.Rebuild(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	want("rebuilt")
}

func TestDiscardedReadModelsAreMadeAnew(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 5)
	before := everything(t, pool)
	if err := p.Discard(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := must(projections.Marks(t.Context(), pool)); len(all) != 0 {
		t.Errorf("still there: %+v", all)
	}
	must(p.Ensure(t.Context()))
	feed(t, p, l, 0, l.len(), 5)
	sameRows(t, "made anew", everything(t, pool), before)
}
