package projections_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"importledger/events"
	"importledger/projections"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"
)

var searchNow = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)

// attributeTypes are the attributes that the conditions of these tests can name.
func attributeTypes(name string) (events.AttributeType, bool) {
	if a, ok := events.ReservedAttribute(name); ok {
		return a.Type, true
	}
	typ, ok := map[string]events.AttributeType{"city": events.String, "score": events.Number, "vip": events.Boolean, "it's \"$1\" %": events.String}[name]
	return typ, ok
}

// person is a contact and its events, as a test knows them.
type person struct {
	id         uuid.UUID
	attributes map[string]any // strings, json.Number, booleans
	createdAt  int64
	events     []happening
}

type happening struct {
	name       string
	at         int64
	properties map[string]any
}

func save(t testing.TB, pool *pgxpool.Pool, people []person) {
	t.Helper()
	exec(t, pool, "TRUNCATE contact_state.contacts, contact_state.events")
	exec(t, pool, "UPDATE contact_state.totals SET contacts = $1", len(people))
	for _, p := range people {
		exec(t, pool, "INSERT INTO contact_state.contacts (nx_id, attributes, created_at, modified_at, first_import, last_import) VALUES ($1, $2, $3, $3, 'a', 'a')",
			p.id, p.attributes, p.createdAt)
		for _, h := range p.events {
			exec(t, pool, "INSERT INTO contact_state.events (id, nx_id, name, at, properties, import_id) VALUES ($1, $2, $3, $4, $5, 'a')",
				uuid.New(), p.id, h.name, h.at, h.properties)
		}
	}
}

// Whatever the contacts and the condition, Postgres finds the contacts that a
// reading of the condition, written down in Go beside it, finds.
func TestASearchFindsWhatItsConditionSays(t *testing.T) {
	t.Parallel()
	_, pool := projector(t, &ledger{})
	rapid.Check(t, func(r *rapid.T) {
		people := rapid.SliceOfNDistinct(rapid.Custom(anyPerson), 0, 10, func(p person) uuid.UUID { return p.id }).Draw(r, "people")
		save(t, pool, people)
		for range 25 {
			condition := rapid.Custom(anyCondition).Draw(r, "condition")
			raw := must(json.Marshal(condition))
			parsed, err := projections.ParseCondition(raw, "condition", attributeTypes)
			if err != nil {
				r.Fatalf("%s: %v", raw, err)
			}
			var want []uuid.UUID
			for _, p := range people {
				if holds(condition, p) {
					want = append(want, p.id)
				}
			}
			sort := rapid.SampledFrom([]string{"createdAt", "createdAtNaxai", "nxId", "city", "score", "vip", "email"}).Draw(r, "sort")
			order := projections.Order(rapid.Bool().Draw(r, "newest first"))
			got := searchAll(r, pool, parsed, sort, order)
			slices.SortFunc(want, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
			sorted := slices.SortedFunc(slices.Values(got), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
			if !slices.Equal(sorted, want) {
				r.Fatalf("%s found %d of %d:\n%v\nwant\n%v", raw, len(got), len(people), sorted, want)
			}
			inOrder(r, people, got, sort, order)
		}
	})
}

// searchAll reads a search page by page.
func searchAll(r *rapid.T, pool *pgxpool.Pool, condition projections.Condition, sort string, order projections.Order) []uuid.UUID {
	typ, _ := attributeTypes(sort)
	search := projections.ContactSearch{Condition: condition, Page: 1, PageSize: rapid.IntRange(1, 5).Draw(r, "page size"), Now: searchNow, Limit: time.Minute,
		Sort: projections.ContactSort{Attribute: sort, Type: typ, Order: order}, Identify: func(field, value string) ([16]byte, bool) {
			return personID(value), field == events.Email && strings.Contains(value, "@")
		}}
	var all []uuid.UUID
	for {
		page, total, err := projections.SearchContacts(r.Context(), pool, search)
		if err != nil {
			r.Fatal(err)
		}
		for _, c := range page {
			all = append(all, c.NxID)
		}
		if len(page) == 0 {
			if total != len(all) {
				r.Fatalf("found %d, said to be %d", len(all), total)
			}
			return all
		}
		search.Page++
	}
}

// inOrder checks that sort keys follow each other, with those who have none last
// and equal ones by id. Where a text belongs among others is the collation's to
// say: of texts it checks that equal ones are together.
func inOrder(r *rapid.T, people []person, got []uuid.UUID, sort string, order projections.Order) {
	of := func(id uuid.UUID) person {
		return people[slices.IndexFunc(people, func(p person) bool { return p.id == id })]
	}
	seen := map[string]bool{}
	for i := 1; i < len(got); i++ {
		a, b := valueOf(of(got[i-1]), sort), valueOf(of(got[i]), sort)
		way := 0
		switch {
		case a == nil && b != nil:
			r.Fatalf("%s: a contact without a value comes before one with", sort)
		case a != nil && b == nil:
			continue
		case a != nil:
			way = compareValues(a, b)
		}
		if text, ok := b.(string); ok && way != 0 && sort != events.NxID {
			if seen[strings.ToLower(text)] {
				r.Fatalf("%s: %q is in two places", sort, text)
			}
			seen[strings.ToLower(a.(string))] = true
			continue
		}
		if way == 0 {
			way = slices.Compare(got[i-1][:], got[i][:])
		}
		if order == projections.NewestFirst {
			way = -way
		}
		if way >= 0 {
			r.Fatalf("%s: %v before %v", sort, a, b)
		}
	}
}

func compareValues(a, b any) int {
	switch a := a.(type) {
	case string:
		return strings.Compare(strings.ToLower(a), strings.ToLower(b.(string)))
	case bool:
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	}
	return rational(a).Cmp(rational(b))
}

func rational(v any) *big.Rat {
	n, ok := new(big.Rat).SetString(fmt.Sprint(v))
	if !ok {
		panic(fmt.Sprintf("%v is no number", v))
	}
	return n
}

func TestAWrongConditionSaysWhereItIsWrong(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"all":[`, 6) + `{"attribute":{"field":"city","operator":"exists"}}` + strings.Repeat(`]}`, 6)
	many := `{"all":[` + strings.TrimSuffix(strings.Repeat(`{"attribute":{"field":"city","operator":"exists"}},`, 101), ",") + `]}`
	manyEvents := `{"all":[` + strings.TrimSuffix(strings.Repeat(`{"event":{"name":"x"}},`, 11), ",") + `]}`
	for condition, want := range map[string]string{
		`[]`:                                    "condition malformed",
		`{"none":[]}`:                           "condition unknown-key",
		`{"all":[]}`:                            "condition.all empty",
		`{"all":{}}`:                            "condition.all malformed",
		`{"any":[{}]}`:                          "condition.any[0] one-of",
		`{"all":[{"attribute":{},"event":{}}]}`: "condition.all[0] one-of",
		`{"all":[{"attribute":{"operator":"eq","value":1}}]}`:                              "condition.all[0].attribute.field missing",
		`{"all":[{"attribute":{"field":"town","operator":"eq","value":1}}]}`:               "condition.all[0].attribute.field attribute-unknown",
		`{"all":[{"attribute":{"field":"city"}}]}`:                                         "condition.all[0].attribute.operator missing",
		`{"all":[{"attribute":{"field":"city","operator":"is"}}]}`:                         "condition.all[0].attribute.operator operator-unknown",
		`{"all":[{"attribute":{"field":"city","operator":"gt","value":"a"}}]}`:             "condition.all[0].attribute.operator operator-unsuitable",
		`{"all":[{"attribute":{"field":"city","operator":"is-mobile"}}]}`:                  "condition.all[0].attribute.operator operator-unsuitable",
		`{"all":[{"attribute":{"field":"city","operator":"eq"}}]}`:                         "condition.all[0].attribute.value missing",
		`{"all":[{"attribute":{"field":"city","operator":"eq","value":["a"]}}]}`:           "condition.all[0].attribute.value value-invalid",
		`{"all":[{"attribute":{"field":"city","operator":"eq","value":"a\u0000"}}]}`:       "condition.all[0].attribute.value value-invalid",
		`{"all":[{"attribute":{"field":"city","operator":"contains","value":""}}]}`:        "condition.all[0].attribute.value empty",
		`{"all":[{"attribute":{"field":"score","operator":"gt","value":"ten"}}]}`:          "condition.all[0].attribute.value number-invalid",
		`{"all":[{"attribute":{"field":"score","operator":"gt","value":true}}]}`:           "condition.all[0].attribute.value number-invalid",
		`{"all":[{"attribute":{"field":"score","operator":"gt","value":1e999}}]}`:          "condition.all[0].attribute.value number-invalid",
		`{"all":[{"attribute":{"field":"score","operator":"gt","value":1e-999}}]}`:         "condition.all[0].attribute.value number-invalid",
		`{"all":[{"attribute":{"field":"score","operator":"gt","value":"0x10"}}]}`:         "condition.all[0].attribute.value number-invalid",
		`{"all":[{"attribute":{"field":"score","operator":"between","value":1}}]}`:         "condition.all[0].attribute.values missing",
		`{"all":[{"attribute":{"field":"score","operator":"between","values":[1]}}]}`:      "condition.all[0].attribute.values two-values",
		`{"all":[{"attribute":{"field":"score","operator":"between","values":[1,null]}}]}`: "condition.all[0].attribute.values[1] value-invalid",
		`{"all":[{"attribute":{"field":"vip","operator":"eq","value":"maybe"}}]}`:          "condition.all[0].attribute.value boolean-invalid",
		`{"all":[{"attribute":{"field":"createdAt","operator":"gt","value":"soon"}}]}`:     "condition.all[0].attribute.value timestamp-invalid",
		`{"all":[{"attribute":{"field":"createdAt","operator":"gt","value":1.5}}]}`:        "condition.all[0].attribute.value timestamp-invalid",
		`{"all":[{"event":{}}]}`:                                                                           "condition.all[0].event.name missing",
		`{"all":[{"event":{"name":"x","count":-1}}]}`:                                                      "condition.all[0].event.count value-invalid",
		`{"all":[{"event":{"name":"x","countBoundary":"exactly"}}]}`:                                       "condition.all[0].event.countBoundary value-invalid",
		`{"all":[{"event":{"name":"x","timeBoundary":"before"}}]}`:                                         "condition.all[0].event.date missing",
		`{"all":[{"event":{"name":"x","timeBoundary":"within-last","intervalBoundary":367}}]}`:             "condition.all[0].event.intervalBoundary value-invalid",
		`{"all":[{"event":{"name":"x","properties":{"all":[{"name":"p","operator":"is-timestamp"}]}}}]}`:   "condition.all[0].event.properties.all[0].operator operator-unsuitable",
		`{"all":[{"event":{"name":"x","properties":{"all":[{"name":"p","operator":"gt","value":"a"}]}}}]}`: "condition.all[0].event.properties.all[0].value number-invalid",
		deep:       "condition.all[0].all[0].all[0].all[0].all[0].all too-deep",
		many:       "condition.all[100].attribute too-many",
		manyEvents: "condition.all[10].event too-many",
	} {
		_, err := projections.ParseCondition(json.RawMessage(condition), "condition", attributeTypes)
		found, ok := errors.AsType[*projections.ConditionError](err)
		if !ok || found.Path+" "+found.Code != want || found.Message == "" {
			t.Errorf("%.150s: %v %+v, want %s", condition, err, found, want)
		}
	}
	for _, none := range []string{`{}`, `{"all":null,"any":null}`} {
		if c, err := projections.ParseCondition(json.RawMessage(none), "condition", attributeTypes); c != nil || err != nil {
			t.Errorf("%s: %v %v", none, c, err)
		}
	}
}

// What is almost a condition is refused in our own words, and never by Postgres.
func FuzzConditions(f *testing.F) {
	_, pool := projector(f, &ledger{})
	save(f, pool, []person{{id: uuid.New(), attributes: map[string]any{"city": "Gent", "score": "a text in a number's place", "vip": 1}}})
	f.Add(`{"all":[{"attribute":{"field":"city","operator":"eq","value":"Gent"}}]}`)
	f.Add(`{"any":[{"attribute":{"field":"score","operator":"between","values":[1,"2"]}},{"event":{"name":"x","count":2,"timeBoundary":"within-last","periodBoundary":"month","intervalBoundary":366,"properties":{"all":[{"name":"p","operator":"gt","value":1}]}}}]}`)
	f.Add(`{"all":[{"attribute":{"field":"phone","operator":"starts-with","value":"+32 (0)478"}},{"any":[{"attribute":{"field":"createdAt","operator":"is-timestamp-before","value":"2026-01-31"}}]}]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := projections.ParseCondition(json.RawMessage(raw), "condition", attributeTypes)
		if _, ok := errors.AsType[*projections.ConditionError](err); err != nil && !ok {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		_, _, err = projections.SearchContacts(t.Context(), pool, projections.ContactSearch{Condition: c, Page: 1, PageSize: 10, Now: searchNow, Limit: time.Minute,
			Sort: projections.ContactSort{Attribute: "score", Type: events.Number}})
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
	})
}

func TestPhonesAreFoundAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	_, pool := projector(t, &ledger{})
	save(t, pool, []person{{id: contactID(1), attributes: map[string]any{"phone": "32478112233"}}, {id: contactID(2), attributes: map[string]any{"city": "+32"}}})
	for condition, want := range map[string]int{
		`{"field":"phone","operator":"eq","value":"+32 478 11.22-33"}`:         1,
		`{"field":"phone","operator":"eq","value":"0032478112233"}`:            1,
		`{"field":"phone","operator":"starts-with","value":"+32"}`:             1,
		`{"field":"phone","operator":"eq","value":32478112233}`:                1,
		`{"field":"city","operator":"eq","value":"+32"}`:                       1,
		`{"field":"phone","operator":"eq","value":"tel:32478112233"}`:          0,
		`{"field":"createdAt","operator":"lt","value":"1970-01-01T00:00:01Z"}`: 2,
		`{"field":"createdAt","operator":"gt","value":"1970-01-01"}`:           0,
	} {
		c := must(projections.ParseCondition(json.RawMessage(`{"all":[{"attribute":`+condition+`}]}`), "condition", attributeTypes))
		_, total, err := projections.SearchContacts(t.Context(), pool, projections.ContactSearch{Condition: c, Page: 1, PageSize: 1, Limit: time.Minute,
			Sort: projections.ContactSort{Attribute: events.CreatedAt, Type: events.Timestamp}})
		if err != nil || total != want {
			t.Errorf("%s: %d %v", condition, total, err)
		}
	}
}

func TestASearchEndsWhenItsTimeIsUp(t *testing.T) {
	t.Parallel()
	_, pool := projector(t, &ledger{})
	exec(t, pool, "INSERT INTO contact_state.contacts (nx_id, attributes, created_at, modified_at, first_import, last_import) SELECT gen_random_uuid(), '{}', n, n, '', '' FROM generate_series(1, 50000) n")
	c := must(projections.ParseCondition(json.RawMessage(`{"all":[{"attribute":{"field":"city","operator":"not-exists"}}]}`), "condition", attributeTypes))
	search := projections.ContactSearch{Condition: c, Page: 1, PageSize: 10, Limit: time.Millisecond, Sort: projections.ContactSort{Attribute: events.CreatedAt, Type: events.Timestamp}}
	if _, _, err := projections.SearchContacts(t.Context(), pool, search); !errors.Is(err, projections.ErrSearchTooLong) {
		t.Fatal(err)
	}
	search.Limit = time.Minute
	if page, total, err := projections.SearchContacts(t.Context(), pool, search); err != nil || total != 50000 || len(page) != 10 {
		t.Fatal(len(page), total, err)
	}
}
