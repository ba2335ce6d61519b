package proof_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"importledger/adapters/proof"
	"importledger/adapters/proof/prooftest"
)

func found(c prooftest.Change, f *proof.Fault) bool {
	switch {
	case f == nil || !slices.Contains(c.Codes, f.Code):
		return false
	case c.Revision < 0:
		return f.Revision == nil || f.Code == proof.HeaderDiffers
	}
	return f.Revision != nil && int(*f.Revision) == c.Revision
}

// Whatever is changed, it is found, and the event named; also where whoever changed it
// signed the file with a key of his own and nobody asks whose that is.
func TestEverySingleChangeIsFoundAndNamed(t *testing.T) {
	all := [][]byte{exported(t, recorded(t, facts(40)), key), exported(t, recorded(t, facts(1)), key), exported(t, recorded(t, facts(40)[:17]), key)}
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := prooftest.Any(r, all[seed%uint64(len(all))])
		if report := verified(t, c.File, key.Public()); !found(c, report.Fault) {
			t.Errorf("seed %d: %s: %+v", seed, c.What, show(report.Fault))
		}
		if !c.Exact {
			continue
		}
		if report := verified(t, resealed(split(c.File), 2)); !found(c, report.Fault) {
			t.Errorf("seed %d: %s, signed anew: %+v", seed, c.What, show(report.Fault))
		}
	}
}

func show(f *proof.Fault) string {
	if f == nil {
		return "nothing found"
	}
	revision := "none"
	if f.Revision != nil {
		revision = fmt.Sprint(*f.Revision)
	}
	return fmt.Sprintf("%s, event %s: %s", f.Code, revision, f.Message)
}
