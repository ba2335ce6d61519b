package projections

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

const maxEventCount = 1_000_000

// event reads a condition on an event: its name, how often, when, and with which
// properties.
func (p *conditionParser) event(raw json.RawMessage, path string) (Condition, error) {
	if err := p.counted(path); err != nil {
		return nil, err
	}
	if p.events++; p.events > MaxEventConditions {
		return nil, wrong(path, "too-many", "A search can have at most %d conditions on events.", MaxEventConditions)
	}
	keys, err := object(raw, path, "name", "count", "countBoundary", "timeBoundary", "periodBoundary", "intervalBoundary", "date", "properties")
	if err != nil {
		return nil, err
	}
	e := occurrence{}
	if e.name, err = text(keys["name"], path+".name"); err != nil {
		return nil, err
	}
	if e.count, err = whole(keys["count"], path+".count", 0, maxEventCount, 1); err != nil {
		return nil, err
	}
	boundary, err := choice(keys["countBoundary"], path+".countBoundary", "at-least", "at-most")
	if err != nil {
		return nil, err
	}
	e.atMost = boundary == "at-most"
	if err := e.when(keys, path); err != nil {
		return nil, err
	}
	if keys["properties"] != nil {
		e.property, err = p.properties(keys["properties"], path+".properties")
	}
	return e, err
}

// when reads the time within which occurrences count.
func (e *occurrence) when(keys map[string]json.RawMessage, path string) error {
	boundary, err := choice(keys["timeBoundary"], path+".timeBoundary", "all-time", "within-last", "before", "after")
	if err != nil {
		return err
	}
	unit, err := choice(keys["periodBoundary"], path+".periodBoundary", "day", "month")
	if err != nil {
		return err
	}
	interval, err := whole(keys["intervalBoundary"], path+".intervalBoundary", 1, 366, 1)
	if err != nil {
		return err
	}
	switch {
	case boundary == "all-time":
		return nil
	case boundary == "within-last" && unit == "month":
		e.within = &Period{Months: interval}
		return nil
	case boundary == "within-last":
		e.within = &Period{Days: interval}
		return nil
	case keys["date"] == nil:
		return wrong(path+".date", "missing", "The time boundary %s needs a date.", boundary)
	}
	v, err := scalar(keys["date"], path+".date")
	if err != nil {
		return err
	}
	date, err := moment(v, path+".date")
	if err != nil {
		return err
	}
	ms := int64(date)
	if boundary == "before" {
		e.before = &ms
	} else {
		e.after = &ms
	}
	return nil
}

// properties reads conditions on the properties of one event. Empty groups, which
// clients send where they have nothing to ask, ask nothing.
func (p *conditionParser) properties(raw json.RawMessage, path string) ([]Condition, error) {
	keys, err := object(raw, path, "all", "any")
	if err != nil {
		return nil, err
	}
	var both []Condition
	for _, name := range []string{"all", "any"} {
		if keys[name] == nil {
			continue
		}
		items, err := list(keys[name], path+"."+name)
		if err != nil {
			return nil, err
		}
		conditions := make([]Condition, len(items))
		for i, item := range items {
			if conditions[i], err = p.property(item, fmt.Sprintf("%s.%s[%d]", path, name, i)); err != nil {
				return nil, err
			}
		}
		switch {
		case len(items) == 0:
		case name == "any":
			both = append(both, anyOf(conditions))
		default:
			both = append(both, allOf(conditions))
		}
	}
	return both, nil
}

func (p *conditionParser) property(raw json.RawMessage, path string) (Condition, error) {
	if err := p.counted(path); err != nil {
		return nil, err
	}
	keys, err := object(raw, path, "name", "operator", "value", "values")
	if err != nil {
		return nil, err
	}
	name, err := text(keys["name"], path+".name")
	if err != nil {
		return nil, err
	}
	return comparisonOf(keys, path, comparison{field: name})
}

// choice reads one of some words; the first when there is none.
func choice(raw json.RawMessage, path string, words ...string) (string, error) {
	if raw == nil {
		return words[0], nil
	}
	word, err := text(raw, path)
	if err == nil && !slices.Contains(words, word) {
		err = wrong(path, "value-invalid", "Give one of %s.", strings.Join(words, ", "))
	}
	return word, err
}
