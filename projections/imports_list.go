package projections

import (
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"importledger/events"

	"github.com/jackc/pgx/v5"
)

//go:embed imports_list.sql
var importsListDDL string

// Import is an import as the read model knows it. Texts are empty where there is
// nothing to say; times are Unix epoch in milliseconds.
type Import struct {
	ID             string
	Name           string
	Description    string
	Type           events.ImportType
	State          events.State
	File           events.File
	ImportMode     events.Mode
	EventName      string // mode events
	KeyIdentifier  string
	DefaultCountry string // of national phone numbers; empty: none
	BlankCells     events.BlankCells
	Corrects       string // id of the import whose rejected rows this one mends
	SegmentID      string
	SegmentName    string
	Mapping        []events.Column // empty until the columns are mapped
	RowsToImport   int
	RowsImported   int
	RowsInError    int
	FailedReason   string // state failed
	FailedMessage  string
	UserID         string // who started it
	CreatedAt      int64
	ModifiedAt     int64
	Revision       uint64          // of the last event, from 0
	Position       events.Position // of the last event

	searchName string
	headerHash []byte
}

// importFixed and importChanging are the columns of the table: those that are
// written once and those that later events change. fixed and changing are their
// fields, in the same order.
var (
	importFixed = []string{"id", "type", "search_name", "import_mode", "key_identifier", "corrects",
		"user_id", "created_at"}
	importChanging = []string{"name", "description", "state", "file", "header_hash", "rows_to_import", "default_country", "blank_cells", "event_name", "segment_id", "segment_name", "mapping", "rows_imported", "rows_in_error",
		"failed_reason", "failed_message", "modified_at", "revision", "position_commit", "position_prepare"}
	importColumns = slices.Concat(importFixed, importChanging)
)

func (i *Import) fixed() []any {
	return []any{&i.ID, &i.Type, &i.searchName, &i.ImportMode, &i.KeyIdentifier, &i.Corrects,
		&i.UserID, &i.CreatedAt}
}

func (i *Import) changing() []any {
	return []any{&i.Name, &i.Description, &i.State, &i.File, &i.headerHash, &i.RowsToImport, &i.DefaultCountry, &i.BlankCells, &i.EventName, &i.SegmentID, &i.SegmentName, &i.Mapping, &i.RowsImported, &i.RowsInError,
		&i.FailedReason, &i.FailedMessage, &i.ModifiedAt, &i.Revision, &i.Position.Commit, &i.Position.Prepare}
}

func (i *Import) fields() []any { return append(i.fixed(), i.changing()...) }

func scanImport(row pgx.CollectableRow) (*Import, error) {
	var i Import
	err := row.Scan(i.fields()...)
	return &i, err
}

func startedImport(e events.Envelope, s events.ImportStarted) *Import {
	i := &Import{
		ID: e.ImportID(), Name: s.Name, Description: s.Description, Type: s.Type, ImportMode: s.ImportMode,
		EventName: s.EventName, KeyIdentifier: s.KeyIdentifier, DefaultCountry: s.DefaultCountry, BlankCells: s.BlankCells, Corrects: s.Corrects,
		Mapping: []events.Column{}, UserID: e.Meta.Actor, CreatedAt: e.Meta.At, State: events.Preparing, searchName: searchable(s.File.Name),
	}
	i.readAs(s.File)
	return i
}

// readAs takes over what a file is when it is read one way.
func (i *Import) readAs(file events.File) {
	i.File, i.RowsToImport, i.headerHash = file, file.Rows, hashHeader(file.OwnColumns())
}

// apply follows one event after the first.
func (i *Import) apply(e events.Event) {
	switch e := e.(type) {
	case events.ColumnsMapped:
		i.State, i.Mapping = events.Importing, append([]events.Column{}, e.Columns...)
		if e.Segment != nil {
			i.SegmentID, i.SegmentName = e.Segment.ID, e.Segment.Name
		}
		if e.File != nil {
			i.readAs(*e.File)
		}
		i.EventName = cmp.Or(e.EventName, i.EventName)
		i.Name, i.Description = cmp.Or(e.Name, i.Name), cmp.Or(e.Description, i.Description)
		i.DefaultCountry, i.BlankCells = cmp.Or(e.DefaultCountry, i.DefaultCountry), cmp.Or(e.BlankCells, i.BlankCells)
	case events.RowAccepted:
		i.RowsImported++
	case events.RowRejected:
		i.RowsInError++
	case events.ImportCompleted:
		i.State = events.Imported
	case events.ImportCanceled:
		i.State = events.Canceled
	case events.ImportFailed:
		i.State, i.FailedReason, i.FailedMessage = events.Failed, e.Code, e.Message
	}
}

// searchable is what a file's name is found by.
func searchable(name string) string {
	runes := []rune(strings.ToLower(name))
	return string(runes[:min(255, len(runes))])
}

// hashHeader is the same for the same columns in any order.
func hashHeader(header []string) []byte {
	sorted, err := json.Marshal(slices.Sorted(slices.Values(header)))
	if err != nil {
		panic(err) // strings can always be written
	}
	sum := sha256.Sum256(sorted)
	return sum[:]
}

func foldImportsList(ctx context.Context, tx pgx.Tx, run []events.Envelope) error {
	ids := map[string]bool{}
	for i := range run {
		if id := run[i].ImportID(); id != "" {
			ids[id] = true
		}
	}
	if len(ids) == 0 {
		return nil
	}
	before, err := loadImports(ctx, tx, ids)
	if err != nil {
		return err
	}
	totals := importTotals{}
	imports := make(map[string]*Import, len(ids))
	for id, i := range before {
		totals.add(i, -1)
		imports[id] = i
	}
	for _, e := range run {
		id := e.ImportID()
		if id == "" {
			continue
		}
		if started, ok := e.Event.(events.ImportStarted); ok {
			imports[id] = startedImport(e, started)
		}
		i := imports[id]
		if i == nil {
			return fmt.Errorf("%s of import %s, which was never started", e.Type, id)
		}
		i.apply(e.Event)
		i.ModifiedAt, i.Revision, i.Position = e.Meta.At, e.Revision, e.Position
	}
	for _, i := range imports {
		totals.add(i, +1)
	}
	if err := saveImports(ctx, tx, before, imports); err != nil {
		return err
	}
	return totals.save(ctx, tx)
}

func loadImports(ctx context.Context, tx pgx.Tx, ids map[string]bool) (map[string]*Import, error) {
	wanted := make([]string, 0, len(ids))
	for id := range ids {
		wanted = append(wanted, id)
	}
	rows, err := tx.Query(ctx, "SELECT "+strings.Join(importColumns, ", ")+" FROM imports WHERE id = ANY($1)", wanted)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, scanImport)
	if err != nil {
		return nil, err
	}
	imports := make(map[string]*Import, len(list))
	for _, i := range list {
		imports[i.ID] = i
	}
	return imports, nil
}

var updateImport = func() string {
	places := make([]string, len(importChanging))
	for n := range places {
		places[n] = fmt.Sprintf("$%d", n+2)
	}
	return fmt.Sprintf("UPDATE imports SET (%s) = (%s) WHERE id = $1", strings.Join(importChanging, ", "), strings.Join(places, ", "))
}()

// saveImports copies new imports in and changes known ones. The latter are those
// that a run's ends cut, so there are few, and one round trip carries them.
func saveImports(ctx context.Context, tx pgx.Tx, before, now map[string]*Import) error {
	var added [][]any
	changed := &pgx.Batch{}
	for id, i := range now {
		if before[id] == nil {
			added = append(added, i.fields())
		} else {
			changed.Queue(updateImport, append([]any{i.ID}, i.changing()...)...)
		}
	}
	if len(added) > 0 {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"imports"}, importColumns, pgx.CopyFromRows(added)); err != nil {
			return err
		}
	}
	return tx.SendBatch(ctx, changed).Close()
}

// importTotals is by how much the number of imports with a state and type changes.
type importTotals map[[2]string]int

func (t importTotals) add(i *Import, n int) { t[[2]string{string(i.State), string(i.Type)}] += n }

func (t importTotals) save(ctx context.Context, tx pgx.Tx) error {
	var states, types []string
	var changes []int
	for key, n := range t {
		if n != 0 {
			states, types, changes = append(states, key[0]), append(types, key[1]), append(changes, n)
		}
	}
	if len(changes) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO totals AS t (state, type, imports) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
		ON CONFLICT (state, type) DO UPDATE SET imports = t.imports + excluded.imports`, states, types, changes)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "DELETE FROM totals WHERE imports = 0")
	return err
}
