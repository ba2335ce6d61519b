package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A shape says which keys a JSON value has: {a,b?,c:{d},e:[{f}],*}. A question mark
// allows a key to be absent, a star allows others; a value may always be null. A
// list [x] must have an item, or nothing about x was seen; [.] is one of scalars,
// [] one whose items are not looked at.
type shape struct {
	object bool
	keys   map[string]shape
	absent map[string]bool // keys that may be
	others bool
	item   *shape // of a list
	list   bool
}

// shapeOf reads a shape.
func shapeOf(s string) shape {
	rest := strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(s)
	read := readShape(&rest)
	if rest != "" {
		panic("left over of a shape: " + rest)
	}
	return read
}

func readShape(rest *string) shape {
	switch next(rest) {
	case '[':
		s := shape{list: true}
		switch (*rest)[0] {
		case ']':
		case '.':
			next(rest)
			s.item = &shape{}
		default:
			item := readShape(rest)
			s.item = &item
		}
		next(rest)
		return s
	case '{':
		return readKeys(rest)
	}
	panic("not a shape: " + *rest)
}

func readKeys(rest *string) shape {
	s := shape{object: true, keys: map[string]shape{}, absent: map[string]bool{}}
	for {
		end := strings.IndexAny(*rest, "?:,}")
		key := (*rest)[:end]
		*rest = (*rest)[end:]
		value, mark := shape{}, next(rest)
		if mark == '?' {
			s.absent[key] = true
			mark = next(rest)
		}
		if mark == ':' {
			value = readShape(rest)
			mark = next(rest)
		}
		if key == "*" {
			s.others = true
		} else {
			s.keys[key] = value
		}
		if mark == '}' {
			return s
		}
	}
}

func next(rest *string) byte {
	c := (*rest)[0]
	*rest = (*rest)[1:]
	return c
}

// differs says where a value is not of a shape; nothing when it is.
func (s shape) differs(v any, at string) []string {
	var wrong []string
	switch v := v.(type) {
	case nil:
	case map[string]any:
		if !s.object {
			return []string{at + " is an object"}
		}
		for _, key := range slices.Sorted(maps.Keys(s.keys)) {
			one, there := v[key]
			if there {
				wrong = append(wrong, s.keys[key].differs(one, at+"."+key)...)
			} else if !s.absent[key] {
				wrong = append(wrong, at+"."+key+" is missing")
			}
		}
		for key := range v {
			if _, known := s.keys[key]; !known && !s.others {
				wrong = append(wrong, at+"."+key+" is not in the contract")
			}
		}
	case []any:
		if !s.list {
			return []string{at + " is a list"}
		}
		if s.item == nil {
			return nil
		}
		if len(v) == 0 {
			wrong = append(wrong, at+" is empty: nothing about its items was seen")
		}
		for i, one := range v {
			wrong = append(wrong, s.item.differs(one, fmt.Sprintf("%s[%d]", at, i))...)
		}
	default:
		if s.object || s.list {
			wrong = append(wrong, fmt.Sprintf("%s is %v", at, v))
		}
	}
	return wrong
}

func TestShapesTellKeysApart(t *testing.T) {
	t.Parallel()
	s := shapeOf(`[{id, name?, file:{size}, rows:[.], any:[], more:{*}}]`)
	for value, want := range map[string]string{
		`[{"id":1,"file":{"size":2},"rows":[1],"any":[],"more":{"x":1}}]`:       "",
		`[{"id":1,"name":null,"file":null,"rows":null,"any":null,"more":null}]`: "",
		`[{"file":{"size":2},"rows":[1],"any":[],"more":{}}]`:                   "answer[0].id is missing",
		`[{"id":1,"file":{},"rows":[1],"any":[],"more":{}}]`:                    "answer[0].file.size is missing",
		`[{"id":1,"file":{"size":2,"x":1},"rows":[1],"any":[],"more":{}}]`:      "answer[0].file.x is not in the contract",
		`[{"id":1,"file":{"size":2},"rows":[],"any":[],"more":{}}]`:             "answer[0].rows is empty: nothing about its items was seen",
		`[{"id":1,"file":{"size":2},"rows":[{}],"any":[],"more":{}}]`:           "answer[0].rows[0] is an object",
		`[{"id":1,"file":"x","rows":[1],"any":[],"more":{}}]`:                   "answer[0].file is x",
		`{"id":1}`: "answer is an object",
		`[]`:       "answer is empty: nothing about its items was seen",
	} {
		var v any
		if err := json.Unmarshal([]byte(value), &v); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(s.differs(v, "answer"), "; "); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
}
