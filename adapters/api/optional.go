package api

import (
	"encoding/json"
	"fmt"

	"github.com/danielgtaylor/huma/v2"
)

// optional is a text that may be absent, which leaves it as it is, or null, which
// empties it.
type optional struct {
	said bool
	text string
}

// given is nil for a text that is to stay as it is.
func (o optional) given() *string {
	if !o.said {
		return nil
	}
	return &o.text
}

// UnmarshalJSON implements json.Unmarshaler. It is called only where the key is there.
func (o *optional) UnmarshalJSON(data []byte) error {
	var text *string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("want a text or null: %w", err)
	}
	*o = optional{said: true}
	if text != nil {
		o.text = *text
	}
	return nil
}

// Schema implements huma.SchemaProvider.
func (optional) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Nullable: true}
}
