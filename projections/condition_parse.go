package projections

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"importledger/events"
)

// ParseCondition reads a condition from JSON, found at path, and checks it against
// the attributes that contacts have: typeOf gives an attribute's type. It returns
// nil for a condition that is empty, and a *ConditionError for one that is wrong.
func ParseCondition(raw json.RawMessage, path string, typeOf func(attribute string) (events.AttributeType, bool)) (Condition, error) {
	p := &conditionParser{typeOf: typeOf}
	return p.root(raw, path)
}

type conditionParser struct {
	typeOf             func(string) (events.AttributeType, bool)
	conditions, events int
}

func wrong(path, code, format string, args ...any) error {
	return &ConditionError{Path: path, Code: code, Message: fmt.Sprintf(format, args...)}
}

// root is a group that may have both, all and any, or nothing at all.
func (p *conditionParser) root(raw json.RawMessage, path string) (Condition, error) {
	keys, err := object(raw, path, "all", "any")
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	var both allOf
	for _, name := range []string{"all", "any"} {
		if keys[name] == nil {
			continue
		}
		group, err := p.group(name, keys[name], path, 1)
		if err != nil {
			return nil, err
		}
		both = append(both, group)
	}
	return both, nil
}

func (p *conditionParser) group(name string, raw json.RawMessage, path string, depth int) (Condition, error) {
	path += "." + name
	if depth > MaxConditionDepth {
		return nil, wrong(path, "too-deep", "Groups can lie at most %d deep inside each other.", MaxConditionDepth)
	}
	items, err := list(raw, path)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, wrong(path, "empty", "A group needs at least one condition.")
	}
	conditions := make([]Condition, len(items))
	for i, item := range items {
		if conditions[i], err = p.node(item, fmt.Sprintf("%s[%d]", path, i), depth); err != nil {
			return nil, err
		}
	}
	if name == "any" {
		return anyOf(conditions), nil
	}
	return allOf(conditions), nil
}

func (p *conditionParser) node(raw json.RawMessage, path string, depth int) (Condition, error) {
	keys, err := object(raw, path, "attribute", "event", "all", "any")
	if err != nil {
		return nil, err
	}
	if len(keys) != 1 {
		return nil, wrong(path, "one-of", "A condition has one of attribute, event, all and any.")
	}
	for name, value := range keys {
		switch name {
		case "attribute":
			return p.attribute(value, path+".attribute")
		case "event":
			return p.event(value, path+".event")
		default:
			return p.group(name, value, path, depth+1)
		}
	}
	panic("unreachable: keys has one")
}

func (p *conditionParser) counted(path string) error {
	if p.conditions++; p.conditions > MaxConditions {
		return wrong(path, "too-many", "A search can have at most %d conditions.", MaxConditions)
	}
	return nil
}

func (p *conditionParser) attribute(raw json.RawMessage, path string) (Condition, error) {
	if err := p.counted(path); err != nil {
		return nil, err
	}
	keys, err := object(raw, path, "operator", "field", "value", "values")
	if err != nil {
		return nil, err
	}
	field, err := text(keys["field"], path+".field")
	if err != nil {
		return nil, err
	}
	typ, ok := p.typeOf(field)
	if !ok {
		return nil, wrong(path+".field", "attribute-unknown", "There is no attribute with this name. GET /people/attributes lists them.")
	}
	return comparisonOf(keys, path, comparison{field: field, typ: typ})
}

// comparisonOf reads operator and values into a comparison of a field.
func comparisonOf(keys map[string]json.RawMessage, path string, c comparison) (Condition, error) {
	name, err := text(keys["operator"], path+".operator")
	if err != nil {
		return nil, err
	}
	c.operator = Operator(name)
	wants, known := operands[c.operator]
	switch {
	case !known:
		return nil, wrong(path+".operator", "operator-unknown", "There is no operator of this name.")
	case wants.phone && c.field != events.Phone,
		c.typ != "" && !slices.Contains(wants.suits, c.typ), c.typ == "" && !wants.property:
		return nil, wrong(path+".operator", "operator-unsuitable", "The operator %s cannot be asked of this.", c.operator)
	}
	values := keys["value"]
	switch {
	case wants.values == 0:
		return c, nil // clients send null or a remainder there
	case wants.values == 1 && values == nil:
		return nil, wrong(path+".value", "missing", "The operator %s needs a value.", c.operator)
	case wants.values == 1:
		v, err := c.value(values, path+".value", wants)
		c.values = []any{v}
		return c, err
	case keys["values"] == nil:
		return nil, wrong(path+".values", "missing", "The operator %s needs a list of two values.", c.operator)
	}
	return c.between(keys["values"], path+".values", wants)
}

func (c comparison) between(raw json.RawMessage, path string, wants operand) (Condition, error) {
	ends, err := list(raw, path)
	if err != nil {
		return nil, err
	}
	if len(ends) != 2 {
		return nil, wrong(path, "two-values", "Give two values: the lower end and the upper end.")
	}
	for i, end := range ends {
		v, err := c.value(end, fmt.Sprintf("%s[%d]", path, i), wants)
		if err != nil {
			return nil, err
		}
		c.values = append(c.values, v)
	}
	return c, nil
}

// value reads what an attribute is compared with. Numbers and Booleans may come as
// text: forms send them so.
func (c comparison) value(raw json.RawMessage, path string, wants operand) (any, error) {
	v, err := scalar(raw, path)
	if err != nil {
		return nil, err
	}
	typ := c.typ
	switch _, isText := v.(string); {
	case wants.asTime:
		typ = events.Timestamp
	case typ == "" && slices.Equal(wants.suits, texts):
		typ = events.String
	case typ == "" && !slices.Contains(wants.suits, events.String):
		typ = events.Number
	case typ == "" && isText:
		typ = events.String
	}
	switch typ {
	case events.Number:
		return number(v, path)
	case events.Boolean:
		return boolean(v, path)
	case events.Timestamp:
		return moment(v, path)
	case events.String:
		s := plain(v)
		if c.typ != "" && c.field == events.Phone {
			s = phoneDigits(s)
		}
		if wants.nonEmpty && s == "" {
			return nil, wrong(path, "empty", "Give at least one character.")
		}
		return s, nil
	}
	return v, nil // a property: as JSON has it
}

// scalar reads a string, a number or a Boolean.
func scalar(raw json.RawMessage, path string) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, wrong(path, "malformed", "This is not JSON.")
	}
	switch v := v.(type) {
	case bool:
		return v, nil
	case json.Number:
		return number(v, path)
	case string:
		if strings.ContainsRune(v, 0) || utf8.RuneCountInString(v) > maxConditionText {
			return nil, wrong(path, "value-invalid", "A text has at most %d characters, none of them NUL.", maxConditionText)
		}
		return v, nil
	}
	return nil, wrong(path, "value-invalid", "A value is a text, a number, true or false.")
}

// plain is a value as text, for an attribute that is one.
func plain(v any) string { return fmt.Sprint(v) }

// phoneDigits takes away what people write into phone numbers and importing takes
// out; a text with anything else stays as it is.
func phoneDigits(s string) string {
	bare := strings.NewReplacer(" ", "", ".", "", "-", "", "(", "", ")", "", "/", "").Replace(s)
	digits := strings.TrimPrefix(bare, "+")
	if digits == bare {
		digits = strings.TrimPrefix(bare, "00")
	}
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return s
	}
	return digits
}

const (
	maxNumberText = 64
	maxNumber     = 1e100 // far beyond any amount, far below what Postgres refuses
)

func number(v any, path string) (decimal, error) {
	s := strings.TrimSpace(fmt.Sprint(v))
	f, err := strconv.ParseFloat(s, 64)
	// JSON's form only: ParseFloat also knows hexadecimal, underscores and infinity.
	if _, isBool := v.(bool); isBool || err != nil || len(s) > maxNumberText || !json.Valid([]byte(s)) {
		return "", wrong(path, "number-invalid", "Give a number, such as 12 or 3.5.")
	}
	if math.Abs(f) > maxNumber || f != 0 && math.Abs(f) < 1/maxNumber || f == 0 && strings.ContainsAny(mantissa(s), "123456789") {
		return "", wrong(path, "number-invalid", "This number is too large or too small.")
	}
	return decimal(s), nil
}

func mantissa(s string) string {
	before, _, _ := strings.Cut(strings.ToLower(s), "e")
	return before
}

func boolean(v any, path string) (bool, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		if b := strings.ToLower(v); b == "true" || b == "false" {
			return b == "true", nil
		}
	}
	return false, wrong(path, "boolean-invalid", "Give true or false.")
}

// The years that a time can lie in, in milliseconds: 0001 to 9999.
const (
	firstInstant = -62_135_596_800_000
	lastInstant  = 253_402_300_799_999
)

// moment reads Unix epoch milliseconds, or a date or a time of ISO 8601.
func moment(v any, path string) (instant, error) {
	invalid := wrong(path, "timestamp-invalid", "Give Unix epoch milliseconds, or a time of ISO 8601 such as 2026-01-31T12:00:00Z.")
	s := strings.TrimSpace(fmt.Sprint(v))
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if f < firstInstant || f > lastInstant || f != math.Trunc(f) {
			return 0, invalid
		}
		return instant(f), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return instant(t.UnixMilli()), nil
		}
	}
	return 0, invalid
}

// object reads an object that has no other keys than those, and leaves away those
// that are null.
func object(raw json.RawMessage, path string, names ...string) (map[string]json.RawMessage, error) {
	keys := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &keys); err != nil {
		return nil, wrong(path, "malformed", "This has to be an object.")
	}
	for name, value := range keys {
		if !slices.Contains(names, name) {
			return nil, wrong(path, "unknown-key", "This can have %s, and nothing else.", strings.Join(names, ", "))
		}
		if isNull(value) {
			delete(keys, name)
		}
	}
	return keys, nil
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

func list(raw json.RawMessage, path string) ([]json.RawMessage, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, wrong(path, "malformed", "This has to be a list.")
	}
	return items, nil
}

// text reads a name.
func text(raw json.RawMessage, path string) (string, error) {
	if raw == nil {
		return "", wrong(path, "missing", "This is missing.")
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", wrong(path, "malformed", "This has to be a text.")
	}
	if s == "" || strings.ContainsRune(s, 0) || utf8.RuneCountInString(s) > maxConditionText {
		return "", wrong(path, "value-invalid", "A text has 1 to %d characters, none of them NUL.", maxConditionText)
	}
	return s, nil
}

// whole reads a number without a fraction from low to high; absent when raw is nil.
func whole(raw json.RawMessage, path string, low, high, absent int) (int, error) {
	if raw == nil {
		return absent, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	var n int
	if err := decoder.Decode(&n); err != nil || n < low || n > high {
		return 0, wrong(path, "value-invalid", "Give a whole number from %d to %d.", low, high)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return 0, wrong(path, "malformed", "This is not JSON.")
	}
	return n, nil
}
