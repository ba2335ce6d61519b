package aggregate_test

import (
	"fmt"
	"testing"

	"importledger/aggregate"
	"importledger/commands"
	"importledger/events"
)

// Rows as people have them: most cells short, one in a hundred rows wrong.
func BenchmarkRow(b *testing.B) {
	for _, columns := range []int{10, 100} {
		b.Run(fmt.Sprintf("%d columns", columns), func(b *testing.B) {
			rules, records := benchmarkFile(b, columns)
			b.ReportAllocs()
			i, wrong := 0, 0
			for b.Loop() {
				if _, bad := rules.Row(records[i%len(records)]).(commands.RowRejected); bad {
					wrong++
				}
				i++
			}
			if wrong > i/10 {
				b.Fatalf("%d of %d rows rejected", wrong, i)
			}
		})
	}
}

// National numbers cost a look into the country's numbering plan each.
func BenchmarkPhone(b *testing.B) {
	identity := aggregate.NewIdentity([]byte("key"))
	for name, number := range map[string]string{"digits": "32478112233", "spaced": "+32 478 11 22 33", "national": "0478 11 22 33"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := identity.Find(events.Phone, number, "BE"); !ok {
					b.Fatal(number)
				}
			}
		})
	}
}

func benchmarkFile(b *testing.B, columns int) (*aggregate.Rules, []aggregate.Record) {
	kinds := []events.Column{
		{Attribute: "email", Type: events.String}, {Attribute: "phone", Type: events.String}, {Attribute: "externalId", Type: events.String},
		{Attribute: "firstName", Type: events.String}, {Attribute: "lastName", Type: events.String}, {Attribute: "language", Type: events.String},
		{Attribute: "age", Type: events.Number}, {Attribute: "unsubscribed", Type: events.Boolean}, {Attribute: "createdAt", Type: events.Timestamp},
	}
	var m events.ColumnsMapped
	for i := range columns {
		c := events.Column{Attribute: fmt.Sprintf("extra%d", i), Type: events.String}
		if i < len(kinds) {
			c = kinds[i]
		}
		c.Header = c.Attribute
		m.Columns = append(m.Columns, c)
	}
	rules, err := aggregate.NewRules(events.ImportStarted{ImportMode: events.Contacts, KeyIdentifier: events.Email}, m, 0, aggregate.NewIdentity([]byte("key")))
	if err != nil {
		b.Fatal(err)
	}
	records := make([]aggregate.Record, 1000)
	for i := range records {
		cells := []string{fmt.Sprintf("Person.%d@Example-%d.com", i, i%7), fmt.Sprintf("3247811%04d", i), fmt.Sprintf("c-%d", i),
			"Amélie", "Van den Bossche", "fr", fmt.Sprint(i % 90), "no", "2024-01-31T10:15:30Z"}
		if i%100 == 50 {
			cells[0] = "nobody"
		}
		for len(cells) < columns {
			cells = append(cells, "some text of a usual size")
		}
		records[i] = aggregate.Record{Row: i + 1, Line: i + 2, Fields: cells}
	}
	return rules, records
}
