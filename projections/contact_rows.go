package projections

import (
	"context"
	_ "embed"

	"importledger/events"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

//go:embed contact_rows.sql
var contactRowsDDL string

func foldContactRows(ctx context.Context, tx pgx.Tx, run []events.Envelope) error {
	accepted := 0
	for i := range run {
		if _, ok := run[i].Event.(events.RowAccepted); ok {
			accepted++
		}
	}
	if accepted == 0 {
		return nil
	}
	var number int64
	if err := tx.QueryRow(ctx, "UPDATE totals SET rows = rows + $1 RETURNING rows - $1", accepted).Scan(&number); err != nil {
		return err
	}
	added := newCopyRows(4, accepted, 80)
	for i := range run {
		row, ok := run[i].Event.(events.RowAccepted)
		if !ok {
			continue
		}
		added.row()
		added.uuid(row.Contact.NxID)
		added.bigint(number)
		added.text(run[i].ImportID())
		added.bigint(int64(row.Row))
		number++
	}
	return added.into(ctx, tx, "rows", "nx_id", "number", "import_id", "row")
}

// trimContactRows keeps of an event what foldContactRows needs: what waits to be
// projected must not hold the rows' values in memory.
func trimContactRows(e events.Envelope) events.Envelope {
	trimmed := events.Envelope{ID: e.ID, Stream: e.Stream, Revision: e.Revision, Position: e.Position, Type: e.Type}
	if row, ok := e.Event.(events.RowAccepted); ok {
		trimmed.Event = events.RowAccepted{Row: row.Row, Contact: events.Contact{NxID: row.Contact.NxID}}
	}
	return trimmed
}

// ContactRow is an accepted row that is about a contact.
type ContactRow struct {
	Number   int64 // rises in the order of the log
	ImportID string
	Row      int
}

// RowsOfContact gives rows about a contact, the latest first, from before a number on;
// 0: from the latest of all.
func RowsOfContact(ctx context.Context, q Querier, nxID uuid.UUID, before int64, limit int) ([]ContactRow, error) {
	rows, err := q.Query(ctx, `
		SELECT number, import_id, row FROM contact_rows.rows
		WHERE nx_id = $1 AND ($2::bigint = 0 OR number < $2) ORDER BY number DESC LIMIT $3`, [16]byte(nxID), before, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ContactRow])
}

// ContactImport is an import with rows about a contact.
type ContactImport struct {
	ImportID string
	Rows     int   // how many of its rows
	First    []int // the first of them
}

// firstRows is how many rows a ContactImport names.
const firstRows = 20

// ImportsOfContact gives a page of the imports with rows about a contact, the one that
// brought the latest row first, and how many there are in all; pages count from 1.
func ImportsOfContact(ctx context.Context, q Querier, nxID uuid.UUID, page, pageSize int) (all []ContactImport, total int, err error) {
	if err := q.QueryRow(ctx, "SELECT count(DISTINCT import_id) FROM contact_rows.rows WHERE nx_id = $1", [16]byte(nxID)).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := q.Query(ctx, `
		SELECT import_id, count(*), (array_agg(row ORDER BY row))[1:$2] FROM contact_rows.rows
		WHERE nx_id = $1 GROUP BY import_id ORDER BY max(number) DESC LIMIT $3 OFFSET $4`, [16]byte(nxID), firstRows, pageSize, offset(page, pageSize))
	if err != nil {
		return nil, 0, err
	}
	all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[ContactImport])
	return all, total, err
}
