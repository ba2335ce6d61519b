package projections_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"importledger/events"
)

func personID(email string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.ToLower(email)))
}

var (
	cities  = rapid.SampledFrom([]string{"Gent", "gent", "GENT", "Liège", "LIÈGE", "a", "%", "_", `\`, "it's", "true", "7"})
	emails  = rapid.SampledFrom([]string{"ann@x.org", "Ann@x.org", "bob@x.org", "cy@y.org"})
	numbers = rapid.SampledFrom([]string{"0", "7", "7.0", "-1.5", "1774958400", "1774958400000", "1e3", "0.1"})
	moments = rapid.Int64Range(searchNow.AddDate(0, -3, 0).UnixMilli(), searchNow.AddDate(0, 1, 0).UnixMilli())
)

func anyPerson(r *rapid.T) person {
	p := person{attributes: map[string]any{}, createdAt: moments.Draw(r, "created")}
	maybe := func(name string, draw func() any) {
		if rapid.Bool().Draw(r, "has "+name) {
			p.attributes[name] = draw()
		}
	}
	if p.id = contactID(rapid.IntRange(0, 9).Draw(r, "number")); rapid.Bool().Draw(r, "has an address") {
		email := emails.Draw(r, "email")
		p.id, p.attributes[events.Email] = personID(email), email
	}
	maybe("city", func() any { return cities.Draw(r, "city") })
	maybe(`it's "$1" %`, func() any { return cities.Draw(r, "odd") })
	maybe("score", func() any { return json.Number(numbers.Draw(r, "score")) })
	maybe("vip", func() any { return rapid.Bool().Draw(r, "vip") })
	maybe(events.SMSCapable, func() any { return rapid.Bool().Draw(r, "sms") })
	maybe(events.Phone, func() any { return rapid.SampledFrom([]string{"32478112233", "4412"}).Draw(r, "phone") })
	maybe(events.CreatedAt, func() any { return json.Number(fmt.Sprint(moments.Draw(r, "said"))) })
	for range rapid.IntRange(0, 4).Draw(r, "events") {
		h := happening{name: rapid.SampledFrom([]string{"bought", "seen"}).Draw(r, "event"), at: moments.Draw(r, "at"), properties: map[string]any{}}
		if rapid.Bool().Draw(r, "priced") {
			h.properties["price"] = json.Number(numbers.Draw(r, "price"))
		}
		if rapid.Bool().Draw(r, "kinded") {
			h.properties["kind"] = rapid.SampledFrom([]any{"Shoe", "shoe", "hat", true, json.Number("7")}).Draw(r, "kind")
		}
		p.events = append(p.events, h)
	}
	return p
}

// anyCondition draws a condition that is right, as a client writes it.
func anyCondition(r *rapid.T) map[string]any {
	c := map[string]any{}
	which := rapid.IntRange(1, 3).Draw(r, "groups")
	if which&1 != 0 {
		c["all"] = anyNodes(r, 2)
	}
	if which&2 != 0 {
		c["any"] = anyNodes(r, 2)
	}
	return c
}

func anyNodes(r *rapid.T, deeper int) []any {
	var all []any
	for range rapid.IntRange(1, 3).Draw(r, "conditions") {
		kind := rapid.IntRange(0, 5).Draw(r, "kind")
		switch {
		case kind == 0 && deeper > 0:
			all = append(all, map[string]any{rapid.SampledFrom([]string{"all", "any"}).Draw(r, "group"): anyNodes(r, deeper-1)})
		case kind == 1:
			all = append(all, map[string]any{"event": anyEvent(r)})
		default:
			all = append(all, map[string]any{"attribute": anyAttribute(r)})
		}
	}
	return all
}

func anyAttribute(r *rapid.T) map[string]any {
	field := rapid.SampledFrom([]string{"city", "score", "vip", "email", "phone", "createdAt", "createdAtNaxai", "nxId", "unsubscribed", `it's "$1" %`}).Draw(r, "field")
	typ, _ := attributeTypes(field)
	anyTime := func() any { return moments.Draw(r, "time") }
	number := func() any { return json.Number(numbers.Draw(r, "number")) }
	operators, value := []string{"exists", "not-exists", "is-set", "is-not-set", "eq", "not-eq"}, func() any { return cities.Draw(r, "text") }
	switch {
	case field == events.Phone:
		operators, value = append(operators, "is-mobile", "is-not-mobile", "starts-with"), func() any { return "32478112233" }
	case typ == events.String:
		operators = append(operators, "contains", "not-contains", "starts-with", "ends-with")
	case typ == events.Boolean:
		operators, value = append(operators, "is-true", "is-false"), func() any { return rapid.Bool().Draw(r, "boolean") }
	case typ == events.Timestamp:
		operators, value = append(operators, "gt", "lt", "between", "is-timestamp", "is-timestamp-before", "is-timestamp-after", "is-timestamp-between"), anyTime
	case typ == events.Number:
		operators, value = append(operators, "gt", "lt", "between", "is-timestamp", "is-timestamp-before", "is-timestamp-after", "is-timestamp-between"), number
	}
	c := map[string]any{"field": field, "operator": rapid.SampledFrom(operators).Draw(r, "operator")}
	if strings.HasPrefix(c["operator"].(string), "is-timestamp-") {
		value = anyTime
	}
	if field == events.Email && rapid.Bool().Draw(r, "address") {
		value = func() any { return emails.Draw(r, "email") }
	}
	if strings.HasSuffix(c["operator"].(string), "between") {
		c["values"] = []any{value(), value()}
	} else {
		c["value"] = value()
	}
	return c
}

func anyEvent(r *rapid.T) map[string]any {
	e := map[string]any{"name": rapid.SampledFrom([]string{"bought", "seen", "never"}).Draw(r, "name")}
	if rapid.Bool().Draw(r, "counted") {
		e["count"] = rapid.IntRange(0, 3).Draw(r, "count")
		e["countBoundary"] = rapid.SampledFrom([]string{"at-least", "at-most"}).Draw(r, "boundary")
	}
	if rapid.Bool().Draw(r, "timed") {
		e["timeBoundary"] = rapid.SampledFrom([]string{"all-time", "within-last", "before", "after"}).Draw(r, "time")
		e["periodBoundary"] = rapid.SampledFrom([]string{"day", "month"}).Draw(r, "period")
		e["intervalBoundary"] = rapid.IntRange(1, 40).Draw(r, "interval")
		e["date"] = moments.Draw(r, "date")
	}
	if rapid.Bool().Draw(r, "with properties") {
		groups := map[string]any{"all": nil, "any": []any{}}
		for _, name := range []string{"all", "any"} {
			var all []any
			for range rapid.IntRange(0, 2).Draw(r, name) {
				all = append(all, anyProperty(r))
			}
			if all != nil {
				groups[name] = all
			}
		}
		e["properties"] = groups
	}
	return e
}

func anyProperty(r *rapid.T) map[string]any {
	c := map[string]any{"name": rapid.SampledFrom([]string{"price", "kind", "other"}).Draw(r, "property"),
		"operator": rapid.SampledFrom([]string{"eq", "not-eq", "gt", "lt", "is-true", "is-false", "exists", "contains"}).Draw(r, "operator")}
	switch c["operator"] {
	case "gt", "lt":
		c["value"] = json.Number(numbers.Draw(r, "value"))
	case "contains":
		c["value"] = rapid.SampledFrom([]any{"sho", "7", "t"}).Draw(r, "value")
	case "eq", "not-eq":
		c["value"] = rapid.SampledFrom([]any{"SHOE", "true", true, false, json.Number("7"), json.Number("0.10")}).Draw(r, "value")
	}
	return c
}
