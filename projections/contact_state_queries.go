package projections

import (
	"context"
	"encoding/json"

	"importledger/events"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Contact is a contact as the read model knows it. Times are Unix epoch in
// milliseconds.
type Contact struct {
	NxID        uuid.UUID
	Attributes  json.RawMessage // object of strings, numbers, booleans by attribute name
	CreatedAt   int64
	ModifiedAt  int64
	FirstImport string
	LastImport  string
}

// ImportedEvent is an event of a contact.
type ImportedEvent struct {
	ID         uuid.UUID
	NxID       uuid.UUID
	Name       string
	At         int64           // Unix epoch, milliseconds
	Properties json.RawMessage // object of strings, numbers, booleans by property name
	ImportID   string          // the import that brought it first
}

// CustomAttribute is an attribute beside the reserved ones.
type CustomAttribute struct {
	Name      string
	Type      events.AttributeType
	ImportID  string // the import whose mapping created it; empty: somebody by hand
	CreatedAt int64  // Unix epoch, milliseconds
}

// Order of a list by the time of creation.
type Order bool

// The orders.
const (
	OldestFirst Order = false
	NewestFirst Order = true
)

func (o Order) sql() string {
	if o == NewestFirst {
		return " DESC"
	}
	return ""
}

const selectContact = "SELECT nx_id, attributes, created_at, modified_at, first_import, last_import FROM contact_state.contacts "

// CountContacts tells how many contacts there are.
func CountContacts(ctx context.Context, q Querier) (int, error) {
	var n int
	err := q.QueryRow(ctx, "SELECT contacts FROM contact_state.totals").Scan(&n)
	return n, err
}

// ContactByID gives one contact, or ErrNotFound.
func ContactByID(ctx context.Context, q Querier, nxID uuid.UUID) (Contact, error) {
	rows, err := q.Query(ctx, selectContact+"WHERE nx_id = $1", [16]byte(nxID))
	if err != nil {
		return Contact{}, err
	}
	return found(pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Contact]))
}

// KnownContacts tells which of the ids are those of contacts.
func KnownContacts(ctx context.Context, q Querier, nxIDs []uuid.UUID) (map[uuid.UUID]bool, error) {
	rows, err := q.Query(ctx, "SELECT nx_id FROM contact_state.contacts WHERE nx_id = ANY($1)", nxIDs)
	if err != nil {
		return nil, err
	}
	known := make(map[uuid.UUID]bool, len(nxIDs))
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error { known[id] = true; return nil })
	return known, err
}

// ContactsByID gives those of the contacts that exist, in no order.
func ContactsByID(ctx context.Context, q Querier, nxIDs []uuid.UUID) ([]Contact, error) {
	rows, err := q.Query(ctx, selectContact+"WHERE nx_id = ANY($1)", nxIDs)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Contact])
}

// ListContacts gives a page of all contacts by their time of creation; pages
// count from 1.
func ListContacts(ctx context.Context, q Querier, page, pageSize int, order Order) ([]Contact, error) {
	rows, err := q.Query(ctx, selectContact+"ORDER BY created"+order.sql()+", nx_id"+order.sql()+" LIMIT $1 OFFSET $2",
		pageSize, offset(page, pageSize))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Contact])
}

// ContactEvents gives a page of a contact's events, newest first, and how many there
// are in all; pages count from 1.
func ContactEvents(ctx context.Context, q Querier, nxID uuid.UUID, page, pageSize int) (events []ImportedEvent, total int, err error) {
	if err := q.QueryRow(ctx, "SELECT count(*) FROM contact_state.events WHERE nx_id = $1", nxID).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := q.Query(ctx, `
		SELECT id, nx_id, name, at, properties, import_id FROM contact_state.events
		WHERE nx_id = $1 ORDER BY at DESC, id DESC LIMIT $2 OFFSET $3`, nxID, pageSize, offset(page, pageSize))
	if err != nil {
		return nil, 0, err
	}
	events, err = pgx.CollectRows(rows, pgx.RowToStructByPos[ImportedEvent])
	return events, total, err
}

// CustomAttributes gives the attributes beside the reserved ones, by name.
func CustomAttributes(ctx context.Context, q Querier) ([]CustomAttribute, error) {
	rows, err := q.Query(ctx, "SELECT name, type, import_id, created_at FROM contact_state.attributes ORDER BY name")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[CustomAttribute])
}
