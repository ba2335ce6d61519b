package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"importledger/projections"
)

// operationsView is how the read models stand.
type operationsView struct {
	Models   []modelRow
	Events   uint64 // in the log
	Limit    int    // events a second of rebuilds; 0: none
	Busy     bool   // something is being rebuilt
	Values   bool   // the user may see what differs, and the events that stop a read model
	Retry    task
	Verify   task
	Verified projections.Verification
}

// modelRow is one read model.
type modelRow struct {
	projections.Status
	Lag   uint64
	Total uint64 // events in the log
}

// Word is the state as people say it.
func (m modelRow) Word() string {
	switch {
	case m.State == projections.StateStopped:
		return "Stopped"
	case m.Rebuild != nil && m.Rebuild.State == projections.RebuildRunning && m.Rebuild.Back:
		return "Rolling back"
	case m.Rebuild != nil && m.Rebuild.State == projections.RebuildRunning:
		return "Rebuilding"
	case m.Lag > 0:
		return "Catching up"
	}
	return "Current"
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

// Percent is how far the rebuild is.
func (m modelRow) Percent() int { return m.Rebuild.Percent(m.Total) }

// Standing says how the rebuild stands, as "40 % · 41,250 events a second · 8 s left".
func (m modelRow) Standing() string {
	r := m.Rebuild
	said := []string{fmt.Sprintf("%d %%", m.Percent())}
	switch {
	case r.State == projections.RebuildWaiting:
		said = append(said, "waits for its turn")
	case r.State == projections.RebuildPaused:
		said = append(said, "paused")
	case r.State == projections.RebuildFailed:
		said = append(said, "cannot go on")
	case r.Stage == "indexing":
		said = append(said, "indexing")
	case r.Stage == "swapping":
		said = append(said, "swapping")
	default:
		if r.EventsPerSecond >= 1 {
			said = append(said, english.Sprintf("%.0f events a second", r.EventsPerSecond))
		}
		if left, known := r.Left(m.Total); known {
			said = append(said, left.Round(time.Second).String()+" left")
		}
	}
	return strings.Join(said, " · ")
}

// Trouble is why the rebuild does not go on; empty: it does.
func (m modelRow) Trouble() string {
	if m.Rebuild.Failed != nil {
		return m.Rebuild.Failed.Error()
	}
	return m.Rebuild.Trouble
}

// AtEvent tells that an event stops the read model or its rebuild.
func (m modelRow) AtEvent() bool {
	stopped, _ := m.StoppedAt()
	return stopped != nil && stopped.Event != ""
}

// CanRollBack tells that the tables of before are there and of use.
func (m modelRow) CanRollBack() bool {
	return m.Rebuild == nil && m.Previous != nil && m.Previous.Usable
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
	page := operationsView{Events: count, Values: v.user.May(contactsRead) && v.user.May(auditRead)}
	if page.Limit, err = v.Projections.RebuildLimit(v.ctx()); err != nil {
		return operationsView{}, err
	}
	for _, s := range all {
		row := modelRow{Status: s, Total: count}
		if s.Applied < count {
			row.Lag = count - s.Applied
		}
		page.Busy = page.Busy || s.Rebuild != nil
		page.Models = append(page.Models, row)
	}
	v.upkeep.mu.Lock()
	defer v.upkeep.mu.Unlock()
	page.Retry, page.Verify, page.Verified = v.upkeep.retry, v.upkeep.verify, v.upkeep.verified
	return page, nil
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
