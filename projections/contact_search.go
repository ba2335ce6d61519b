package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"importledger/events"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Beginner begins transactions; a pool does.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// ContactSearch asks for a page of contacts.
type ContactSearch struct {
	Condition Condition // nil: all contacts
	Sort      ContactSort
	Page      int // from 1
	PageSize  int
	Now       time.Time     // where periods of conditions end
	Limit     time.Duration // how long Postgres may look; then the error is ErrSearchTooLong

	// Identify gives the contact whose key identifier is field and has this value;
	// false: field is not the key identifier, or no contact can have the value.
	// Optional: it only makes such a search fast.
	Identify func(field, value string) (nxID [16]byte, ok bool)
}

// ContactSort orders contacts by an attribute; those without a value come last,
// and equal ones by their id.
type ContactSort struct {
	Attribute string
	Type      events.AttributeType
	Order     Order
}

// ErrSearchTooLong is returned for a search that did not end within its limit.
var ErrSearchTooLong = errors.New("the search takes too long")

// SearchContacts gives a page of the contacts that satisfy a condition, and how
// many there are in all.
func SearchContacts(ctx context.Context, db Beginner, search ContactSearch) (page []Contact, total int, err error) {
	tx, err := db.Begin(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		// Nothing was written; a connection that cannot end a transaction is not kept.
		if end := tx.Rollback(context.WithoutCancel(ctx)); end != nil && err == nil && !errors.Is(end, pgx.ErrTxClosed) {
			err = end
		}
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "57014" && ctx.Err() == nil {
			err = ErrSearchTooLong
		}
	}()
	s := &statement{now: search.Now, row: "c.attributes", identify: search.Identify}
	if s.fold, err = prepareSearch(ctx, tx, search.Limit); err != nil {
		return nil, 0, err
	}
	ids, total, err := search.find(ctx, tx, s)
	if err != nil || len(ids) == 0 {
		return nil, total, err
	}
	rows, err := tx.Query(ctx, selectContact+"JOIN unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, n) ON wanted.id = nx_id ORDER BY wanted.n", ids)
	if err != nil {
		return nil, 0, err
	}
	page, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Contact])
	return page, total, err
}

// prepareSearch limits the transaction's statements, and finds the collation that
// knows the capital letters of all scripts: that of Unicode, where Postgres was
// built with it.
func prepareSearch(ctx context.Context, tx pgx.Tx, limit time.Duration) (fold string, err error) {
	batch := &pgx.Batch{}
	batch.Queue("SELECT set_config('statement_timeout', $1, true)", fmt.Sprint(limit.Milliseconds()))
	batch.Queue("SELECT EXISTS (SELECT FROM pg_collation WHERE collname = 'und-x-icu')").QueryRow(func(row pgx.Row) error {
		var known bool
		err := row.Scan(&known)
		if known {
			fold = ` COLLATE "und-x-icu"`
		}
		return err
	})
	return fold, tx.SendBatch(ctx, batch).Close()
}

// find gives the ids of the page in order. With a condition one scan counts and
// sorts, over ids and sort keys alone; without one the counts are kept, and the
// usual order has an index.
func (search ContactSearch) find(ctx context.Context, tx pgx.Tx, s *statement) (ids []uuid.UUID, total int, err error) {
	key := search.Sort.key(s)
	direction := search.Sort.Order.sql()
	order := fmt.Sprintf(" ORDER BY key%s NULLS LAST, nx_id%s", direction, direction)
	if search.Condition == nil {
		if total, err = CountContacts(ctx, tx); err != nil || offset(search.Page, search.PageSize) >= total {
			return nil, total, err
		}
		if search.Sort.Attribute == events.CreatedAt {
			order = fmt.Sprintf(" ORDER BY created%s, nx_id%s", direction, direction) // never null, so that the index serves
		}
		rows, err := tx.Query(ctx, "SELECT nx_id FROM (SELECT nx_id, created, "+key+" AS key FROM contact_state.contacts c) AS c"+order+
			" LIMIT "+s.arg(search.PageSize, "bigint")+" OFFSET "+s.arg(offset(search.Page, search.PageSize), "bigint"), s.args...)
		if err != nil {
			return nil, 0, err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return ids, total, err
	}
	where := search.Condition.sql(s)
	rows, err := tx.Query(ctx, "WITH matching AS MATERIALIZED (SELECT c.nx_id, "+key+" AS key FROM contact_state.contacts c"+s.joins.String()+" WHERE "+where+
		"), page AS (SELECT nx_id, row_number() OVER ("+order+") AS n FROM matching"+order+
		" LIMIT "+s.arg(search.PageSize, "bigint")+" OFFSET "+s.arg(offset(search.Page, search.PageSize), "bigint")+
		") SELECT (SELECT count(*) FROM matching), page.nx_id FROM (SELECT) one LEFT JOIN page ON true ORDER BY page.n", s.args...)
	if err != nil {
		return nil, 0, err
	}
	var id *uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&total, &id}, func() error {
		if id != nil {
			ids = append(ids, *id)
		}
		return nil
	})
	return ids, total, err
}

// key is what contacts are sorted by.
func (o ContactSort) key(s *statement) string {
	c := comparison{field: o.Attribute, typ: o.Type}
	switch o.Type {
	case events.Timestamp:
		return c.time(s)
	case events.Number:
		return c.number(s)
	case events.String:
		if o.Attribute != events.NxID {
			return s.folded(c.text(s))
		}
	case events.Boolean: // false comes before true as text too
	}
	return c.text(s)
}
