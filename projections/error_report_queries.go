package projections

import (
	"context"
	"iter"

	"importledger/events"

	"github.com/jackc/pgx/v5"
)

// ReportedError is one reason why a row was rejected.
type ReportedError struct {
	Row     int // from 1 below the header
	Line    int // of the file, where the row begins
	Column  string
	Code    string
	Message string
	Value   string // the cell as it was, shortened
}

// ErrorGroup is how often one rule was broken in one column.
type ErrorGroup struct {
	Code    string
	Column  string
	Count   int
	Message string   // of the first
	Rows    []int    // the first 20
	Values  []string // the cell of each of them as it was, shortened; empty: the row as a whole
}

// RejectedRow is a rejected row with all its reasons.
type RejectedRow struct {
	Row    int
	Line   int
	Errors []events.RowError
}

// ListErrors gives a page of an import's errors in the order of the file, and how
// many there are in all; pages count from 1.
func ListErrors(ctx context.Context, q Querier, importID string, page, pageSize int) (errors []ReportedError, total int, err error) {
	err = q.QueryRow(ctx, "SELECT count(*) FROM error_report.errors WHERE import_id = $1", importID).Scan(&total)
	if err != nil {
		return nil, 0, err
	}
	rows, err := q.Query(ctx, `
		SELECT row, line, column_name, code, message, value FROM error_report.errors
		WHERE import_id = $1 ORDER BY row, seq LIMIT $2 OFFSET $3`, importID, pageSize, offset(page, pageSize))
	if err != nil {
		return nil, 0, err
	}
	errors, err = pgx.CollectRows(rows, pgx.RowToStructByPos[ReportedError])
	return errors, total, err
}

// GroupErrors sums an import's errors up, the most frequent first.
func GroupErrors(ctx context.Context, q Querier, importID string) ([]ErrorGroup, error) {
	rows, err := q.Query(ctx, `
		SELECT code, column_name, count(*), (array_agg(message ORDER BY row, seq))[1], (array_agg(row ORDER BY row, seq))[1:20],
			(array_agg(value ORDER BY row, seq))[1:20]
		FROM error_report.errors WHERE import_id = $1
		GROUP BY code, column_name ORDER BY count(*) DESC, code, column_name`, importID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ErrorGroup])
}

// rejectedRowsAtOnce is how many rows RejectedRows asks for at a time.
const rejectedRowsAtOnce = 1000

// RejectedRows yields an import's rejected rows in order, each once. It holds no
// connection while the caller works on a row.
func RejectedRows(ctx context.Context, q Querier, importID string) iter.Seq2[RejectedRow, error] {
	return func(yield func(RejectedRow, error) bool) {
		for last := 0; ; {
			some, err := rejectedRowsAfter(ctx, q, importID, last)
			if err != nil {
				yield(RejectedRow{}, err)
				return
			}
			for _, r := range some {
				if !yield(r, nil) {
					return
				}
				last = r.Row
			}
			if len(some) < rejectedRowsAtOnce {
				return
			}
		}
	}
}

func rejectedRowsAfter(ctx context.Context, q Querier, importID string, row int) ([]RejectedRow, error) {
	rows, err := q.Query(ctx, `
		SELECT row, line, jsonb_agg(jsonb_build_object('column', column_name, 'code', code, 'message', message, 'value', value) ORDER BY seq)
		FROM error_report.errors WHERE import_id = $1 AND row > $2
		GROUP BY row, line ORDER BY row LIMIT $3`, importID, row, rejectedRowsAtOnce)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[RejectedRow])
}

// CountRejected counts an import's rejected rows by where they lie in the file: the
// rows up to each of the bounds, which rise, and after the bound before.
func CountRejected(ctx context.Context, q Querier, importID string, bounds []int) ([]int, error) {
	if len(bounds) == 0 {
		return nil, nil
	}
	rows, err := q.Query(ctx, `
		SELECT width_bucket(row, $2::bigint[]), count(DISTINCT row) FROM error_report.errors
		WHERE import_id = $1 AND row <= $3 GROUP BY 1`, importID, above(bounds), bounds[len(bounds)-1])
	if err != nil {
		return nil, err
	}
	counts := make([]int, len(bounds))
	var bucket, n int
	_, err = pgx.ForEachRow(rows, []any{&bucket, &n}, func() error {
		counts[bucket] = n
		return nil
	})
	return counts, err
}

// above makes width_bucket count a bound itself to what is below.
func above(bounds []int) []int {
	more := make([]int, len(bounds))
	for i, b := range bounds {
		more[i] = b + 1
	}
	return more
}

// RejectedRowsFrom gives some of an import's rejected rows: oldest first those from a
// row on, newest first those from a row down. It costs as much as it gives, however
// many there are.
func RejectedRowsFrom(ctx context.Context, q Querier, importID string, row, limit int, order Order) ([]RejectedRow, error) {
	side := ">="
	if order == NewestFirst {
		side = "<="
	}
	rows, err := q.Query(ctx, `
		SELECT e.row, e.line, jsonb_agg(jsonb_build_object('column', column_name, 'code', code, 'message', message, 'value', value) ORDER BY seq)
		FROM (SELECT DISTINCT row FROM error_report.errors WHERE import_id = $1 AND row `+side+` $2 ORDER BY row`+order.sql()+` LIMIT $3) r
		JOIN error_report.errors e ON e.import_id = $1 AND e.row = r.row
		GROUP BY e.row, e.line ORDER BY e.row`+order.sql(), importID, row, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[RejectedRow])
}
