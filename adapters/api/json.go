package api

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// jsonFormat is huma's own, but for NUL characters: Postgres cannot keep them, so
// that an event with one would stop a read model.
var jsonFormat = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(data []byte, v any) error {
		if err := json.Unmarshal(data, v); err != nil {
			return err
		}
		// huma reads every body twice, once into an any; that one is looked through.
		if whole, ok := v.(*any); ok && hasNUL(*whole) {
			return errors.New("a text holds a NUL character")
		}
		return nil
	},
}

func hasNUL(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.ContainsRune(v, 0)
	case []any:
		for _, one := range v {
			if hasNUL(one) {
				return true
			}
		}
	case map[string]any:
		for key, one := range v {
			if hasNUL(key) || hasNUL(one) {
				return true
			}
		}
	}
	return false
}
