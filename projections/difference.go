package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// DifferenceKind is what is wrong with a row.
type DifferenceKind string

// The kinds of differences.
const (
	RowMissing DifferenceKind = "missing" // the log says that it is there, the table has it not
	RowExtra   DifferenceKind = "extra"   // the table has it, the log says nothing of it
	RowChanged DifferenceKind = "changed" // both have it, with other values
)

// Difference is a row of a read model that is not what the log says.
type Difference struct {
	Table   string
	Key     map[string]string // values of the primary key, by column
	Kind    DifferenceKind
	Columns []DifferingColumn // in alphabetical order; of a row that only one side has, all but the key
}

// DifferingColumn is a cell that differs. Its values are JSON, shortened; empty on the
// side that has no row.
type DifferingColumn struct {
	Name  string
	Table string
	Log   string
}

// String names a row by what tells nothing of a contact but its id.
func (d Difference) String() string {
	var key []string
	for _, column := range slices.Sorted(maps.Keys(d.Key)) {
		key = append(key, column+"="+d.Key[column])
	}
	return fmt.Sprintf("%s %s %s", d.Table, strings.Join(key, " "), d.Kind)
}

// longestValue is how many characters of a differing value are given.
const longestValue = 200

func shorten(value json.RawMessage) string {
	runes := []rune(string(value))
	if len(runes) <= longestValue {
		return string(runes)
	}
	return string(runes[:longestValue]) + "…"
}

// compare counts the rows of a table that differ, and names the first of them.
func (t table) compare(ctx context.Context, tx pgx.Tx, s *shadow, into *Verified) error {
	from := fmt.Sprintf("FROM %s.%s l FULL JOIN %s.%s v USING (%s)", s.name, t.name, s.schema, t.name, strings.Join(t.key, ", "))
	var rows, differences int
	err := tx.QueryRow(ctx, "SELECT count(*), count(*) FILTER (WHERE l IS DISTINCT FROM v) "+from).Scan(&rows, &differences)
	if err != nil {
		return err
	}
	into.Rows += rows
	into.Differences += differences
	room := mostDiffering - len(into.Differing)
	if differences == 0 || room <= 0 {
		return nil
	}
	found, err := tx.Query(ctx, fmt.Sprintf("SELECT to_jsonb(l), to_jsonb(v) %[2]s WHERE l IS DISTINCT FROM v ORDER BY %[1]s LIMIT %[3]d",
		strings.Join(t.key, ", "), from, room))
	if err != nil {
		return err
	}
	var live, log map[string]json.RawMessage
	_, err = pgx.ForEachRow(found, []any{&live, &log}, func() error {
		into.Differing = append(into.Differing, t.difference(live, log))
		live, log = nil, nil
		return nil
	})
	return err
}

// difference says how two rows of one key differ; nil: there is no such row.
func (t table) difference(live, log map[string]json.RawMessage) Difference {
	d := Difference{Table: t.name, Kind: RowChanged, Key: map[string]string{}}
	whole := live
	switch {
	case live == nil:
		d.Kind, whole = RowMissing, log
	case log == nil:
		d.Kind = RowExtra
	}
	for _, column := range slices.Sorted(maps.Keys(whole)) {
		if slices.Contains(t.key, column) {
			d.Key[column] = keyText(whole[column])
			continue
		}
		if d.Kind == RowChanged && string(live[column]) == string(log[column]) {
			continue
		}
		d.Columns = append(d.Columns, DifferingColumn{column, shorten(live[column]), shorten(log[column])})
	}
	return d
}

// keyText is a key's value without the quotes that JSON puts around a text.
func keyText(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}
