package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// floor imports a file as an expert would by hand: parse, COPY into a staging
// table, one INSERT … ON CONFLICT DO UPDATE into contacts with jsonb attributes. No
// log, no errors, no checks, no resume.
type floor struct {
	conn *pgx.Conn
}

func newFloor(ctx context.Context, url string) (*floor, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	_, err = conn.Exec(ctx, `CREATE SCHEMA bench; CREATE TABLE bench.contacts (email text PRIMARY KEY, attributes jsonb NOT NULL)`)
	return &floor{conn}, err
}

func (f *floor) close(ctx context.Context) error { return f.conn.Close(ctx) }

func (f *floor) run(ctx context.Context, path string) (time.Duration, error) {
	begin := time.Now()
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return 0, err
	}
	header = append([]string{}, header...)
	tx, err := f.conn.Begin(ctx)
	if err != nil {
		return 0, err
	}
	if err := f.load(ctx, tx, header, r); err != nil {
		return 0, fmt.Errorf("floor: %w (%w)", err, tx.Rollback(ctx))
	}
	return time.Since(begin), tx.Commit(ctx)
}

func (f *floor) load(ctx context.Context, tx pgx.Tx, header []string, r *csv.Reader) error {
	columns := make([]string, len(header))
	for i, h := range header {
		columns[i] = pgx.Identifier{h}.Sanitize() + " text"
	}
	if _, err := tx.Exec(ctx, "CREATE TEMP TABLE staging ("+strings.Join(columns, ", ")+") ON COMMIT DROP"); err != nil {
		return err
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"staging"}, header, &csvRows{r: r}); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO bench.contacts SELECT email, to_jsonb(staging) FROM staging
		ON CONFLICT (email) DO UPDATE SET attributes = contacts.attributes || excluded.attributes`)
	return err
}

// csvRows hands a file's rows to COPY.
type csvRows struct {
	r      *csv.Reader
	values []any
	err    error
}

func (c *csvRows) Next() bool {
	record, err := c.r.Read()
	if err != nil {
		if err != io.EOF {
			c.err = err
		}
		return false
	}
	if c.values == nil {
		c.values = make([]any, len(record))
	}
	for i, cell := range record {
		c.values[i] = cell
	}
	return true
}

func (c *csvRows) Values() ([]any, error) { return c.values, nil }
func (c *csvRows) Err() error             { return c.err }
