package projections

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"importledger/events"
)

// statement collects what a search's SQL needs beside its text: parameters, and
// the tables that are joined to contact c. Names and values of conditions are
// parameters, always; the text is made of our own words only.
type statement struct {
	args     []any
	joins    strings.Builder
	joined   int
	now      time.Time
	fold     string // collation that knows capital letters of all scripts, or empty
	row      string // the JSON object that comparisons look into
	identify func(field, value string) (nxID [16]byte, ok bool)
}

// arg adds a parameter of a type.
func (s *statement) arg(v any, typ string) string {
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args)) + "::" + typ
}

// folded is a text without regard to case.
func (s *statement) folded(text string) string { return "lower(" + text + s.fold + ")" }

func (g allOf) sql(s *statement) string { return joined(s, g, " AND ", "true") }
func (g anyOf) sql(s *statement) string { return joined(s, g, " OR ", "false") }

func joined(s *statement, conditions []Condition, with, none string) string {
	if len(conditions) == 0 {
		return none
	}
	all := make([]string, len(conditions))
	for i, c := range conditions {
		all[i] = c.sql(s)
	}
	return "(" + strings.Join(all, with) + ")"
}

func (c comparison) sql(s *statement) string {
	switch c.operator {
	case NotEq:
		return not(c.with(Eq).sql(s))
	case NotContains:
		return not(c.with(Contains).sql(s))
	case NotExists, IsNotSet:
		return not(c.with(Exists).sql(s))
	case IsNotMobile:
		return not(c.with(IsMobile).sql(s))
	case IsMobile:
		return "c.attributes->" + s.arg(events.SMSCapable, "text") + " = 'true'"
	case Exists, IsSet:
		return c.text(s) + " IS NOT NULL"
	case IsTrue, IsFalse:
		return fmt.Sprintf("%s->%s = '%t'", s.row, s.arg(c.field, "text"), c.operator == IsTrue)
	case IsTimestamp:
		return c.time(s) + " IS NOT NULL"
	case Contains:
		return "strpos(" + s.folded(c.text(s)) + ", " + s.folded(s.arg(c.values[0], "text")) + ") > 0"
	case StartsWith:
		return "starts_with(" + s.folded(c.text(s)) + ", " + s.folded(s.arg(c.values[0], "text")) + ")"
	case EndsWith:
		end := s.folded(s.arg(c.values[0], "text"))
		return "right(" + s.folded(c.text(s)) + ", length(" + end + ")) = " + end
	case Eq:
		return c.equal(s)
	case Gt, IsTimestampAfter:
		return c.ordered(s, ">", 0)
	case Lt, IsTimestampBefore:
		return c.ordered(s, "<", 0)
	case Between, IsTimestampBetween:
		return "(" + c.ordered(s, ">=", 0) + " AND " + c.ordered(s, "<=", 1) + ")"
	}
	panic("projections: no SQL for the operator " + string(c.operator))
}

func not(sql string) string { return "((" + sql + ") IS NOT TRUE)" }

func (c comparison) with(o Operator) comparison {
	c.operator = o
	return c
}

// text is the value as text, null where there is none.
func (c comparison) text(s *statement) string {
	if c.typ != "" {
		switch c.field {
		case events.NxID:
			return "c.nx_id::text"
		case events.CreatedAt:
			return "c.created::text"
		case events.CreatedAtNaxai:
			return "c.created_at::text"
		}
	}
	return "(" + s.row + "->>" + s.arg(c.field, "text") + ")"
}

// number is the value as a number; null also where a value is none, so that no
// row can make a search fail.
func (c comparison) number(s *statement) string {
	field := s.arg(c.field, "text")
	return "CASE WHEN jsonb_typeof(" + s.row + "->" + field + ") = 'number' THEN (" + s.row + "->" + field + ")::numeric END"
}

// time is the value in milliseconds. A number attribute holds seconds or
// milliseconds, told apart as in files.
func (c comparison) time(s *statement) string {
	switch {
	case c.field == events.CreatedAt:
		return "c.created"
	case c.field == events.CreatedAtNaxai:
		return "c.created_at"
	case c.typ == events.Timestamp:
		return c.number(s)
	}
	n := c.number(s)
	return "(SELECT CASE WHEN abs(n) < 100000000000 THEN n * 1000 ELSE n END FROM (SELECT " + n + " AS n) AS epoch)"
}

func (c comparison) equal(s *statement) string {
	switch v := c.values[0].(type) {
	case bool:
		return fmt.Sprintf("%s->%s = '%t'", s.row, s.arg(c.field, "text"), v)
	case string:
		same := s.folded(c.text(s)) + " = " + s.folded(s.arg(v, "text"))
		if c.typ == "" || s.identify == nil {
			return same
		}
		// A key identifier's value leads to its contact without looking at the others.
		if id, ok := s.identify(c.field, v); ok {
			return "(c.nx_id = " + s.arg(id, "uuid") + " AND " + same + ")"
		}
		return same
	}
	return c.ordered(s, "=", 0)
}

// ordered compares as numbers or as times.
func (c comparison) ordered(s *statement, with string, which int) string {
	switch v := c.values[which].(type) {
	case instant:
		return c.time(s) + " " + with + " " + s.arg(int64(v), "bigint")
	case decimal:
		return c.number(s) + " " + with + " " + s.arg(string(v), "numeric")
	}
	panic(fmt.Sprintf("projections: a %T is not ordered", c.values[which]))
}

// sql joins the contacts' counts of the event. A join is planned as one scan of
// the events whatever the condition around it, where a subquery for each contact
// is not.
func (e occurrence) sql(s *statement) string {
	s.joined++
	alias := "e" + strconv.Itoa(s.joined)
	where := []string{"name = " + s.arg(e.name, "text")}
	at := func(with string, ms int64) { where = append(where, "at "+with+" "+s.arg(ms, "bigint")) }
	if e.after != nil {
		at(">", *e.after)
	}
	if e.before != nil {
		at("<", *e.before)
	}
	if e.within != nil {
		at(">=", s.now.AddDate(0, -e.within.Months, -e.within.Days).UnixMilli())
		at("<=", s.now.UnixMilli())
	}
	outer := s.row
	s.row = "properties"
	for _, c := range e.property {
		where = append(where, c.sql(s))
	}
	s.row = outer
	fmt.Fprintf(&s.joins, " LEFT JOIN (SELECT nx_id, count(*) AS n FROM contact_state.events WHERE %s GROUP BY nx_id) AS %s ON %s.nx_id = c.nx_id",
		strings.Join(where, " AND "), alias, alias)
	switch {
	case e.atMost:
		return "coalesce(" + alias + ".n, 0) <= " + s.arg(e.count, "bigint")
	case e.count == 0:
		return "true"
	}
	return alias + ".n >= " + s.arg(e.count, "bigint") // not by coalesce: so Postgres can begin with the events
}
