package auth

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Names gives the name of each of some users and API clients that is known by its
// id, those who cannot come in any more too: a ledger goes on naming them.
func (u *Users) Names(ctx context.Context, ids []string) (map[string]string, error) {
	rows, err := u.db.Query(ctx, `
		SELECT id, name FROM ledger.users WHERE id = ANY($1)
		UNION ALL SELECT id, name FROM ledger.api_clients WHERE id = ANY($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("names: %w", err)
	}
	names := map[string]string{}
	var id, name string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error {
		names[id] = name
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("names: %w", err)
	}
	if slices.Contains(ids, OwnerID) {
		names[OwnerID] = "command line"
	}
	return names, nil
}
