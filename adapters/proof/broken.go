package proof

import (
	"fmt"

	"importledger/events"
)

// broken is a place of a stream at which something else stands than what was recorded
// there. What comes behind it tells what was done: each event's chain says which event
// it was recorded behind. It remembers one event, however long the file is.
type broken struct {
	stream string
	place  events.Place // what should come next
	got    *eventLine   // what stands there; nil: nothing that can be read
	line   int          // where
	why    string       // what is wrong with the line itself, where it cannot be read

	seen     int  // events behind it
	found    bool // the event of the place came later
	foundAt  int
	follow   events.Place  // while the stream goes on from there
	fitsAt   *events.Place // where what stands in the wrong place belongs
	isCopy   bool          // and stands there as well
	changed  bool          // the event behind it was recorded behind this one, at this place
	dropped  uint64        // so many events earlier than it says
	chainEnd bool          // nothing more was recorded at this place
	old      bool          // the event is of a time when events were not chained
}

// droppedAtMost is how many events may be missing to be counted from chains alone.
const droppedAtMost = 1024

// fits tells whether an event is the one that was recorded at a place, whatever
// revision and id its line gives it, and gives the place behind it.
func fits(stream string, place events.Place, e *eventLine) (events.Place, bool) {
	next := place.After(stream, e.Type, e.Data, e.Metadata)
	return next, next.Chain == chainOf(e.Metadata)
}

// look takes in an event that comes behind the broken place.
func (b *broken) look(e *eventLine, line int) {
	b.seen++
	if b.found {
		b.goOn(e)
		return
	}
	if next, ok := fits(b.stream, b.place, e); ok {
		b.found, b.foundAt = true, line
		b.arrive(next)
		return
	}
	if b.seen == 1 && b.got != nil {
		b.compare(e)
	}
}

// goOn follows the stream behind the event that was found, to see where the one that
// stands in the wrong place belongs.
func (b *broken) goOn(e *eventLine) {
	next, ok := fits(b.stream, b.follow, e)
	if !ok {
		return
	}
	if b.fitsAt != nil && b.follow == *b.fitsAt {
		b.isCopy = true
	}
	b.arrive(next)
}

func (b *broken) arrive(next events.Place) {
	b.follow = next
	if b.got == nil || b.fitsAt != nil {
		return
	}
	if _, ok := fits(b.stream, next, b.got); ok {
		b.fitsAt = &next
	}
}

// compare looks at the event that comes directly behind.
func (b *broken) compare(e *eventLine) {
	says := chainOf(b.got.Metadata)
	is := b.place.After(b.stream, b.got.Type, b.got.Data, b.got.Metadata)
	behind := func(chain events.Chain, dropped uint64) bool {
		_, ok := fits(b.stream, events.Place{Revision: b.place.Revision + 1 + dropped, Chain: chain}, e)
		return ok
	}
	if says.IsZero() {
		b.old = chainOf(e.Metadata).IsZero() || behind(says, 0)
		return
	}
	if b.changed = behind(says, 0) || behind(is.Chain, 0); b.changed {
		return
	}
	for n := uint64(1); n <= droppedAtMost; n++ {
		if behind(says, n) {
			b.dropped = n
			return
		}
	}
}

// end takes in the line behind the events.
func (b *broken) end(e ending) {
	b.chainEnd = e.Events == b.place.Revision && e.Chain == b.place.Chain
	b.old = b.old || b.seen == 0 && e.Chain.IsZero()
	if b.seen == 0 && b.got != nil && e.Chain == chainOf(b.got.Metadata) && e.Events > b.place.Revision {
		b.dropped = e.Events - b.place.Revision - 1
		b.changed = b.dropped == 0
	}
}

// fault says what was done.
func (b *broken) fault() *Fault {
	f := &Fault{Line: b.line, Revision: at(b.place.Revision)}
	n := b.place.Revision
	if b.got != nil {
		f.Type = b.got.Type
	}
	says := func(code, text string, args ...any) *Fault {
		f.Code, f.Message = code, fmt.Sprintf(text, args...)
		return f
	}
	switch {
	case b.inserted():
		return says(EventInserted, "Something was inserted: line %d%s stands where event %d should, and was not recorded there.", b.line, b.what(), n)
	case b.found && b.fitsAt != nil && b.foundAt == b.line+1:
		return says(EventMoved, "Events were reordered: in the place of event %d stands event %d%s, on line %d.", n, b.fitsAt.Revision, b.what(), b.line)
	case b.found:
		return says(EventMoved, "Events were reordered: event %d comes only on line %d, and on line %d another%s stands in its place.", n, b.foundAt, b.line, b.what())
	case b.got == nil:
		return says(EventChanged, "Event %d was changed: line %d cannot be read, %s.", n, b.line, b.why)
	}
	return b.faultOf(n, says)
}

// faultOf says what was done to an event that can be read, and whose right one is
// nowhere.
func (b *broken) faultOf(n uint64, says func(code, text string, args ...any) *Fault) *Fault {
	_, right := fits(b.stream, b.place, b.got)
	switch {
	case right:
		return says(EventChanged, "Event %d (%s) was changed: the revision or the id on line %d is not the one that it was recorded with.", n, b.got.Type, b.line)
	case b.got.Revision > n && !b.changed:
		return says(EventMissing, "%s dropped: behind event %s comes event %d (%s), on line %d.", missing(n, b.got.Revision-n), before(n), b.got.Revision, b.got.Type, b.line)
	case b.dropped > 0:
		return says(EventMissing, "%s dropped: what line %d has as event %d (%s) was recorded as event %d.", missing(n, b.dropped), b.line, n, b.got.Type, n+b.dropped)
	case b.old && chainOf(b.got.Metadata).IsZero():
		return says(EventNotChained, "Event %d (%s, line %d) has no chain: it was recorded before events were chained, or its metadata was replaced. Nothing can be proved of it.", n, b.got.Type, b.line)
	case n == 0 && b.seen > 0 && !b.changed && !chainOf(b.got.Metadata).IsZero():
		return says(HeaderDiffers, "The events were not recorded for the import that the first line names, or the first of them was changed beyond recognition.")
	}
	return says(EventChanged, "Event %d (%s) was changed: line %d is not what was recorded there.", n, b.got.Type, b.line)
}

// inserted: the stream goes on behind it as if it were not there.
func (b *broken) inserted() bool {
	switch {
	case b.chainEnd:
		return true
	case b.got == nil:
		return b.found && b.foundAt == b.line+1
	case chainOf(b.got.Metadata) == b.place.Chain && b.place.Revision > 0: // the event before it once more
		return b.found
	}
	return b.found && b.foundAt == b.line+1 && (b.fitsAt == nil || b.isCopy)
}

func (b *broken) what() string {
	if b.got == nil {
		return ""
	}
	return " (" + b.got.Type + ")"
}

func missing(from, count uint64) string {
	if count == 1 {
		return fmt.Sprintf("Event %d is missing, it was", from)
	}
	return fmt.Sprintf("Events %d to %d are missing, they were", from, from+count-1)
}

func before(n uint64) string {
	if n == 0 {
		return "none"
	}
	return fmt.Sprint(n - 1)
}
