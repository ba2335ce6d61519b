package projections

import "importledger/events"

// Conservation is whether every row of every import has exactly one outcome, by
// the log alone.
type Conservation struct {
	Checked int // imports
	// RowsUnaccounted counts rows of imports in state imported that have no
	// outcome, and in every state outcomes that are repeated, skipped over or come
	// after the end.
	RowsUnaccounted int
}

// rowCount follows the rows of all imports through the log. Rows come in order,
// so an import needs a counter, and one that has ended only a mark.
type rowCount struct {
	result Conservation
	open   map[string]*openRows
}

type openRows struct {
	rows int // in the file
	last int // row that has its outcome
}

func (c *rowCount) add(r run) {
	if c.open == nil {
		c.open = map[string]*openRows{}
	}
	for i := range r.events {
		c.one(r.events[i].ImportID(), r.events[i].Event)
	}
}

func (c *rowCount) one(id string, event events.Event) {
	switch e := event.(type) {
	case events.ImportStarted:
		c.result.Checked++
		c.open[id] = &openRows{rows: e.File.Rows}
	case events.ColumnsMapped:
		if open := c.open[id]; open != nil && e.File != nil {
			open.rows = e.File.Rows
		}
	case events.RowAccepted:
		c.outcome(id, e.Row)
	case events.RowRejected:
		c.outcome(id, e.Row)
	case events.ImportCompleted:
		if open := c.open[id]; open != nil {
			c.result.RowsUnaccounted += max(0, open.rows-open.last)
		}
		delete(c.open, id)
	case events.ImportCanceled, events.ImportFailed:
		delete(c.open, id)
	}
}

func (c *rowCount) outcome(id string, row int) {
	open := c.open[id]
	switch {
	case open == nil || row <= open.last || row > open.rows:
		c.result.RowsUnaccounted++
	default:
		c.result.RowsUnaccounted += row - open.last - 1
		open.last = row
	}
}
