package web

import (
	"context"
	"net/http"
	"slices"

	"importledger/projections"
)

// operationsView is how the read models stand.
type operationsView struct {
	Models   []modelRow
	Events   uint64 // in the log
	Rebuild  task
	Verify   task
	Verified projections.Verification
}

// modelRow is one read model.
type modelRow struct {
	projections.Status
	Lag     uint64
	Percent int // of a rebuild
}

// Word is the state as people say it.
func (m modelRow) Word() string {
	switch {
	case m.State == projections.StateLive && m.Lag == 0:
		return "Current"
	case m.State == projections.StateLive:
		return "Catching up"
	case m.State == projections.StateStopped:
		return "Stopped"
	}
	return "Rebuilding"
}

// Icon is the state's shape.
func (m modelRow) Icon() string {
	switch m.Word() {
	case "Current":
		return "imported"
	case "Stopped":
		return "failed"
	}
	return "importing"
}

func (v *visit) operationsPage() error {
	page, err := v.operations()
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "operations", view{Title: "Operations", Section: "operations", Live: "/operations/live", Body: page})
}

func (v *visit) operationsLive() error {
	return v.watch("", func() ([]byte, bool, error) {
		page, err := v.operations()
		if err != nil {
			return nil, false, err
		}
		part, err := v.execute("operations", "live", view{User: v.user, Body: page})
		return part, false, err
	})
}

func (v *visit) operations() (operationsView, error) {
	all, count, err := v.Standing(v.ctx())
	if err != nil {
		return operationsView{}, err
	}
	page := operationsView{Events: count}
	for _, s := range all {
		row := modelRow{Status: s}
		if s.Applied < count {
			row.Lag = count - s.Applied
		}
		if s.Rebuild != nil && count > 0 {
			row.Percent = int(min(100, s.Rebuild.Applied*100/count))
		}
		page.Models = append(page.Models, row)
	}
	v.upkeep.mu.Lock()
	defer v.upkeep.mu.Unlock()
	page.Rebuild, page.Verify, page.Verified = v.upkeep.rebuild, v.upkeep.verify, v.upkeep.verified
	return page, nil
}

// rebuild makes read models anew, behind the scenes: the old ones serve meanwhile.
func (v *visit) rebuild() error {
	names := []string{v.r.PathValue("name")}
	if names[0] == "all" {
		names = projections.Names()
	} else if !slices.Contains(projections.Names(), names[0]) {
		return errNoPage
	}
	if err := v.Audit.Note(v.ctx(), "projection.rebuilt", v.by(), v.r.PathValue("name"), ""); err != nil {
		return err
	}
	v.upkeep.begin(&v.upkeep.rebuild, v.Now, func(ctx context.Context) error {
		return v.Projections.Rebuild(ctx, names, nil)
	})
	return v.seeOther("/operations?done=rebuilding")
}

// verify compares the read models with the log, behind the scenes.
func (v *visit) verify() error {
	v.upkeep.begin(&v.upkeep.verify, v.Now, func(ctx context.Context) error {
		found, err := v.Projections.Verify(ctx, nil)
		v.upkeep.mu.Lock()
		defer v.upkeep.mu.Unlock()
		v.upkeep.verified = found
		return err
	})
	return v.seeOther("/operations?done=verifying")
}

// Sound tells that the last verification found nothing.
func (o operationsView) Sound() bool {
	return o.Verified.Imports.RowsUnaccounted == 0 &&
		!slices.ContainsFunc(o.Verified.Projections, func(p projections.Verified) bool { return p.Differences > 0 })
}
