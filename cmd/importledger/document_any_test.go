package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// described is the OpenAPI document, as its own requests are drawn from it.
type described map[string]any

// resolve follows a schema's reference.
func (d described) resolve(schema map[string]any) map[string]any {
	for {
		ref, ok := schema["$ref"].(string)
		if !ok {
			return schema
		}
		at := any(map[string]any(d))
		for _, step := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
			at = at.(map[string]any)[step]
		}
		schema = at.(map[string]any)
	}
}

// value draws what a schema allows.
func (d described) value(r *rapid.T, schema map[string]any, depth int) any {
	schema = d.resolve(schema)
	if examples, ok := schema["examples"].([]any); ok && rapid.Bool().Draw(r, "as in the example") {
		return rapid.SampledFrom(examples).Draw(r, "example")
	}
	if words, ok := schema["enum"].([]any); ok {
		return rapid.SampledFrom(words).Draw(r, "word")
	}
	for _, several := range []string{"oneOf", "anyOf"} {
		if kinds, ok := schema[several].([]any); ok {
			return d.value(r, rapid.SampledFrom(kinds).Draw(r, "kind").(map[string]any), depth)
		}
	}
	switch typeOfSchema(r, schema) {
	case "null":
		return nil
	case "boolean":
		return rapid.Bool().Draw(r, "boolean")
	case "integer":
		return rapid.Int64Range(bound(schema, "minimum", -1000), bound(schema, "maximum", 1e12)).Draw(r, "integer")
	case "number":
		return rapid.Float64Range(-1e6, 1e6).Draw(r, "number")
	case "array":
		items, _ := schema["items"].(map[string]any)
		least, most := bound(schema, "minItems", 0), min(bound(schema, "maxItems", 3), bound(schema, "minItems", 0)+2)
		if depth <= 0 {
			most = least
		}
		list := []any{}
		for range rapid.Int64Range(least, most).Draw(r, "items") {
			list = append(list, d.value(r, items, depth-1))
		}
		return list
	case "object":
		return d.object(r, schema, depth)
	}
	return d.text(r, schema)
}

func typeOfSchema(r *rapid.T, schema map[string]any) string {
	switch typ := schema["type"].(type) {
	case string:
		return typ
	case []any:
		return rapid.SampledFrom(typ).Draw(r, "type").(string)
	}
	return "string"
}

func (d described) object(r *rapid.T, schema map[string]any, depth int) any {
	required, _ := schema["required"].([]any)
	properties, _ := schema["properties"].(map[string]any)
	made := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if slices.Contains(required, any(name)) || depth > 0 && rapid.Bool().Draw(r, name) {
			made[name] = d.value(r, properties[name].(map[string]any), depth-1)
		}
	}
	return made
}

// words are texts that mean something here, and some that are trouble elsewhere.
var words = []string{"email", "city", "E-mail", "City", "Note", "createdAt", "a", "Ann@x.org", "ann@x.org", "2026-01-31", "12", "', DROP", `"`, `\`, "%", "é", "🙂", "\u202e", "=1+1", "\r\nX-Evil: 1"}

func (d described) text(r *rapid.T, schema map[string]any) string {
	s := rapid.SampledFrom(words).Draw(r, "text")
	if least := int(bound(schema, "minLength", 0)); len([]rune(s)) < least {
		s += strings.Repeat("x", least-len([]rune(s)))
	}
	if most := int(bound(schema, "maxLength", 1<<20)); len([]rune(s)) > most {
		s = string([]rune(s)[:most])
	}
	return s
}

func bound(schema map[string]any, name string, absent int64) int64 {
	if n, ok := schema[name].(json.Number); ok {
		if f, err := n.Float64(); err == nil {
			return int64(f)
		}
	}
	return absent
}

// spoiled is a value with something wrong, somewhere inside.
func spoiled(r *rapid.T, v any) any {
	switch v := v.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		switch how := rapid.IntRange(0, 3).Draw(r, "spoil"); {
		case len(keys) > 0 && how == 0:
			delete(v, rapid.SampledFrom(keys).Draw(r, "lost"))
		case len(keys) > 0 && how < 3:
			key := rapid.SampledFrom(keys).Draw(r, "spoiled")
			v[key] = spoiled(r, v[key])
		default:
			v["unknown"] = 1
		}
		return v
	case []any:
		if len(v) > 0 && rapid.Bool().Draw(r, "inside") {
			i := rapid.IntRange(0, len(v)-1).Draw(r, "item")
			v[i] = spoiled(r, v[i])
			return v
		}
	}
	return rapid.SampledFrom([]any{nil, true, -1, 1e300, "", "\x00", strings.Repeat("long", 500), []any{}, []any{[]any{}}, map[string]any{}, map[string]any{"$ref": "x"}}).Draw(r, "instead")
}

// scalar is a value as parameters and fields of forms carry it.
func scalar(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return fmt.Sprintf("%f", v)
	case map[string]any, []any:
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return string(text)
	}
	return fmt.Sprint(v)
}
