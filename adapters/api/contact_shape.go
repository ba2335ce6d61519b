package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"importledger/events"
	"importledger/projections"
)

// contactObject is a Contact: the reserved attributes first, null where there is
// no value, then the account's own as keys beside them.
type contactObject struct {
	id         uuid.UUID
	attributes json.RawMessage
	since      int64 // Unix epoch, milliseconds; 0: not a contact yet
}

func storedContact(c projections.Contact) contactObject {
	return contactObject{id: c.NxID, attributes: c.Attributes, since: c.CreatedAt}
}

// contactKeys are the keys that every Contact has.
var contactKeys = []string{events.NxID, events.Email, events.Phone, events.ExternalID, events.SMSCapable, events.Unsubscribed,
	events.Language, events.CreatedAt, events.CreatedAtNaxai}

// MarshalJSON implements json.Marshaler.
func (c contactObject) MarshalJSON() ([]byte, error) {
	values := map[string]json.RawMessage{}
	if len(c.attributes) > 0 {
		if err := json.Unmarshal(c.attributes, &values); err != nil {
			return nil, fmt.Errorf("attributes of contact %s: %w", c.id, err)
		}
	}
	values[events.NxID] = json.RawMessage(`"` + c.id.String() + `"`)
	if c.since != 0 {
		since := strconv.AppendInt(nil, c.since, 10)
		values[events.CreatedAtNaxai] = since
		if _, said := values[events.CreatedAt]; !said {
			values[events.CreatedAt] = since
		}
	}
	out := []byte{'{'}
	add := func(key string, value json.RawMessage) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		if len(value) == 0 {
			value = json.RawMessage("null")
		}
		out = append(append(events.AppendString(out, key), ':'), value...)
	}
	for _, key := range contactKeys {
		add(key, values[key])
		delete(values, key)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		add(key, values[key])
	}
	return append(out, '}'), nil
}

// Schema implements huma.SchemaProvider.
func (contactObject) Schema(known huma.Registry) *huma.Schema {
	const name = "Contact"
	contact := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{}, Required: contactKeys,
		Description: "A contact. The account's own attributes are keys beside the reserved ones.", AdditionalProperties: true}
	for _, key := range contactKeys {
		reserved, _ := events.ReservedAttribute(key)
		s := &huma.Schema{Type: string(reserved.Type), Nullable: key != events.NxID}
		if reserved.Type == events.Timestamp {
			s.Type, s.Format, s.Description = huma.TypeInteger, "int64", "Unix epoch, milliseconds."
		}
		contact.Properties[key] = s
	}
	known.Map()[name] = contact
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}
