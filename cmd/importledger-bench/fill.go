package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/oklog/ulid/v2"

	"importledger/aggregate"
	"importledger/events"
)

// The ledger that queries are measured on.
const (
	filledContacts = 1_000_000
	filledImports  = 100_000
	filledSince    = 1_780_000_000_000
)

var fillKey = base64.StdEncoding.EncodeToString(make([]byte, 32))

func filledEmail(n int) string { return fmt.Sprintf("person%d@example.org", n) }

// fill writes contacts and imports into the read models' tables as their projectors
// would have, and has Postgres look at them as its autovacuum does after a while.
func fill(ctx context.Context, pool *pgxpool.Pool) error {
	key, err := hkdf.Key(sha256.New, make([]byte, 32), nil, "importledger/contact ids", 32) // as serve derives it
	if err != nil {
		return err
	}
	identity := aggregate.NewIdentity(key)
	_, err = pool.CopyFrom(ctx, pgx.Identifier{"contact_state", "contacts"}, []string{"nx_id", "attributes", "created_at", "modified_at", "first_import", "last_import"},
		pgx.CopyFromSlice(filledContacts, func(n int) ([]any, error) {
			email := filledEmail(n)
			id, ok := identity.Find(events.Email, email, "")
			if !ok {
				return nil, fmt.Errorf("%s is no address", email)
			}
			attributes := fmt.Sprintf(`{"email":%q,"firstName":"First%d","lastName":"Last%d","phone":"3247%08d","language":"fr","vip":%t,"score":%d,"attr07":"filler%03d","attr08":"filler%03d","attr09":"filler%03d"}`,
				email, n, n, n, n%2 == 0, n%100, n%1000, n%1000, n%1000)
			importID := filledImport(n % filledImports)
			return []any{[16]byte(id), attributes, int64(filledSince + n), int64(filledSince + n), importID, importID}, nil
		}))
	if err != nil {
		return err
	}
	if err := fillImports(ctx, pool); err != nil {
		return err
	}
	for _, statement := range []string{
		fmt.Sprintf("UPDATE contact_state.totals SET contacts = %d", filledContacts),
		fmt.Sprintf("INSERT INTO imports_list.totals (state, type, imports) VALUES ('imported', 'manual', %d)", filledImports),
		"INSERT INTO contact_state.attributes (name, type, import_id, created_at) SELECT n, CASE n WHEN 'vip' THEN 'boolean' WHEN 'score' THEN 'number' ELSE 'string' END, '', 0 FROM unnest(ARRAY['firstName','lastName','vip','score','attr07','attr08','attr09']) AS n",
		"VACUUM ANALYZE contact_state.contacts", "VACUUM ANALYZE imports_list.imports", "CHECKPOINT",
	} {
		if _, err := pool.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func filledImport(n int) string {
	id := ulid.ULID{}
	if err := id.SetTime(uint64(filledSince + n)); err != nil {
		panic(err) // only for times that are far away
	}
	return id.String()
}

// fillImports gives every import a file and a mapping as those of A.
func fillImports(ctx context.Context, pool *pgxpool.Pool) error {
	var columns []events.Column
	for _, h := range inputA.header() {
		columns = append(columns, events.Column{Header: h, Attribute: h, Type: events.AttributeType(attributeType(h))})
	}
	mapping, err := json.Marshal(columns)
	if err != nil {
		return err
	}
	names := []string{"id", "name", "description", "type", "file", "search_name", "header_hash", "default_country", "blank_cells", "corrects", "import_mode", "key_identifier", "rows_to_import", "user_id", "created_at",
		"state", "event_name", "segment_id", "segment_name", "mapping", "rows_imported", "rows_in_error", "failed_reason", "failed_message", "modified_at", "revision",
		"position_commit", "position_prepare"}
	_, err = pool.CopyFrom(ctx, pgx.Identifier{"imports_list", "imports"}, names, pgx.CopyFromSlice(filledImports, func(n int) ([]any, error) {
		name := fmt.Sprintf("customers-%d.csv", n)
		file, err := json.Marshal(events.File{Name: name, Size: 2_400_000, SHA256: fmt.Sprintf("%064x", n), Separator: ",", Encoding: "utf-8", Header: inputA.header(), Rows: inputA.rows})
		at := int64(filledSince + n)
		return []any{filledImport(n), name, "", "manual", string(file), name, []byte(name), "", "keep", "", "contacts", "email", int64(inputA.rows), clientID, at,
			"imported", "", "", "", string(mapping), int64(inputA.rows - inputA.bad()), int64(inputA.bad()), "", "", at, int64(inputA.rows + 2), at, at}, err
	}))
	return err
}

// selectList is the floor of the list: the same rows, read as they come.
func selectList(pool *pgxpool.Pool) ask {
	return func(ctx context.Context, n int) error {
		return readAll(pool.Query(ctx, "SELECT * FROM imports_list.imports ORDER BY created_at DESC, id DESC LIMIT 50 OFFSET $1", 50*(n%pagesOfImport)))
	}
}

func selectContact(pool *pgxpool.Pool) ask {
	key, err := hkdf.Key(sha256.New, make([]byte, 32), nil, "importledger/contact ids", 32)
	if err != nil {
		panic(err) // only for lengths that SHA-256 cannot give
	}
	identity := aggregate.NewIdentity(key)
	return func(ctx context.Context, n int) error {
		id, _ := identity.Find(events.Email, filledEmail(anyContact(n)), "")
		return readAll(pool.Query(ctx, "SELECT * FROM contact_state.contacts WHERE nx_id = $1", [16]byte(id)))
	}
}

// readAll takes every row's bytes and decodes none: nothing can be less.
func readAll(rows pgx.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	found := 0
	for rows.Next() {
		found += min(1, len(rows.RawValues()))
	}
	if found == 0 && rows.Err() == nil {
		return fmt.Errorf("a SELECT that should find rows finds none")
	}
	return rows.Err()
}
