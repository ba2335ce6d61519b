package aggregate

import (
	"context"
	"fmt"

	"importledger/commands"
	"importledger/events"
)

// Refusals of what is asked of attributes.
var (
	ErrAttributeExists   = &commands.Refusal{Kind: commands.Conflict, Code: "attribute-exists", Message: "There is an attribute with this name, of another type."}
	ErrAttributeReserved = &commands.Refusal{Kind: commands.Unacceptable, Code: "attribute-reserved", Message: "Every account has this attribute. Choose another name.",
		Details: []commands.Detail{{Field: "name", Code: "attribute-reserved", Message: "Every account has this attribute."}}}
)

// Attribute is the state of one attribute beside the reserved ones. The zero value
// is one that was never created. Once it exists it never changes.
type Attribute struct {
	events.Attribute
	ImportID string          // the import that it was created for; empty: somebody by hand
	Position events.Position // of its creation in the log
}

// Exists tells whether contacts can have it.
func (a Attribute) Exists() bool { return a.Type != "" }

// EvolveAttribute gives the state after a recorded fact. It cannot fail.
func EvolveAttribute(a Attribute, e events.Envelope) Attribute {
	if created, ok := e.Event.(events.AttributeCreated); ok && !a.Exists() {
		a = Attribute{Attribute: events.Attribute{Name: created.Name, Type: created.Type}, ImportID: created.ImportID, Position: e.Position}
	}
	return a
}

// DecideAttribute answers a command with the facts it causes. Asking for an
// attribute that exists with that type is no error.
func DecideAttribute(a Attribute, c commands.Command) ([]events.Event, error) {
	create, ok := c.(commands.CreateAttribute)
	if !ok {
		return nil, fmt.Errorf("command %T is not one for an attribute", c)
	}
	if err := create.Check(); err != nil {
		return nil, err
	}
	_, reserved := events.ReservedAttribute(create.Name)
	switch {
	case reserved:
		return nil, ErrAttributeReserved
	case a.Exists() && a.Type == create.Type:
		return nil, nil
	case a.Exists():
		return nil, attributeExists(a)
	}
	return []events.Event{events.AttributeCreated(create)}, nil
}

func attributeExists(a Attribute) error {
	refusal := *ErrAttributeExists
	refusal.Message = fmt.Sprintf("Attribute %q exists and is of type %s, for good. Use it as it is, or choose another name.", a.Name, a.Type)
	refusal.Details = []commands.Detail{{Field: "name", Code: refusal.Code, Message: refusal.Message}}
	return &refusal
}

func openAttribute(log Streams, name string) *journal[Attribute] {
	return &journal[Attribute]{log: log, stream: events.AttributeStream(name), evolve: EvolveAttribute}
}

// LoadAttribute gives the attribute with exactly this name as the log has it.
func LoadAttribute(ctx context.Context, log Streams, name string) (Attribute, error) {
	attribute := openAttribute(log, name)
	err := attribute.catchUp(ctx)
	return attribute.state, err
}

// ExecuteAttribute loads the attribute that a command names, decides and appends.
// An attribute's stream is named after it and begins with its creation, so of two
// that create it at once the first decides its type, and the other finds it
// decided. The state returned is that of the attribute also when its type is
// another one than was asked for.
func ExecuteAttribute(ctx context.Context, log Streams, meta events.Meta, c commands.CreateAttribute) (Attribute, error) {
	attribute := openAttribute(log, c.Name)
	err := attribute.execute(ctx, meta, func(a Attribute) ([]events.Event, error) { return DecideAttribute(a, c) })
	return attribute.state, err
}
