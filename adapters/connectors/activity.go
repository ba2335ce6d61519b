package connectors

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"
)

// What a connector's activity list tells. A name stays for ever.
const (
	loggedIn     = "login"
	loginRefused = "login-refused"
	sessionCut   = "session-cut"
	refusedFile  = "file-refused"
	fileCutOff   = "file-cut-off"
	fileReceived = "file-received"
	fileImported = "file-imported"
	fileFailed   = "file-failed"
	fileAside    = "file-quarantined"
)

var fileEnded = map[string]string{Imported: fileImported, Failed: fileFailed, Quarantined: fileAside}

// activity is an entry of a connector's list before it is written.
type activity struct {
	action   string
	file     string // as the client called it
	importID string
	detail   string // mostly a code
	network  string
}

// Activity is an entry of a connector's list.
type Activity struct {
	At       time.Time
	Action   string
	File     string
	ImportID string
	Detail   string
	Network  string
	Times    int
}

// note adds to a connector's list. Like entries within a minute are one, so that
// nobody can fill the list. What was done stays done when the list cannot be written.
func (c *Connectors) note(ctx context.Context, connectorID string, a activity) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_, err := c.deps.DB.Exec(ctx, `
		WITH last AS (
			SELECT id, at, (action, coalesce(file, ''), coalesce(import_id, ''), coalesce(detail, ''), coalesce(network, '')) AS what
			FROM ledger.connector_activity WHERE connector_id = $1 ORDER BY id DESC LIMIT 1
		), again AS (
			UPDATE ledger.connector_activity SET times = times + 1, at = $2
			WHERE id = (SELECT id FROM last WHERE what = ($3::text, $4::text, $5::text, $6::text, $7::text) AND at > $2::timestamptz - interval '1 minute')
			RETURNING id
		)
		INSERT INTO ledger.connector_activity (connector_id, at, action, file, import_id, detail, network)
		SELECT $1, $2, $3, nullif($4, ''), nullif($5, ''), nullif($6, ''), nullif($7, '') WHERE NOT EXISTS (SELECT FROM again)`,
		connectorID, c.deps.Now(), a.action, a.file, a.importID, a.detail, a.network)
	if err != nil {
		c.deps.Logger.Warn("the activity of a connector could not be written", "connector", connectorID, "action", a.action, "error", err)
	}
}

// Activity lists a page of a connector's activity, newest first, and tells how much
// there is in all.
func (c *Connectors) Activity(ctx context.Context, connectorID string, page, pageSize int) (all []Activity, total int, err error) {
	if _, err := c.Get(ctx, connectorID); err != nil {
		return nil, 0, err
	}
	err = c.deps.DB.QueryRow(ctx, "SELECT count(*) FROM ledger.connector_activity WHERE connector_id = $1", connectorID).Scan(&total)
	if err != nil {
		return nil, 0, fmt.Errorf("activity of a connector: %w", err)
	}
	rows, err := c.deps.DB.Query(ctx, `
		SELECT at, action, coalesce(file, ''), coalesce(import_id, ''), coalesce(detail, ''), coalesce(network, ''), times
		FROM ledger.connector_activity WHERE connector_id = $1 ORDER BY id DESC LIMIT $2 OFFSET $3`, connectorID, pageSize, (page-1)*pageSize)
	if err == nil {
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Activity])
	}
	if err != nil {
		return nil, 0, fmt.Errorf("activity of a connector: %w", err)
	}
	return all, total, nil
}

// networkOf is as much of an address as is kept: enough to tell one place from
// another, and not one person.
func networkOf(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	bits := 48
	switch {
	case !a.IsValid():
		return ""
	case a.Is4():
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
