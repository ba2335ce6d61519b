package auth_test

import (
	"fmt"
	"testing"
	"time"

	"importledger/adapters/auth"
)

func TestTwoProcessesShareALimit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	both := []*auth.Limits{auth.NewLimits(h.guard), auth.NewLimits(h.another().guard)}
	allowed, refused := 0, time.Duration(0)
	for i := range 4000 {
		wait, err := both[i%2].Allow(t.Context(), "client one", 1000)
		if err != nil {
			t.Fatal(err)
		}
		if wait == 0 {
			allowed++
		} else {
			refused = wait
		}
	}
	if allowed < 960 || allowed > 1040 { // a fiftieth for each process, either way
		t.Fatal(allowed)
	}
	if refused != time.Minute {
		t.Fatal(refused)
	}
	if wait, err := both[0].Allow(t.Context(), "client two", 1000); wait != 0 || err != nil {
		t.Fatal("another caller pays for it", wait, err)
	}
	h.clock.pass(time.Minute)
	for _, l := range both {
		if wait, err := l.Allow(t.Context(), "client one", 1000); wait != 0 || err != nil {
			t.Fatal(wait, err)
		}
	}
}

func TestASmallLimitIsExact(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	limits := auth.NewLimits(h.guard)
	for i := range 12 {
		if wait, err := limits.Allow(t.Context(), "x", 10); (wait == 0) != (i < 10) || err != nil {
			t.Fatal(i, wait, err)
		}
	}
}

func TestWhoCallsNowAndThenCostsNoQuery(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	limits := auth.NewLimits(h.guard)
	h.db.Close()
	for i := range 20_000 { // and many callers do not add up
		if wait, err := limits.Allow(t.Context(), fmt.Sprint(i), 1000); wait != 0 || err != nil {
			t.Fatal(wait, err)
		}
	}
}

func TestWithoutADatabaseEachProcessCountsForItself(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	limits := auth.NewLimits(h.guard)
	h.db.Close()
	allowed, told := 0, 0
	for range 3000 {
		wait, err := limits.Allow(t.Context(), "x", 1000)
		if wait == 0 {
			allowed++
		}
		if err != nil {
			told++
		}
	}
	if allowed < 1000 || allowed > 1040 || told == 0 || told > 60 {
		t.Fatal(allowed, told)
	}
}
