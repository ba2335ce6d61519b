package api

import (
	"github.com/danielgtaylor/huma/v2"

	"importledger/projections"
)

// Schema implements huma.SchemaProvider. It describes the condition language that
// projections.ParseCondition reads, and checks.
func (contactsSearch) Schema(known huma.Registry) *huma.Schema {
	for name, s := range conditionSchemas() {
		known.Map()[name] = s
	}
	known.Map()["ContactsSearch"] = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: false,
		Properties: map[string]*huma.Schema{"condition": schemaRef("SearchCondition")}}
	return schemaRef("ContactsSearch")
}

func schemaRef(name string) *huma.Schema {
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}

func conditionSchemas() map[string]*huma.Schema {
	object := func(about string, required []string, properties map[string]*huma.Schema) *huma.Schema {
		return &huma.Schema{Type: huma.TypeObject, Description: about, Required: required, Properties: properties, AdditionalProperties: false}
	}
	listOf := func(item *huma.Schema, least int) *huma.Schema {
		return &huma.Schema{Type: huma.TypeArray, Items: item, MinItems: &least, MaxItems: at(projections.MaxConditions)}
	}
	words := func(all ...any) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Enum: all} }
	named := &huma.Schema{Type: huma.TypeString, MinLength: at(1), MaxLength: at(1000)}
	whole := func(low, high float64, absent int) *huma.Schema {
		return &huma.Schema{Type: huma.TypeInteger, Minimum: &low, Maximum: &high, Default: absent}
	}
	scalar := &huma.Schema{Description: "A text, a number or a Boolean; times are Unix epoch milliseconds or ISO 8601.",
		OneOf: []*huma.Schema{{Type: huma.TypeString, MaxLength: at(1000)}, {Type: huma.TypeNumber}, {Type: huma.TypeBoolean}}}
	pair := &huma.Schema{Type: huma.TypeArray, Items: scalar, MinItems: at(2), MaxItems: at(2), Description: "With between: the lower end, then the upper end."}
	var operators []any
	for _, o := range projections.Operators() {
		operators = append(operators, string(o))
	}
	compared := map[string]*huma.Schema{"operator": words(operators...), "value": scalar, "values": pair}
	with := func(name string) map[string]*huma.Schema {
		all := map[string]*huma.Schema{name: named}
		for key, s := range compared {
			all[key] = s
		}
		return all
	}
	node := &huma.Schema{Description: "One of: a condition on an attribute, a condition on an event, a group of all, a group of any."}
	for _, kind := range []struct {
		name string
		of   *huma.Schema
	}{{"attribute", schemaRef("AttributeCondition")}, {"event", schemaRef("EventCondition")},
		{"all", listOf(schemaRef("ConditionNode"), 1)}, {"any", listOf(schemaRef("ConditionNode"), 1)}} {
		node.OneOf = append(node.OneOf, object("", []string{kind.name}, map[string]*huma.Schema{kind.name: kind.of}))
	}
	condition := object("Contacts for whom all of all hold, and one of any. Groups can lie five deep inside each other; there can be a hundred conditions, ten of them on events. "+
		"Texts are compared without regard to case. not-eq, not-contains and not-exists are the opposites of their counterparts: a contact without a value satisfies them.", nil,
		map[string]*huma.Schema{"all": listOf(schemaRef("ConditionNode"), 1), "any": listOf(schemaRef("ConditionNode"), 1)})
	condition.Nullable = true
	return map[string]*huma.Schema{
		"SearchCondition": condition,
		"ConditionNode":   node,
		"AttributeCondition": object("What an attribute of the contact is. is-set is another word for exists; is-mobile is asked of phone, and true where smsCapable is.",
			[]string{"field", "operator"}, with("field")),
		"EventCondition": object("How often an event happened to the contact.", []string{"name"}, map[string]*huma.Schema{
			"name": named, "count": whole(0, 1_000_000, 1), "countBoundary": words("at-least", "at-most"),
			"timeBoundary":   words("all-time", "within-last", "before", "after"),
			"periodBoundary": words("day", "month"), "intervalBoundary": whole(1, 366, 1),
			"date": {Description: "With before and after: Unix epoch milliseconds, or ISO 8601.", OneOf: []*huma.Schema{{Type: huma.TypeInteger}, {Type: huma.TypeString}}},
			"properties": object("What one event's properties are, for it to count.", nil, map[string]*huma.Schema{
				"all": listOf(schemaRef("PropertyCondition"), 0), "any": listOf(schemaRef("PropertyCondition"), 0)}),
		}),
		"PropertyCondition": object("What a property of the event is.", []string{"name", "operator"}, with("name")),
	}
}

func at(n int) *int { return &n }
