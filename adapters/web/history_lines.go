package web

import (
	"slices"

	"importledger/aggregate"
	"importledger/events"
	"importledger/projections"
)

// historyLine is one event as a sentence, or a run of equal ones.
type historyLine struct {
	First, Last uint64 // revisions; equal for one event
	Kind        string // whole, accepted, rejected
	Text        string
	Event       *eventFacts // of one event that was read
}

// Count is how many events the line stands for.
func (l historyLine) Count() uint64 { return l.Last - l.First + 1 }

// eventFacts is what is known about an event beside its sentence.
type eventFacts struct {
	Type  string
	At    int64
	Actor string
}

const (
	linesOnPage = 80
	// How many rejected rows are looked at to fold a page: at first, which is enough for
	// most files, then at once, and in all.
	rejectedAtFirst = 100
	rejectedAtOnce  = 400
	rejectedOnPage  = 4000
)

// folder makes the lines of a page. Where runs end is known from the error report,
// which is the log's rejected rows by their number; what stands in a line of one
// event of the whole import is read from the log itself.
type folder struct {
	v      *visit
	id     string
	shape  shape
	newest bool
	lines  []historyLine
	looked int // rejected rows that were looked at
}

// fold makes lines from a revision on, or with newest first from there down, and
// gives the revision that the next page begins with; more is false at the end.
func (f *folder) fold(from uint64) (next uint64, more bool, err error) {
	for at := from; ; {
		if len(f.lines) >= linesOnPage || f.looked >= rejectedOnPage {
			return at, true, nil
		}
		last := at
		if row, isRow := f.shape.rowAt(at); isRow {
			if last, err = f.rows(row); err != nil {
				return 0, false, err
			}
		} else if err := f.whole(at); err != nil {
			return 0, false, err
		}
		if f.newest && last == 0 || !f.newest && last+1 >= f.shape.events {
			return 0, false, nil
		}
		at = last + 1
		if f.newest {
			at = last - 1
		}
	}
}

// whole adds an event of the import as a whole. Where it is not at hand, those that
// follow it are read with it.
func (f *folder) whole(revision uint64) error {
	if _, ok := f.shape.whole[revision]; !ok {
		for r, err := range f.v.Streams.Read(f.v.ctx(), events.ImportStream(f.id), revision) {
			if err != nil {
				return err
			}
			if isRow(r.Type) {
				break
			}
			f.shape.whole[r.Revision] = r
		}
	}
	r, ok := f.shape.whole[revision]
	if !ok {
		return aggregate.ErrRevisionNotFound
	}
	f.lines = append(f.lines, lineOf(new(events.Decoder), r))
	return nil
}

// lineOf shows also an event that this program cannot read: a history hides nothing.
func lineOf(decoder *events.Decoder, r events.Recorded) historyLine {
	line := historyLine{First: r.Revision, Last: r.Revision, Kind: kindOf(r.Type), Event: &eventFacts{Type: r.Type, At: r.Recorded.UnixMilli()}}
	e, err := decoder.Decode(r)
	if err != nil {
		line.Text = "This version of the program cannot read the event."
		return line
	}
	line.Text, line.Event.At, line.Event.Actor = events.Describe(e.Event), e.Meta.At, e.Meta.Actor
	return line
}

func kindOf(eventType string) string {
	switch eventType {
	case events.Name(events.RowAccepted{}):
		return "accepted"
	case events.Name(events.RowRejected{}):
		return "rejected"
	}
	return "whole"
}

// rows adds runs of rows from one on, as far as the page or the rejected rows that
// are looked at reach, and gives the last revision that is in a line.
func (f *folder) rows(row int) (last uint64, err error) {
	order, end := projections.OldestFirst, int(f.shape.rows)
	if f.newest {
		order, end = projections.NewestFirst, 1
	}
	limit := rejectedAtOnce
	if f.looked == 0 {
		limit = rejectedAtFirst
	}
	rejected, err := projections.RejectedRowsFrom(f.v.ctx(), f.v.DB, f.id, row, limit, order)
	if err != nil {
		return 0, err
	}
	f.looked += len(rejected)
	for i := 0; len(f.lines) < linesOnPage; {
		if i == len(rejected) {
			if len(rejected) == limit { // there are more
				return f.lines[len(f.lines)-1].end(f.newest), nil
			}
			f.accepted(row, end)
			break
		}
		if stop := f.before(rejected[i].Row); f.reaches(row, stop) {
			f.accepted(row, stop)
			row = rejected[i].Row
			continue
		}
		n := runLength(rejected[i:])
		f.rejected(rejected[i : i+n])
		i += n
		row = f.after(rejected[i-1].Row)
		if !f.reaches(row, end) {
			break
		}
	}
	return f.lines[len(f.lines)-1].end(f.newest), nil
}

// end is the revision of a line that is furthest in the page's direction.
func (l historyLine) end(newest bool) uint64 {
	if newest {
		return l.First
	}
	return l.Last
}

// before, after and reaches count in the page's direction.
func (f *folder) before(row int) int { return f.after(row) + 2*(row-f.after(row)) }

func (f *folder) after(row int) int {
	if f.newest {
		return row - 1
	}
	return row + 1
}

func (f *folder) reaches(row, to int) bool { return f.newest && row >= to || !f.newest && row <= to }

// runLength is how many rejected rows follow each other without another between
// them, each for the same reasons.
func runLength(rejected []projections.RejectedRow) int {
	n := 1
	for n < len(rejected) && distance(rejected[n].Row, rejected[n-1].Row) == 1 && slices.EqualFunc(rejected[n].Errors, rejected[0].Errors, sameReason) {
		n++
	}
	return n
}

func distance(a, b int) int { return max(a-b, b-a) }

func sameReason(a, b events.RowError) bool {
	return a.Column == b.Column && a.Code == b.Code && a.Message == b.Message
}

func (f *folder) accepted(from, to int) {
	first, last := min(from, to), max(from, to)
	text := english.Sprintf("Rows %d to %d accepted.", first, last)
	if first == last {
		text = english.Sprintf("Row %d accepted.", first)
	}
	f.lines = append(f.lines, historyLine{First: f.shape.revisionOf(first), Last: f.shape.revisionOf(last), Kind: "accepted", Text: text})
}

func (f *folder) rejected(run []projections.RejectedRow) {
	first, last := run[0].Row, run[len(run)-1].Row
	first, last = min(first, last), max(first, last)
	text := events.Describe(events.RowRejected{Row: first, Errors: run[0].Errors})
	if first != last {
		text = english.Sprintf("Rows %d to %d rejected.", first, last) + text[len(english.Sprintf("Row %d rejected.", first)):]
	}
	f.lines = append(f.lines, historyLine{First: f.shape.revisionOf(first), Last: f.shape.revisionOf(last), Kind: "rejected", Text: text})
}
