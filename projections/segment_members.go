package projections

import (
	"context"
	_ "embed"

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
	if err := s.save(ctx, tx); err != nil {
		return err
	}
	known, err := s.members.known(ctx, tx)
	if err != nil {
		return err
	}
	written, counts := s.members.against(known)
	if err := written.save(ctx, tx); err != nil {
		return err
	}
	return counts.save(ctx, tx)
}

// segmentChanges is what a run says about segments and who is in them.
type segmentChanges struct {
	segmentOf map[string]string // import → segment
	created   []segmentCreated
	renamed   []segmentRenamed
	mapped    []segmentMapped
	removed   []string
	members   memberChanges
}

type segmentCreated struct {
	id, name, description string
	at                    int64
	actor                 string
}

type segmentRenamed segmentCreated

// segmentMapped is an import whose rows go into a segment.
type segmentMapped struct{ importID, segmentID string }

func segmentChangesOf(ctx context.Context, tx pgx.Tx, run []events.Envelope) (*segmentChanges, error) {
	s := &segmentChanges{segmentOf: map[string]string{}, members: memberChanges{at: map[membership]int{}}}
	if err := s.loadImportSegments(ctx, tx, run); err != nil {
		return nil, err
	}
	for i := range run {
		s.add(&run[i])
	}
	return s, s.leaveOutRemoved(ctx, tx)
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
	switch event := e.Event.(type) {
	case events.ColumnsMapped:
		if event.Segment != nil {
			id := e.ImportID()
			s.segmentOf[id] = event.Segment.ID
			s.mapped = append(s.mapped, segmentMapped{id, event.Segment.ID})
			// Imports of the first versions created segments by this event alone.
			s.created = append(s.created, segmentCreated{event.Segment.ID, event.Segment.Name, "", e.Meta.At, e.Meta.Actor})
		}
	case events.RowAccepted:
		origin := rowOrigin{e.ImportID(), e.Meta.At}
		if segment, ok := s.segmentOf[origin.importID]; ok {
			s.members.touch(membership{event.Contact.NxID, segment}, true, origin)
		}
	default:
		if id, ok := events.SegmentOfStream(e.Stream); ok {
			s.addToSegment(id, e)
		}
	}
}

// addToSegment takes an event of a segment's own stream.
func (s *segmentChanges) addToSegment(id string, e *events.Envelope) {
	byHand := rowOrigin{at: e.Meta.At}
	switch event := e.Event.(type) {
	case events.SegmentCreated:
		s.created = append(s.created, segmentCreated{id, event.Name, event.Description, e.Meta.At, e.Meta.Actor})
	case events.SegmentRenamed:
		s.renamed = append(s.renamed, segmentRenamed{id, event.Name, event.Description, e.Meta.At, e.Meta.Actor})
	case events.SegmentRemoved:
		s.removed = append(s.removed, id)
	case events.SegmentContactsAdded:
		for _, nxID := range event.Contacts {
			s.members.touch(membership{nxID, id}, true, byHand)
		}
	case events.SegmentContactsRemoved:
		for _, nxID := range event.Contacts {
			s.members.touch(membership{nxID, id}, false, byHand)
		}
	}
}

// leaveOutRemoved drops what a run says about segments that are no more: rows of an
// import go on, and put nobody anywhere.
func (s *segmentChanges) leaveOutRemoved(ctx context.Context, tx pgx.Tx) error {
	gone := map[string]bool{}
	for _, id := range s.removed {
		gone[id] = true
	}
	if len(s.mapped) > 0 {
		ids := make([]string, len(s.mapped))
		for i, m := range s.mapped {
			ids[i] = m.segmentID
		}
		rows, err := tx.Query(ctx, "SELECT segment_id FROM removed_segments WHERE segment_id = ANY($1)", ids)
		if err != nil {
			return err
		}
		var id string
		if _, err := pgx.ForEachRow(rows, []any{&id}, func() error { gone[id] = true; return nil }); err != nil {
			return err
		}
	}
	if len(gone) == 0 {
		return nil
	}
	s.created = without(s.created, func(c segmentCreated) bool { return gone[c.id] })
	s.renamed = without(s.renamed, func(r segmentRenamed) bool { return gone[r.id] })
	s.mapped = without(s.mapped, func(m segmentMapped) bool { return gone[m.segmentID] })
	s.members.leaveOut(gone)
	return nil
}

func without[T any](all []T, drop func(T) bool) []T {
	kept := all[:0]
	for _, one := range all {
		if !drop(one) {
			kept = append(kept, one)
		}
	}
	return kept
}

// save writes all but the members, and drops those of segments that are no more.
func (s *segmentChanges) save(ctx context.Context, tx pgx.Tx) error {
	if err := s.saveSegments(ctx, tx); err != nil || len(s.removed) == 0 {
		return err
	}
	_, err := tx.Exec(ctx, "DELETE FROM members WHERE segment_id = ANY($1)", s.removed)
	return err
}

func (s *segmentChanges) saveSegments(ctx context.Context, tx pgx.Tx) error {
	all := &pgx.Batch{}
	for _, c := range s.created {
		all.Queue(`
			INSERT INTO segments (id, name, description, type, created_at, modified_at, modified_by, members)
			VALUES ($1, $2, $3, 'manual', $4, $4, $5, 0) ON CONFLICT (id) DO NOTHING`, c.id, c.name, c.description, c.at, c.actor)
	}
	for _, m := range s.mapped {
		all.Queue("INSERT INTO import_segments (import_id, segment_id) VALUES ($1, $2)", m.importID, m.segmentID)
	}
	for _, r := range s.renamed {
		all.Queue("UPDATE segments SET name = $2, description = $3, modified_at = $4, modified_by = $5 WHERE id = $1", r.id, r.name, r.description, r.at, r.actor)
	}
	if len(s.removed) > 0 {
		for _, table := range []string{"segments WHERE id", "import_segments WHERE segment_id", "history WHERE segment_id"} {
			all.Queue("DELETE FROM "+table+" = ANY($1)", s.removed)
		}
		all.Queue("INSERT INTO removed_segments (segment_id) SELECT unnest($1::text[])", s.removed)
	}
	if all.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, all).Close()
}

// membership is a contact in a segment.
type membership struct {
	nxID      uuid.UUID
	segmentID string
}
