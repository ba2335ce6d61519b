package web

import (
	"fmt"
	"strings"
	"time"

	"importledger/projections"
)

// plot is the rows of an import over time, as areas: rejected below, accepted above.
type plot struct {
	Accepted, Rejected string // paths
	Width, Height      int
	Rows               int // at the top
	Took               string
	Label              string
}

const (
	plotWidth  = 720
	plotHeight = 160
	plotPoints = 32 // rows whose times are read, evenly over the file
)

// plotOf reads the times of some rows and how many were rejected up to each; nil
// where there are not enough to be seen.
func (v *visit) plotOf(i projections.Import) (*plot, error) {
	done := i.RowsImported + i.RowsInError
	rows := plotRows(i.RowsToImport, done)
	if len(rows) < 2 {
		return nil, nil
	}
	times, err := v.decidedAt(i.ID, rows)
	if err != nil || times == nil {
		return nil, err
	}
	rejected, err := projections.CountRejected(v.ctx(), v.DB, i.ID, rows)
	if err != nil {
		return nil, err
	}
	begin, end := i.CreatedAt, times[len(times)-1]
	if mapped := times[0]; mapped > begin {
		begin = mapped
	}
	if end <= begin {
		return nil, nil // all in one moment: a line that stands up says nothing
	}
	p := &plot{Width: plotWidth, Height: plotHeight, Rows: i.RowsToImport, Took: took(end - begin)}
	p.draw(rows, times, rejected, begin, end)
	p.Label = fmt.Sprintf("%s accepted and %s rejected within %s.", plural(i.RowsImported, "row"), plural(i.RowsInError, "row"), p.Took)
	return p, nil
}

// plotRows are evenly spread rows of those that are decided, always the same for a
// file, and the last.
func plotRows(all, done int) []int {
	var rows []int
	if done == 0 {
		return nil
	}
	for i := range plotPoints {
		row := 1 + i*(all-1)/(plotPoints-1)
		if row < done && (len(rows) == 0 || row > rows[len(rows)-1]) {
			rows = append(rows, row)
		}
	}
	return append(rows, done)
}

func (p *plot) draw(rows []int, times []int64, rejected []int, begin, end int64) {
	var below, top strings.Builder
	sum, x := 0, 0.0
	for i, row := range rows {
		sum += rejected[i]
		x = float64(max(0, times[i]-begin)) / float64(end-begin) * plotWidth
		at := "L"
		if i == 0 {
			at = "M"
		}
		fmt.Fprintf(&below, "%s%.1f %.1f", at, x, p.y(min(sum, row)))
		fmt.Fprintf(&top, "%s%.1f %.1f", at, x, p.y(row))
	}
	closed := fmt.Sprintf("L%.1f %dL0 %dZ", x, plotHeight, plotHeight)
	p.Rejected, p.Accepted = below.String()+closed, top.String()+closed
}

func (p *plot) y(rows int) float64 {
	return plotHeight * (1 - float64(rows)/float64(max(1, p.Rows)))
}

// took is a duration as people say it.
func took(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case d < 10*time.Second:
		return tenths(d.Seconds()) + " s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f h", d.Hours())
}
