package projections

import (
	"context"
	_ "embed"
	"time"

	"importledger/events"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

//go:embed segment_members.sql
var segmentMembersDDL string

func foldSegmentMembers(ctx context.Context, tx pgx.Tx, run []events.Envelope) error {
	s, err := segmentChangesOf(ctx, tx, run)
	if err != nil {
		return err
	}
	known, err := s.knownMembers(ctx, tx)
	if err != nil {
		return err
	}
	return s.save(ctx, tx, known)
}

// segmentChanges is what a run puts into segments.
type segmentChanges struct {
	segmentOf map[string]string // import → segment
	mapped    []segmentMapped
	members   []member
	seen      map[membership]bool
}

type segmentMapped struct {
	events.Segment
	by    rowOrigin
	actor string
}

type membership struct {
	nxID      uuid.UUID
	segmentID string
}

type member struct {
	membership
	by rowOrigin
}

func segmentChangesOf(ctx context.Context, tx pgx.Tx, run []events.Envelope) (*segmentChanges, error) {
	s := &segmentChanges{segmentOf: map[string]string{}, seen: map[membership]bool{}}
	if err := s.loadImportSegments(ctx, tx, run); err != nil {
		return nil, err
	}
	for i := range run {
		s.add(&run[i])
	}
	return s, nil
}

// loadImportSegments finds the segments of the imports that a run goes on with.
func (s *segmentChanges) loadImportSegments(ctx context.Context, tx pgx.Tx, run []events.Envelope) error {
	asked, ids := map[string]bool{}, []string{}
	for i := range run {
		if _, ok := run[i].Event.(events.RowAccepted); !ok {
			continue
		}
		if id := run[i].ImportID(); !asked[id] {
			asked[id] = true
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, "SELECT import_id, segment_id FROM import_segments WHERE import_id = ANY($1)", ids)
	if err != nil {
		return err
	}
	var importID, segmentID string
	_, err = pgx.ForEachRow(rows, []any{&importID, &segmentID}, func() error {
		s.segmentOf[importID] = segmentID
		return nil
	})
	return err
}

func (s *segmentChanges) add(e *events.Envelope) {
	origin := rowOrigin{e.ImportID(), e.Meta.At}
	switch event := e.Event.(type) {
	case events.ColumnsMapped:
		if event.Segment != nil {
			s.segmentOf[origin.importID] = event.Segment.ID
			s.mapped = append(s.mapped, segmentMapped{*event.Segment, origin, e.Meta.Actor})
		}
	case events.RowAccepted:
		segment, ok := s.segmentOf[origin.importID]
		if !ok {
			return
		}
		m := membership{event.Contact.NxID, segment}
		if !s.seen[m] {
			s.seen[m] = true
			s.members = append(s.members, member{m, origin})
		}
	}
}

// save writes the changes; known are the members that the table has.
func (s *segmentChanges) save(ctx context.Context, tx pgx.Tx, known map[membership]bool) error {
	if err := s.saveSegments(ctx, tx); err != nil {
		return err
	}
	return s.saveMembers(ctx, tx, known)
}

// saveSegments adds the segments that imports go into, as they were when first
// heard of.
func (s *segmentChanges) saveSegments(ctx context.Context, tx pgx.Tx) error {
	if len(s.mapped) == 0 {
		return nil
	}
	inserts := &pgx.Batch{}
	for _, m := range s.mapped {
		inserts.Queue(`
			INSERT INTO segments (id, name, description, type, created_at, modified_at, modified_by, members)
			VALUES ($1, $2, '', 'manual', $3, $3, $4, 0) ON CONFLICT (id) DO NOTHING`, m.ID, m.Name, m.by.at, m.actor)
		inserts.Queue("INSERT INTO import_segments (import_id, segment_id) VALUES ($1, $2)", m.by.importID, m.ID)
	}
	return tx.SendBatch(ctx, inserts).Close()
}

// saveMembers copies in who is not in the segment yet.
func (s *segmentChanges) saveMembers(ctx context.Context, tx pgx.Tx, known map[membership]bool) error {
	added, counts := newCopyRows(4, len(s.members), 128), addedCounts{}
	for i := range s.members {
		m := &s.members[i]
		if known[m.membership] {
			continue
		}
		counts[dayOf(m.segmentID, m.by.at)]++
		added.row()
		added.uuid(m.nxID)
		added.text(m.segmentID)
		added.bigint(m.by.at)
		added.text(m.by.importID)
	}
	if err := added.into(ctx, tx, "members", "nx_id", "segment_id", "added_at", "import_id"); err != nil {
		return err
	}
	return counts.save(ctx, tx)
}

func (s *segmentChanges) knownMembers(ctx context.Context, tx pgx.Tx) (map[membership]bool, error) {
	if len(s.members) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, "SELECT nx_id, segment_id FROM members WHERE nx_id = ANY($1)",
		uuids(len(s.members), func(i int) uuid.UUID { return s.members[i].nxID }))
	if err != nil {
		return nil, err
	}
	known := map[membership]bool{}
	var m membership
	_, err = pgx.ForEachRow(rows, []any{(*[16]byte)(&m.nxID), &m.segmentID}, func() error {
		if s.seen[m] { // not one of another segment
			known[m] = true
		}
		return nil
	})
	return known, err
}

// segmentDay is a day, in UTC, in the history of a segment.
type segmentDay struct {
	segmentID string
	day       time.Time
}

func dayOf(segmentID string, at int64) segmentDay {
	return segmentDay{segmentID, time.UnixMilli(at).UTC().Truncate(24 * time.Hour)}
}

// addedCounts is how many contacts came into which segment on which day.
type addedCounts map[segmentDay]int

func (c addedCounts) save(ctx context.Context, tx pgx.Tx) error {
	updates := &pgx.Batch{}
	for day, n := range c {
		updates.Queue("UPDATE segments SET members = members + $2 WHERE id = $1", day.segmentID, n)
		updates.Queue(`
			INSERT INTO history AS h (segment_id, day, added, removed) VALUES ($1, $2, $3, 0)
			ON CONFLICT (segment_id, day) DO UPDATE SET added = h.added + excluded.added`, day.segmentID, day.day, n)
	}
	return tx.SendBatch(ctx, updates).Close()
}
