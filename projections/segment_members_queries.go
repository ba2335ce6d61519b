package projections

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Segment is a segment as the read model knows it. Times are Unix epoch in
// milliseconds.
type Segment struct {
	ID          string
	Name        string
	Description string
	Type        string // manual
	CreatedAt   int64
	ModifiedAt  int64
	ModifiedBy  string // id of a user or API client
	Members     int    // contacts in it
}

// SegmentDay is a day in a segment's history.
type SegmentDay struct {
	Day     time.Time // midnight UTC
	Added   int
	Removed int
	Current int // contacts in the segment at the day's end
}

const selectSegment = "SELECT s.id, s.name, s.description, s.type, s.created_at, s.modified_at, s.modified_by, s.members FROM segment_members.segments s "

// ListSegments gives the segments of a type (empty: of every type), by name.
func ListSegments(ctx context.Context, q Querier, typ string) ([]Segment, error) {
	return segments(ctx, q, "WHERE $1 = '' OR s.type = $1 ORDER BY s.name, s.id", typ)
}

// SegmentByID gives one segment, or ErrNotFound.
func SegmentByID(ctx context.Context, q Querier, id string) (Segment, error) {
	return oneSegment(ctx, q, "WHERE s.id = $1", id)
}

// SegmentByName gives the segment of exactly that name, or ErrNotFound.
func SegmentByName(ctx context.Context, q Querier, name string) (Segment, error) {
	return oneSegment(ctx, q, "WHERE s.name = $1 ORDER BY s.created_at, s.id LIMIT 1", name)
}

// SegmentsOf gives the segments that a contact is in, by name.
func SegmentsOf(ctx context.Context, q Querier, nxID uuid.UUID) ([]Segment, error) {
	return segments(ctx, q, "JOIN segment_members.members m ON m.segment_id = s.id WHERE m.nx_id = $1 ORDER BY s.name, s.id", nxID)
}

// SegmentMemberIDs gives a page of the contacts in a segment, by the time they
// came in; pages count from 1.
func SegmentMemberIDs(ctx context.Context, q Querier, segmentID string, page, pageSize int, order Order) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, strings.ReplaceAll(`
		SELECT nx_id FROM segment_members.members WHERE segment_id = $1
		ORDER BY added_at /order/, nx_id /order/ LIMIT $2 OFFSET $3`, "/order/", order.sql()),
		segmentID, pageSize, offset(page, pageSize))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// SegmentHistory gives each day from start to stop (inclusive, in UTC), oldest first.
func SegmentHistory(ctx context.Context, q Querier, segmentID string, start, stop time.Time) ([]SegmentDay, error) {
	rows, err := q.Query(ctx, `
		SELECT d.day, coalesce(h.added, 0), coalesce(h.removed, 0), (b.current + sum(coalesce(h.added - h.removed, 0)) OVER (ORDER BY d.day))::bigint
		FROM (SELECT coalesce(sum(added - removed), 0) AS current FROM segment_members.history WHERE segment_id = $1 AND day < $2::date) b,
			(SELECT generate_series($2::date, $3::date, '1 day')::date AS day) d
			LEFT JOIN segment_members.history h ON h.segment_id = $1 AND h.day = d.day
		ORDER BY d.day`, segmentID, start.UTC(), stop.UTC())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[SegmentDay])
}

func segments(ctx context.Context, q Querier, rest string, args ...any) ([]Segment, error) {
	rows, err := q.Query(ctx, selectSegment+rest, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Segment])
}

func oneSegment(ctx context.Context, q Querier, rest string, args ...any) (Segment, error) {
	rows, err := q.Query(ctx, selectSegment+rest, args...)
	if err != nil {
		return Segment{}, err
	}
	return found(pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Segment]))
}
