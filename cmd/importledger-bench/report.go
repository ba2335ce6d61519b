package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// figure is one line of the table.
type figure struct {
	Name  string    `json:"name"`
	Value float64   `json:"value"` // median of the runs
	Unit  string    `json:"unit"`
	Floor float64   `json:"floor,omitempty"` // median of the floor's runs, same unit
	Ratio float64   `json:"ratio,omitempty"` // median of the ratios, run by run
	Goal  string    `json:"goal,omitempty"`
	Met   *bool     `json:"met"` // null where there is no goal
	Runs  []float64 `json:"runs"`
}

// measured makes a figure of runs and their floors, which were taken in turn.
// Good tells from the value and the ratio whether the goal is met; nil: no goal.
func measured(name, unit string, runs, floors []float64, goal string, good func(value, ratio float64) bool) figure {
	f := figure{Name: name, Unit: unit, Value: median(runs), Runs: runs, Goal: goal}
	if len(floors) > 0 {
		ratios := make([]float64, len(runs))
		for i := range runs {
			ratios[i] = runs[i] / floors[i]
		}
		f.Floor, f.Ratio = median(floors), median(ratios)
	}
	if good != nil {
		met := good(f.Value, f.Ratio)
		f.Met = &met
	}
	return f
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

func writeTable(w io.Writer, figures []figure) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "what\tmedian\tmin\tmax\tfloor\tratio\tgoal\t\t")
	for _, f := range figures {
		met := ""
		if f.Met != nil {
			met = map[bool]string{true: "met", false: "not met"}[*f.Met]
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", f.Name, in(f.Unit, f.Value), in(f.Unit, slices.Min(f.Runs)),
			in(f.Unit, slices.Max(f.Runs)), orNone(f.Floor, in(f.Unit, f.Floor)), orNone(f.Ratio, fmt.Sprintf("%.2f ×", f.Ratio)), f.Goal, met)
	}
	return table.Flush()
}

func orNone(v float64, text string) string {
	if v == 0 {
		return "–"
	}
	return text
}

// in writes a value with its unit.
func in(unit string, v float64) string {
	switch unit {
	case "s":
		return fmt.Sprintf("%.3f s", v)
	case "×":
		return fmt.Sprintf("%.2f ×", v)
	case "MB":
		return fmt.Sprintf("%.0f MB", v)
	}
	return fmt.Sprintf("%.0f %s", v, unit)
}

func writeJSON(w io.Writer, figures []figure) error {
	return json.NewEncoder(w).Encode(figures)
}
