package projections

import (
	"context"
	_ "embed"

	"importledger/events"

	"github.com/jackc/pgx/v5"
)

//go:embed error_report.sql
var errorReportDDL string

func foldErrorReport(ctx context.Context, tx pgx.Tx, run []events.Envelope) error {
	var errors [][]any
	for i := range run {
		rejected, ok := run[i].Event.(events.RowRejected)
		if !ok {
			continue
		}
		for seq, e := range rejected.Errors {
			errors = append(errors, []any{run[i].ImportID(), rejected.Row, seq, rejected.Line, e.Column, e.Code, e.Message, e.Value})
		}
	}
	if len(errors) == 0 {
		return nil
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"errors"},
		[]string{"import_id", "row", "seq", "line", "column_name", "code", "message", "value"}, pgx.CopyFromRows(errors))
	return err
}
