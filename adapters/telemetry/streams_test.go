package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"importledger/adapters/telemetry"
	"importledger/aggregate"
	"importledger/events"
)

// log answers appends with an error, or takes them.
type log struct {
	aggregate.Streams
	fails error
}

func (l *log) Append(context.Context, string, uint64, []events.Proposed) (events.Position, error) {
	return events.Position{Commit: 7}, l.fails
}

func TestAppendsAreCountedByWhatTheySayAndHowTheyEnd(t *testing.T) {
	t.Parallel()
	behind := &log{}
	watched := telemetry.Watch(behind, &telemetry.Traces{})
	registry := prometheus.NewRegistry()
	if err := registry.Register(watched); err != nil {
		t.Fatal(err)
	}
	batch := func(types ...string) (all []events.Proposed) {
		for _, name := range types {
			all = append(all, events.Proposed{Type: name})
		}
		return all
	}
	if at, err := watched.Append(t.Context(), "s", 0, batch("ImportStarted", "RowAccepted", "RowAccepted", "RowRejected", "ImportCompleted", "SegmentCreated")); err != nil || at.Commit != 7 {
		t.Fatal(at, err)
	}
	for _, fails := range []error{aggregate.ErrOvertaken, fmt.Errorf("append: %w", aggregate.ErrLogUnavailable), errors.New("odd")} {
		behind.fails = fails
		if _, err := watched.Append(t.Context(), "s", 0, batch("RowAccepted")); !errors.Is(err, fails) {
			t.Error(err)
		}
	}
	got := gathered(t, registry)
	for series, want := range map[string]float64{
		"importledger_rows_total accepted": 2, "importledger_rows_total rejected": 1,
		"importledger_imports_total started": 1, "importledger_imports_total imported": 1, "importledger_imports_total failed": 0, "importledger_imports_total canceled": 0,
		"importledger_events_appended_total SegmentCreated": 1, "importledger_events_appended_total RowAccepted": 2,
		"importledger_append_duration_seconds appended": 1, "importledger_append_duration_seconds overtaken": 1,
		"importledger_append_duration_seconds unavailable": 1, "importledger_append_duration_seconds failed": 1,
	} {
		if n, there := got[series]; !there || n != want {
			t.Errorf("%s is %v, want %v", series, n, want)
		}
	}
}

// gathered gives counters, and how often histograms were observed, by name and label.
func gathered(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, family := range families {
		for _, m := range family.Metric {
			n := m.GetCounter().GetValue()
			if h := m.GetHistogram(); h != nil {
				n = float64(h.GetSampleCount())
			}
			all[family.GetName()+" "+m.Label[0].GetValue()] = n
		}
	}
	return all
}
