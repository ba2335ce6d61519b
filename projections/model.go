package projections

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"importledger/events"

	"github.com/jackc/pgx/v5"
)

// model is one read model. Its tables live in a Postgres schema of their own.
type model struct {
	name    string // of the schema
	tables  string // DDL that a table needs before it is filled
	indexes string // DDL that is cheaper once it is filled
	version string // changes with the tables and with the fold
	fold    fold
	filler  func(fillLimits) filler // nil: fold does not need the keys that indexes has
	// trim leaves of an event what the fold of a read model that trails needs; nil: the
	// model does not trail.
	trim func(events.Envelope) events.Envelope
	// heeds are the events that the fold looks at, by name; nil: all that there are.
	heeds map[string]bool
}

// fold writes a run of events, in log order, into the tables of the schema that
// the transaction's search_path names. Each event comes exactly once.
type fold func(context.Context, pgx.Tx, []events.Envelope) error

// The read models.
const (
	ImportsList    = "imports_list"
	ContactState   = "contact_state"
	SegmentMembers = "segment_members"
	ErrorReport    = "error_report"
	ContactRows    = "contact_rows" // trails the others
)

// all lists the read models. Raise a fold's number whenever it would make other
// rows from the same events: the tables filled before are then known as outdated.
func all() []*model {
	return []*model{
		newModel(ImportsList, importsListDDL, 2, foldImportsList, nil).heeding("ImportStarted", "ColumnsMapped",
			"RowAccepted", "RowRejected", "ImportCompleted", "ImportCanceled", "ImportFailed"),
		newModel(ContactState, contactStateDDL, 2, foldContactState, newContactFiller).heeding("ColumnsMapped", "RowAccepted", "AttributeCreated"),
		newModel(SegmentMembers, segmentMembersDDL, 2, foldSegmentMembers, newMemberFiller).heeding("ColumnsMapped", "RowAccepted",
			"SegmentCreated", "SegmentRenamed", "SegmentRemoved", "SegmentContactsAdded", "SegmentContactsRemoved"),
		newModel(ErrorReport, errorReportDDL, 1, foldErrorReport, nil).heeding("RowRejected"),
		newModel(ContactRows, contactRowsDDL, 1, foldContactRows, nil).trailing(trimContactRows).heeding("RowAccepted"),
	}
}

// Names lists the read models.
func Names() []string {
	return []string{ImportsList, ContactState, SegmentMembers, ErrorReport, ContactRows}
}

// Version changes with any of the read models.
func Version() string {
	digest := sha256.New()
	for _, m := range all() {
		fmt.Fprintln(digest, m.name, m.version)
	}
	return hex.EncodeToString(digest.Sum(nil)[:8])
}

//go:embed checkpoint.sql
var checkpointDDL string

// indexesBelow parts a model's DDL.
const indexesBelow = "\n-- indexes\n"

func newModel(name, ddl string, foldVersion int, fold fold, filler func(fillLimits) filler) *model {
	tables, indexes, ok := strings.Cut(ddl, indexesBelow)
	if !ok {
		panic("projections: the DDL of " + name + " does not say where its indexes begin")
	}
	digest := sha256.Sum256(fmt.Appendf(nil, "%d\n%s%s", foldVersion, checkpointDDL, ddl))
	return &model{name: name, tables: tables, indexes: indexes, version: hex.EncodeToString(digest[:8]), fold: fold, filler: filler}
}

// trailing makes a model one that trails the others.
func (m *model) trailing(trim func(events.Envelope) events.Envelope) *model {
	m.trim = trim
	return m
}

// heeding says which events the fold looks at. One of another name that cannot be
// decoded does not concern the model, as long as the name is known: an unknown one might.
func (m *model) heeding(names ...string) *model {
	m.heeds = map[string]bool{}
	for _, name := range names {
		m.heeds[name] = true
	}
	return m
}

// create makes the schema with empty tables and a checkpoint at the log's
// beginning, without the indexes.
func (m *model) create(ctx context.Context, tx pgx.Tx, schema string) error {
	ddl := "CREATE SCHEMA " + schema + ";" + searchPath(schema) + checkpointDDL + m.tables
	if _, err := tx.Exec(ctx, ddl); err != nil {
		return fmt.Errorf("create schema %s: %w", schema, err)
	}
	_, err := tx.Exec(ctx, "INSERT INTO checkpoint (version) VALUES ($1)", m.version)
	return err
}

// index adds the indexes to a schema that create has made.
func (m *model) index(ctx context.Context, tx pgx.Tx, schema string) error {
	if _, err := tx.Exec(ctx, searchPath(schema)+m.indexes); err != nil {
		return fmt.Errorf("index schema %s: %w", schema, err)
	}
	return nil
}

// searchPath is how one text of a statement serves the live schema and those
// that are built beside it.
func searchPath(schema string) string { return "SET LOCAL search_path TO " + schema + ";" }

// Advisory locks, by what they protect.
const (
	projecting = "project" // shared: transactions of projectors; exclusive: who must hold them still
	rebuilding = "rebuild" // exclusive: the rebuild; shared: who needs that there is none
	verifying  = "verify"
)

// lockKey is the number of an advisory lock: the same in every process and
// version, for ever.
func lockKey(what, schema string) int64 {
	sum := sha256.Sum256([]byte("importledger/projections/" + what + "/" + schema))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// UnknownModelError is returned for a name that no read model has.
type UnknownModelError struct{ Name string }

func (e *UnknownModelError) Error() string {
	return fmt.Sprintf("there is no read model %q; there are %s", e.Name, strings.Join(Names(), ", "))
}

func checkNames(names []string) error {
	for _, name := range names {
		if !slices.Contains(Names(), name) {
			return &UnknownModelError{name}
		}
	}
	return nil
}
