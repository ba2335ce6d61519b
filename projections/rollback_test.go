package projections_test

import (
	"errors"
	"slices"
	"testing"

	"importledger/projections"
)

func TestARollbackBringsTheTablesOfBeforeUpToTheLogsEnd(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 100)
	for _, name := range projections.Names() {
		var none *projections.NoRollbackError
		if err := p.AskRollback(t.Context(), name); !errors.As(err, &none) || none.OtherVersion {
			t.Errorf("nothing was replaced yet: %v", err)
		}
	}
	before, rebuilt := map[string]string{}, map[string]string{}
	for _, name := range projections.Names() {
		before[name] = identity(t, pool, name)
	}
	if err := p.Rebuild(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	from := l.len()
	importA(l, "later", 200, 100, nil)
	feed(t, p, l, from, l.len(), 50)
	rebuilder(t, p)
	// There and back again: what was rolled back from is kept in its turn.
	for _, want := range []map[string]string{before, rebuilt} {
		for _, name := range projections.Names() {
			if rebuilt[name] == "" {
				rebuilt[name] = identity(t, pool, name)
			}
			if err := p.AskRollback(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			becomes(t, p, name, ended)
			if got := identity(t, pool, name); got != want[name] {
				t.Errorf("%s is %s, want %s", name, got, want[name])
			}
		}
		sameRows(t, "rolled back", everything(t, pool), projected(t, l))
		from := l.len()
		importA(l, "after "+want[projections.ErrorReport], 20, 100, nil)
		feed(t, p, l, from, l.len(), 50)
		sameRows(t, "and goes on", everything(t, pool), projected(t, l))
	}
	for _, s := range must(p.Status(t.Context())) {
		if s.Previous == nil || !s.Previous.Usable || s.Previous.Until.Sub(s.Previous.ReplacedAt).Hours() != 24 {
			t.Errorf("%+v", s.Previous)
		}
	}
}

func TestTablesOfAnotherVersionAreNotRolledBackTo(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 100)
	exec(t, pool, "UPDATE segment_members.checkpoint SET version = 'older'")
	if err := p.Rebuild(t.Context(), must(p.Ensure(t.Context())), nil); err != nil {
		t.Fatal(err)
	}
	var none *projections.NoRollbackError
	if err := p.AskRollback(t.Context(), projections.SegmentMembers); !errors.As(err, &none) || !none.OtherVersion {
		t.Errorf("this program cannot go on with them: %v", err)
	}
	for _, s := range must(p.Status(t.Context())) {
		if is := s.Previous != nil; is != (s.Name == projections.SegmentMembers) || is && s.Previous.Usable {
			t.Errorf("%s: %+v", s.Name, s.Previous)
		}
	}
}

func TestReplacedTablesAreDroppedADayLaterOrByTheNextRebuild(t *testing.T) {
	t.Parallel()
	l := history()
	l.inBatchesOf = 1
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 100)
	if err := p.Rebuild(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	name := projections.ContactState
	must(p.Ensure(t.Context())) // a process that starts keeps them
	oldOnes := func() []string {
		return slices.DeleteFunc(schemas(t, pool), func(schema string) bool { return len(schema) < 4 || schema[len(schema)-4:] != "_old" })
	}
	if got := len(oldOnes()); got != len(projections.Names()) {
		t.Fatalf("%d are kept", got)
	}
	exec(t, pool, "UPDATE ledger.replaced_models SET replaced_at = now() - interval '25 hours' WHERE model = $1", name)
	rebuilder(t, p)
	until(t, func() bool { return !slices.Contains(oldOnes(), name+"_old") })
	if got := len(oldOnes()); got != len(projections.Names())-1 {
		t.Errorf("%d are kept", got)
	}
	// The next rebuild begins by dropping them, so that the disk has to hold two of each.
	if err := p.LimitRebuilds(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	if err := p.AskRebuild(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	becomes(t, p, name, func(s *projections.RebuildStatus) bool { return s != nil && s.Applied > 0 })
	if old := oldOnes(); len(old) > 0 {
		t.Errorf("%v while others are filled", old)
	}
}

// Whoever wants tables that serve, as a process that starts, finishes a rollback that
// was asked for before, and does not make a rebuild of it.
func TestARollbackThatWasAskedForStaysOne(t *testing.T) {
	t.Parallel()
	l := history()
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 100)
	name := projections.ContactState
	before := identity(t, pool, name)
	if err := p.Rebuild(t.Context(), []string{name}, nil); err != nil {
		t.Fatal(err)
	}
	if err := p.AskRollback(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if err := p.PauseRebuild(t.Context(), []string{name}); err != nil {
		t.Fatal(err)
	}
	if err := p.Rebuild(t.Context(), []string{name}, nil); err != nil {
		t.Fatal(err)
	}
	if identity(t, pool, name) != before {
		t.Error("the tables of before are not back")
	}
	sameRows(t, "rolled back", everything(t, pool), projected(t, l))
}
