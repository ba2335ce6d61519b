package web

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// newNumberDecoder keeps numbers as they are written.
func newNumberDecoder(object json.RawMessage) *json.Decoder {
	decoder := json.NewDecoder(bytes.NewReader(object))
	decoder.UseNumber()
	return decoder
}

// valueText is a value of a contact as people read it.
func valueText(value any) string {
	switch value := value.(type) {
	case nil:
		return "(cleared)"
	case bool:
		if value {
			return "yes"
		}
		return "no"
	}
	return fmt.Sprint(value)
}
