package projections

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// memberChanges is what a run does to memberships, in order. Whether the first
// touch of one changes anything depends on what was before the run; from there on
// the run itself says what each touch finds.
type memberChanges struct {
	all    []memberChange
	at     map[membership]int // index in all
	counts dayCounts          // of all touches but the first of each
}

type memberChange struct {
	membership
	firstAdds bool
	firstBy   rowOrigin
	is        bool // in the segment after the run
	by        rowOrigin
	moved     bool // a touch after the first one changed it
}

func (c *memberChanges) touch(m membership, adds bool, by rowOrigin) {
	at, again := c.at[m]
	if !again {
		c.at[m] = len(c.all)
		c.all = append(c.all, memberChange{membership: m, firstAdds: adds, firstBy: by, is: adds, by: by})
		return
	}
	change := &c.all[at]
	if change.is == adds {
		return
	}
	change.is, change.moved, change.by = adds, true, by
	if c.counts == nil {
		c.counts = dayCounts{}
	}
	c.counts.add(m.segmentID, by.at, adds)
}

func (c *memberChanges) leaveOut(segments map[string]bool) {
	c.all = without(c.all, func(m memberChange) bool { return segments[m.segmentID] })
	for day := range c.counts {
		if segments[day.segmentID] {
			delete(c.counts, day)
		}
	}
}

// known finds the memberships that the table has.
func (c *memberChanges) known(ctx context.Context, tx pgx.Tx) (map[membership]bool, error) {
	if len(c.all) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, "SELECT nx_id, segment_id FROM members WHERE nx_id = ANY($1)",
		uuids(len(c.all), func(i int) uuid.UUID { return c.all[i].nxID }))
	if err != nil {
		return nil, err
	}
	known := map[membership]bool{}
	var m membership
	_, err = pgx.ForEachRow(rows, []any{(*[16]byte)(&m.nxID), &m.segmentID}, func() error {
		if _, touched := c.at[m]; touched { // not one of another segment
			known[m] = true
		}
		return nil
	})
	return known, err
}

// against gives what is to be written where those memberships are known, and how
// many contacts came and left.
func (c *memberChanges) against(known map[membership]bool) (w writtenMembers, counts dayCounts) {
	counts = c.counts
	if counts == nil {
		counts = dayCounts{}
	}
	for i := range c.all {
		change := &c.all[i]
		was := known[change.membership]
		if was != change.firstAdds {
			counts.add(change.segmentID, change.firstBy.at, change.firstAdds)
		}
		switch {
		case !was && change.is:
			w.added = append(w.added, change)
		case was && (!change.is || change.moved):
			w.changed = append(w.changed, change)
		}
	}
	return w, counts
}

// writtenMembers are the rows of members that are new, and those that are to go or
// to say anew since when and by what they are there.
type writtenMembers struct{ added, changed []*memberChange }

func (w *writtenMembers) save(ctx context.Context, tx pgx.Tx) error {
	if err := w.saveAdded(ctx, tx); err != nil {
		return err
	}
	return w.saveChanged(ctx, tx)
}

func (w *writtenMembers) saveAdded(ctx context.Context, tx pgx.Tx) error {
	rows := newCopyRows(4, len(w.added), 128)
	for _, m := range w.added {
		rows.row()
		rows.uuid(m.nxID)
		rows.text(m.segmentID)
		rows.bigint(m.by.at)
		rows.text(m.by.importID)
	}
	return rows.into(ctx, tx, "members", "nx_id", "segment_id", "added_at", "import_id")
}

func (w *writtenMembers) saveChanged(ctx context.Context, tx pgx.Tx) error {
	if len(w.changed) == 0 {
		return nil
	}
	var gone, stay memberColumns
	for _, m := range w.changed {
		if m.is {
			stay.add(m)
		} else {
			gone.add(m)
		}
	}
	all := &pgx.Batch{}
	all.Queue("DELETE FROM members m USING unnest($1::uuid[], $2::text[]) AS g (nx_id, segment_id) WHERE m.nx_id = g.nx_id AND m.segment_id = g.segment_id",
		gone.nxIDs, gone.segments)
	all.Queue(`
		UPDATE members m SET added_at = s.at, import_id = s.import
		FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[]) AS s (nx_id, segment_id, at, import)
		WHERE m.nx_id = s.nx_id AND m.segment_id = s.segment_id`, stay.nxIDs, stay.segments, stay.at, stay.imports)
	return tx.SendBatch(ctx, all).Close()
}

type memberColumns struct {
	nxIDs    pgtype.FlatArray[pgtype.UUID]
	segments []string
	at       []int64
	imports  []string
}

func (c *memberColumns) add(m *memberChange) {
	c.nxIDs = append(c.nxIDs, pgtype.UUID{Bytes: m.nxID, Valid: true})
	c.segments = append(c.segments, m.segmentID)
	c.at = append(c.at, m.by.at)
	c.imports = append(c.imports, m.by.importID)
}

// segmentDay is a day, in UTC, in the history of a segment.
type segmentDay struct {
	segmentID string
	day       time.Time
}

// dayCounts is how many contacts came into which segment and left it on which day.
type dayCounts map[segmentDay]*struct{ added, removed int }

func (c dayCounts) add(segmentID string, at int64, adds bool) {
	day := segmentDay{segmentID, time.UnixMilli(at).UTC().Truncate(24 * time.Hour)}
	n := c[day]
	if n == nil {
		n = &struct{ added, removed int }{}
		c[day] = n
	}
	if adds {
		n.added++
	} else {
		n.removed++
	}
}

func (c dayCounts) save(ctx context.Context, tx pgx.Tx) error {
	updates := &pgx.Batch{}
	for day, n := range c {
		updates.Queue("UPDATE segments SET members = members + $2 WHERE id = $1", day.segmentID, n.added-n.removed)
		updates.Queue(`
			INSERT INTO history AS h (segment_id, day, added, removed) VALUES ($1, $2, $3, $4)
			ON CONFLICT (segment_id, day) DO UPDATE SET added = h.added + excluded.added, removed = h.removed + excluded.removed`,
			day.segmentID, day.day, n.added, n.removed)
	}
	return tx.SendBatch(ctx, updates).Close()
}
