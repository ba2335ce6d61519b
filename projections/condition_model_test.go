package projections_test

import (
	"encoding/json"
	"fmt"
	"importledger/events"
	"math/big"
	"slices"
	"strings"
)

// holds is the condition language once more, over maps.
func holds(condition map[string]any, p person) bool {
	every := true
	for name, value := range condition {
		switch name {
		case "all":
			for _, one := range value.([]any) {
				every = every && holds(one.(map[string]any), p)
			}
		case "any":
			some := false
			for _, one := range value.([]any) {
				some = some || holds(one.(map[string]any), p)
			}
			every = every && some
		case "attribute":
			c := value.(map[string]any)
			every = every && compares(c, valueOf(p, c["field"].(string)), p)
		case "event":
			every = every && occurred(value.(map[string]any), p)
		}
	}
	return every
}

func valueOf(p person, field string) any {
	switch field {
	case events.NxID:
		return p.id.String()
	case events.CreatedAtNaxai:
		return p.createdAt
	case events.CreatedAt:
		if v, ok := p.attributes[field]; ok {
			return v
		}
		return p.createdAt
	}
	return p.attributes[field]
}

func compares(c map[string]any, v any, p person) bool {
	switch operator := c["operator"].(string); operator {
	case "not-eq", "not-contains", "not-exists", "is-not-mobile":
		return !compares(map[string]any{"operator": strings.Replace(operator, "not-", "", 1), "value": c["value"]}, v, p)
	case "is-not-set":
		return v == nil
	case "exists", "is-set":
		return v != nil
	case "is-true":
		return v == true
	case "is-false":
		return v == false
	case "is-mobile":
		return p.attributes[events.SMSCapable] == true
	case "is-timestamp":
		return v != nil
	case "contains", "starts-with", "ends-with":
		if v == nil {
			return false
		}
		text, part := strings.ToLower(fmt.Sprint(v)), strings.ToLower(fmt.Sprint(c["value"]))
		return map[string]func(string, string) bool{"contains": strings.Contains, "starts-with": strings.HasPrefix, "ends-with": strings.HasSuffix}[operator](text, part)
	case "eq":
		if text, ok := c["value"].(string); ok && v != nil {
			return strings.EqualFold(fmt.Sprint(v), text)
		}
		if b, ok := c["value"].(bool); ok {
			return v == b
		}
		return isNumber(v) && rational(v).Cmp(rational(c["value"])) == 0
	case "gt", "lt":
		return isNumber(v) && rational(v).Cmp(rational(c["value"])) == map[string]int{"gt": 1, "lt": -1}[operator]
	case "between":
		ends := c["values"].([]any)
		return isNumber(v) && rational(v).Cmp(rational(ends[0])) >= 0 && rational(v).Cmp(rational(ends[1])) <= 0
	case "is-timestamp-before":
		return isNumber(v) && epoch(v).Cmp(rational(c["value"])) < 0
	case "is-timestamp-after":
		return isNumber(v) && epoch(v).Cmp(rational(c["value"])) > 0
	case "is-timestamp-between":
		ends := c["values"].([]any)
		return isNumber(v) && epoch(v).Cmp(rational(ends[0])) >= 0 && epoch(v).Cmp(rational(ends[1])) <= 0
	default:
		panic(operator)
	}
}

func isNumber(v any) bool {
	switch v.(type) {
	case json.Number, int64:
		return true
	}
	return false
}

// epoch is milliseconds; small numbers are seconds.
func epoch(v any) *big.Rat {
	n := rational(v)
	if new(big.Rat).Abs(n).Cmp(big.NewRat(100_000_000_000, 1)) < 0 {
		n.Mul(n, big.NewRat(1000, 1))
	}
	return n
}

func occurred(c map[string]any, p person) bool {
	n := 0
	for _, h := range p.events {
		if h.name == c["name"] && inTime(c, h.at) && (c["properties"] == nil || suits(c["properties"].(map[string]any), h.properties)) {
			n++
		}
	}
	count := 1
	if given, ok := c["count"]; ok {
		count = given.(int)
	}
	if c["countBoundary"] == "at-most" {
		return n <= count
	}
	return n >= count
}

func inTime(c map[string]any, at int64) bool {
	interval := 1
	if given, ok := c["intervalBoundary"]; ok {
		interval = given.(int)
	}
	switch c["timeBoundary"] {
	case "before":
		return at < c["date"].(int64)
	case "after":
		return at > c["date"].(int64)
	case "within-last":
		from := searchNow.AddDate(0, 0, -interval)
		if c["periodBoundary"] == "month" {
			from = searchNow.AddDate(0, -interval, 0)
		}
		return at >= from.UnixMilli() && at <= searchNow.UnixMilli()
	}
	return true
}

func suits(groups, properties map[string]any) bool {
	check := func(one any) bool {
		c := one.(map[string]any)
		return compares(c, properties[c["name"].(string)], person{})
	}
	all, _ := groups["all"].([]any)
	some, _ := groups["any"].([]any)
	return !slices.ContainsFunc(all, func(one any) bool { return !check(one) }) && (len(some) == 0 || slices.ContainsFunc(some, check))
}
