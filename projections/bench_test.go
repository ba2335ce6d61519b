package projections_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"importledger/events"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// importA records an import like the ones that the benchmarks of the whole path
// make: rows of 10 attributes, 1 % of them bad.
func importA(l *ledger, id string, rows, firstContact int, segment *events.Segment) {
	l.record(id, started(id+".csv", rows), mapped(segment))
	chunk := make([]events.Event, 0, 2000)
	bad := 0
	for row := 1; row <= rows; row++ {
		if row%100 == 0 {
			bad++
			chunk = append(chunk, rejected(row, "email-invalid"))
		} else {
			i := firstContact + row
			chunk = append(chunk, events.RowAccepted{Row: row, Line: row + 1, Contact: events.Contact{NxID: contactID(i), Attributes: json.RawMessage(fmt.Sprintf(
				`{"email":"person%d@example.com","firstName":"Maria%d","lastName":"Somebody%d","city":"Bruxelles","age":%d,"phone":"3247811%05d","language":"fr","unsubscribed":false,"plan":"premium-yearly","notes":"some text here %d"}`,
				i, i, i, i%90, i, i))}})
		}
		if len(chunk) == cap(chunk) || row == rows {
			l.chunk(id, chunk)
			chunk = chunk[:0]
		}
	}
	l.record(id, events.ImportCompleted{Accepted: rows - bad, Rejected: bad})
}

// BenchmarkImportA projects 20,000 row events through all read models.
func BenchmarkImportA(b *testing.B) {
	for _, again := range []bool{false, true} {
		for _, segment := range []*events.Segment{nil, {ID: "01JD0000000000000000SEGMENT", Name: "Newsletter", Create: true}} {
			for _, size := range []int{2000, 5000} {
				b.Run(fmt.Sprintf("again=%v/segment=%v/batch=%d", again, segment != nil, size), func(b *testing.B) {
					for b.Loop() {
						b.StopTimer()
						l := &ledger{}
						p, _ := projector(b, l)
						rows := 100 // connections are open, statements are prepared
						if again {
							rows = 20000
						}
						importA(l, "01JD0000000000000000000001", rows, 0, segment)
						feed(b, p, l, 0, l.len(), 50)
						from := l.len()
						importA(l, "01JD0000000000000000000002", 20000, 0, segment)
						b.StartTimer()
						feed(b, p, l, from, l.len(), size)
					}
				})
			}
		}
	}
}

// BenchmarkRebuild rebuilds all read models from a log of many imports.
func BenchmarkRebuild(b *testing.B) {
	const imports, rows = 20, 20000
	l := &ledger{}
	segment := &events.Segment{ID: "01JD0000000000000000SEGMENT", Name: "Newsletter", Create: true}
	for i := range imports {
		importA(l, fmt.Sprintf("01JD00000000000000000000%02d", i), rows, i*rows, segment)
	}
	p, _ := projector(b, l)
	for b.Loop() {
		begin := time.Now()
		if err := p.Rebuild(b.Context(), nil, nil); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(l.len())/time.Since(begin).Seconds(), "events/s")
	}
}

// BenchmarkFloor is what an expert does by hand with the same contacts: COPY into
// a staging table, INSERT … ON CONFLICT from there.
func BenchmarkFloor(b *testing.B) {
	l := &ledger{}
	importA(l, "01JD0000000000000000000002", 20000, 0, nil)
	for _, again := range []bool{false, true} {
		b.Run(fmt.Sprintf("again=%v", again), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				_, pool := projector(b, l)
				if _, err := pool.Exec(b.Context(), "CREATE TABLE floor (id uuid PRIMARY KEY, attributes jsonb NOT NULL)"); err != nil {
					b.Fatal(err)
				}
				if again {
					floor(b, pool, l)
				}
				b.StartTimer()
				floor(b, pool, l)
			}
		})
	}
}

func floor(b testing.TB, pool *pgxpool.Pool, l *ledger) {
	next := 0
	err := pgx.BeginFunc(b.Context(), pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(b.Context(), "CREATE TEMP TABLE staging (id uuid, attributes jsonb) ON COMMIT DROP"); err != nil {
			return err
		}
		_, err := tx.CopyFrom(b.Context(), pgx.Identifier{"staging"}, []string{"id", "attributes"}, pgx.CopyFromFunc(func() ([]any, error) {
			for ; next < len(l.recorded); next++ {
				e, err := events.Decode(l.recorded[next])
				if row, ok := e.Event.(events.RowAccepted); ok || err != nil {
					next++
					return []any{[16]byte(row.Contact.NxID), row.Contact.Attributes}, err
				}
			}
			return nil, nil
		}))
		if err != nil {
			return err
		}
		_, err = tx.Exec(b.Context(), `INSERT INTO floor AS f SELECT DISTINCT ON (id) * FROM staging
			ON CONFLICT (id) DO UPDATE SET attributes = f.attributes || excluded.attributes`)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}
