package projections

import (
	"context"
	"fmt"
	"strings"

	"importledger/events"

	"github.com/jackc/pgx/v5"
)

var selectImport = "SELECT i." + strings.Join(importColumns, ", i.") + " FROM imports_list.imports i "

// ImportFilter narrows ListImports; empty fields do not.
type ImportFilter struct {
	State    events.State
	Type     events.ImportType
	Q        string // part of the file's name, in any case
	Page     int    // from 1
	PageSize int
}

// ImportKey names an import as it stands: under one key there is only ever one.
type ImportKey struct {
	ID       string
	Revision uint64
}

// ListImports gives a page of the imports that a filter leaves, newest first, and
// how many it leaves in all.
func ListImports(ctx context.Context, q Querier, f ImportFilter) (page []Import, total int, err error) {
	keys, total, err := ListImportKeys(ctx, q, f)
	if err != nil || len(keys) == 0 {
		return nil, total, err
	}
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = key.ID
	}
	page, err = ImportsByID(ctx, q, ids)
	return page, total, err
}

// ListImportKeys does the same and reads only keys, for whoever remembers imports.
func ListImportKeys(ctx context.Context, q Querier, f ImportFilter) (page []ImportKey, total int, err error) {
	if f.Q != "" {
		return searchImports(ctx, q, f)
	}
	// Each filter is a statement of its own, so that each finds its index.
	conditions, args := "", []any{f.PageSize, offset(f.Page, f.PageSize)}
	for _, filter := range []struct{ column, value string }{{"state", string(f.State)}, {"type", string(f.Type)}} {
		if filter.value != "" {
			args = append(args, filter.value)
			conditions += fmt.Sprintf(" AND %s = $%d", filter.column, len(args))
		}
	}
	rows, err := q.Query(ctx, `
		SELECT (SELECT coalesce(sum(imports), 0)::bigint FROM imports_list.totals WHERE true`+conditions+`), page.id, page.revision
		FROM (SELECT) one LEFT JOIN (
			SELECT id, revision, created_at FROM imports_list.imports WHERE true`+conditions+` ORDER BY created_at DESC, id DESC LIMIT $1 OFFSET $2
		) page ON true ORDER BY page.created_at DESC, page.id DESC`, args...)
	if err != nil {
		return nil, 0, err
	}
	return keysAndTotal(rows)
}

// keysAndTotal reads rows of a total and a key, which is null where there is none.
func keysAndTotal(rows pgx.Rows) (keys []ImportKey, total int, err error) {
	var id *string
	var revision *uint64
	_, err = pgx.ForEachRow(rows, []any{&total, &id, &revision}, func() error {
		if id != nil {
			keys = append(keys, ImportKey{*id, *revision})
		}
		return nil
	})
	return keys, total, err
}

// ImportsByID gives those of the imports that exist, newest first.
func ImportsByID(ctx context.Context, q Querier, ids []string) ([]Import, error) {
	rows, err := q.Query(ctx, selectImport+"WHERE id = ANY($1) ORDER BY created_at DESC, id DESC", ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, importValue)
}

// ImportCount is how many imports have a state and came in one way.
type ImportCount struct {
	State   events.State
	Type    events.ImportType
	Imports int
}

// ImportCounts gives the counts that are not 0.
func ImportCounts(ctx context.Context, q Querier) ([]ImportCount, error) {
	rows, err := q.Query(ctx, "SELECT state, type, imports FROM imports_list.totals ORDER BY state, type")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ImportCount])
}

// searchImports looks through names in the index alone, and only then at the imports
// of the page.
func searchImports(ctx context.Context, q Querier, f ImportFilter) ([]ImportKey, int, error) {
	rows, err := q.Query(ctx, `
		WITH matching AS MATERIALIZED (
			SELECT created_at, id FROM imports_list.imports
			WHERE search_name LIKE $1 AND ($2 = '' OR state = $2) AND ($3 = '' OR type = $3)
		), page AS (
			SELECT created_at, id FROM matching ORDER BY created_at DESC, id DESC LIMIT $4 OFFSET $5
		)
		SELECT (SELECT count(*) FROM matching), i.id, i.revision
		FROM (SELECT) one LEFT JOIN (page JOIN imports_list.imports i USING (id)) ON true
		ORDER BY page.created_at DESC, page.id DESC`,
		"%"+likeLiteral.Replace(searchable(f.Q))+"%", string(f.State), string(f.Type), f.PageSize, offset(f.Page, f.PageSize))
	if err != nil {
		return nil, 0, err
	}
	return keysAndTotal(rows)
}

// likeLiteral takes away what LIKE means by its special characters.
var likeLiteral = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// ImportByID gives one import, or ErrNotFound.
func ImportByID(ctx context.Context, q Querier, id string) (Import, error) {
	rows, err := q.Query(ctx, selectImport+"WHERE id = $1", id)
	if err != nil {
		return Import{}, err
	}
	return found(pgx.CollectExactlyOneRow(rows, importValue))
}

// ImportingIDs gives the imports whose rows are to be imported, oldest first.
func ImportingIDs(ctx context.Context, q Querier) ([]string, error) {
	rows, err := q.Query(ctx, "SELECT id FROM imports_list.imports WHERE state = $1 ORDER BY created_at, id", string(events.Importing))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// LastMapping gives the newest import of the mode that was mapped and whose file had
// the same columns, in any order; or ErrNotFound.
func LastMapping(ctx context.Context, q Querier, header []string, mode events.Mode) (Import, error) {
	rows, err := q.Query(ctx, selectImport+`
		WHERE header_hash = $1 AND import_mode = $2 AND mapping <> '[]' ORDER BY created_at DESC, id DESC LIMIT 1`,
		hashHeader(header), string(mode))
	if err != nil {
		return Import{}, err
	}
	return found(pgx.CollectExactlyOneRow(rows, importValue))
}

// importsWithErrors is how many imports ImportsWithErrors lists.
const importsWithErrors = 20

// ImportsWithErrors lists the newest imports with rows in error whose files had the
// same columns, in any order.
func ImportsWithErrors(ctx context.Context, q Querier, header []string) ([]string, error) {
	rows, err := q.Query(ctx, `
		SELECT id FROM imports_list.imports
		WHERE header_hash = $1 AND mapping <> '[]' AND rows_in_error > 0 ORDER BY created_at DESC, id DESC LIMIT $2`,
		hashHeader(header), importsWithErrors)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// CorrectedBy gives for each of some imports those that correct it, oldest first.
func CorrectedBy(ctx context.Context, q Querier, ids []string) (map[string][]string, error) {
	rows, err := q.Query(ctx, `
		SELECT corrects, id FROM imports_list.imports
		WHERE corrects = ANY($1) AND corrects <> '' ORDER BY created_at, id`, ids)
	if err != nil {
		return nil, err
	}
	by := map[string][]string{}
	var corrected, id string
	_, err = pgx.ForEachRow(rows, []any{&corrected, &id}, func() error {
		by[corrected] = append(by[corrected], id)
		return nil
	})
	return by, err
}

func importValue(row pgx.CollectableRow) (Import, error) {
	i, err := scanImport(row)
	return *i, err
}

// CountImports tells how many imports there are in each state.
func CountImports(ctx context.Context, q Querier) (map[events.State]int, error) {
	rows, err := q.Query(ctx, "SELECT state, sum(imports)::bigint FROM imports_list.totals GROUP BY state")
	if err != nil {
		return nil, err
	}
	counts := map[events.State]int{}
	var state string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&state, &n}, func() error {
		counts[events.State(state)] = n
		return nil
	})
	return counts, err
}
