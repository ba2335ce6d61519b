package projections

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// copyRows are rows on their way into a table by a binary COPY. Values are
// appended in the order of the columns. It is several times cheaper than the
// driver's CopyFrom, which finds out for each value how it is to be encoded: and
// nearly all that a projector does is this.
type copyRows struct {
	buf     []byte // with the first row
	columns int
	rows    int
	room    int // bytes
}

// copyHeader begins a binary COPY: signature, no flags, no extension.
const copyHeader = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

// newCopyRows makes rows of a number of columns; there will be at most so many, of
// about a size in bytes.
func newCopyRows(columns, rows, size int) *copyRows {
	return &copyRows{columns: columns, room: rows * size}
}

// row begins the next row.
func (c *copyRows) row() {
	if c.rows == 0 {
		c.buf = append(make([]byte, 0, len(copyHeader)+c.room), copyHeader...)
	}
	c.rows++
	c.buf = binary.BigEndian.AppendUint16(c.buf, uint16(c.columns))
}

func (c *copyRows) length(n int) { c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(n)) }

func (c *copyRows) uuid(v uuid.UUID) {
	c.length(len(v))
	c.buf = append(c.buf, v[:]...)
}

func (c *copyRows) text(v string) {
	c.length(len(v))
	c.buf = append(c.buf, v...)
}

func (c *copyRows) boolean(v bool) {
	c.length(1)
	if v {
		c.buf = append(c.buf, 1)
	} else {
		c.buf = append(c.buf, 0)
	}
}

func (c *copyRows) bigint(v int64) {
	c.length(8)
	c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(v))
}

func (c *copyRows) jsonb(v []byte) {
	c.length(1 + len(v))
	c.buf = append(c.buf, 1) // version of the format: the text follows
	c.buf = append(c.buf, v...)
}

// into sends the rows.
func (c *copyRows) into(ctx context.Context, tx pgx.Tx, table string, columns ...string) error {
	if c.rows == 0 {
		return nil
	}
	end := binary.BigEndian.AppendUint16(c.buf, 0xffff)
	sql := fmt.Sprintf("COPY %s (%s) FROM STDIN BINARY", table, strings.Join(columns, ", "))
	_, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(end), sql)
	return err
}

// uuids makes an array that the driver encodes without a look at each value.
func uuids(n int, at func(int) uuid.UUID) pgtype.FlatArray[pgtype.UUID] {
	array := make(pgtype.FlatArray[pgtype.UUID], n)
	for i := range array {
		array[i] = pgtype.UUID{Bytes: at(i), Valid: true}
	}
	return array
}
