package projections_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"importledger/events"
	"importledger/projections"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Whatever the table and the column, a row that is changed, deleted or added by hand
// is named.
func TestVerifyNamesARowOfEveryTableThatIsTamperedWith(t *testing.T) {
	t.Parallel()
	l := history()
	l.recordIn(events.SegmentStream("gone"), events.SegmentCreated{Name: "Gone"}, events.SegmentRemoved{})
	bought := accepted(1, 3, `{}`)
	bought.Event = &events.ContactEvent{ID: contactID(1000), Name: "bought", At: 1795500000000}
	l.record("e", started("e.csv", 1), mapped(nil), bought)
	p, pool := projector(t, l)
	feed(t, p, l, 0, l.len(), 100)
	tables := collect[string](t, pool, `SELECT schemaname || '.' || tablename FROM pg_tables
		WHERE schemaname = ANY($1) AND tablename <> 'checkpoint' ORDER BY 1`, projections.Names())
	for _, table := range tables {
		model, name, _ := strings.Cut(table, ".")
		columns := columnsOf(t, pool, table)
		for _, by := range tamperings(table, columns) {
			exec(t, pool, "DROP TABLE IF EXISTS public.kept; CREATE TABLE public.kept AS TABLE "+table)
			if n := collect[int](t, pool, "WITH done AS ("+by.sql+" RETURNING 1) SELECT count(*) FROM done")[0]; n != 1 {
				t.Fatalf("%s: %d rows", by.sql, n)
			}
			m := must(p.Verify(t.Context(), []string{model})).Projections[0]
			if m.Differences != 1 || len(m.Differing) != 1 || m.Differing[0].Table != name || m.Differing[0].Kind != by.kind || !by.named(m.Differing[0]) {
				t.Errorf("%s: %+v", by.sql, m)
			}
			list := names(columns)
			exec(t, pool, fmt.Sprintf("TRUNCATE %[1]s; INSERT INTO %[1]s (%[2]s) SELECT %[2]s FROM public.kept", table, list))
		}
	}
	if v := must(p.Verify(t.Context(), nil)); differences(v) != 0 {
		t.Errorf("all is as it was: %+v", v)
	}
}

type column struct {
	name, typ string
	key       bool
}

// columnsOf gives the columns that can be written.
func columnsOf(t testing.TB, pool *pgxpool.Pool, table string) (all []column) {
	for _, c := range collect[string](t, pool, `
		SELECT concat_ws(' ', a.attname, format_type(a.atttypid, NULL), CASE WHEN a.attnum = ANY(i.indkey) THEN 'key' END)
		FROM pg_attribute a JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
		WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND a.attgenerated = '' AND NOT a.attisdropped ORDER BY a.attnum`, table) {
		parts := strings.Fields(c)
		all = append(all, column{parts[0], parts[1], len(parts) > 2})
	}
	return all
}

func names(columns []column) string {
	var all []string
	for _, c := range columns {
		all = append(all, c.name)
	}
	return strings.Join(all, ", ")
}

// other is an expression for a value that a column does not have; empty: it can have
// no other.
func (c column) other() string {
	switch c.typ {
	case "text":
		return c.name + " || '~'"
	case "bigint", "integer", "smallint", "date":
		return c.name + " + 1000"
	case "uuid":
		return "gen_random_uuid()"
	case "jsonb":
		return `'{"tampered":true}'`
	case "bytea":
		return `'tampered'`
	}
	return ""
}

type tampering struct {
	sql    string
	kind   projections.DifferenceKind
	column string
}

func (by tampering) named(d projections.Difference) bool {
	return by.column == "" || slices.ContainsFunc(d.Columns, func(c projections.DifferingColumn) bool {
		return c.Name == by.column && c.Table != c.Log && c.Table != "" && c.Log != ""
	})
}

func tamperings(table string, columns []column) (all []tampering) {
	row := fmt.Sprintf("WHERE ctid = (SELECT ctid FROM %s LIMIT 1)", table)
	all = append(all, tampering{sql: "DELETE FROM " + table + " " + row, kind: projections.RowMissing})
	var values []string
	canBeOther := false
	for _, c := range columns {
		value := c.name
		switch other := c.other(); {
		case other == "":
		case c.key && !canBeOther:
			canBeOther, value = true, other
		case !c.key:
			all = append(all, tampering{fmt.Sprintf("UPDATE %s SET %s = %s %s", table, c.name, other, row), projections.RowChanged, c.name})
		}
		values = append(values, value)
	}
	if canBeOther {
		all = append(all, tampering{sql: fmt.Sprintf("INSERT INTO %[1]s (%[2]s) SELECT %[3]s FROM %[1]s %[4]s", table, names(columns), strings.Join(values, ", "), row), kind: projections.RowExtra})
	}
	return all
}
