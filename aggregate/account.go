package aggregate

import (
	"context"
	"fmt"
	"slices"

	"importledger/commands"
	"importledger/events"
)

// Refusals of what is asked of the account.
var (
	ErrContactsExist = &commands.Refusal{Kind: commands.Conflict, Code: "contacts-exist",
		Message: "The key identifier can be changed only while there are no contacts."}
	ErrImportRunning = &commands.Refusal{Kind: commands.Conflict, Code: "import-running",
		Message: "An import is running that may make contacts. Wait for its end, or cancel it first."}
	ErrKeyIdentifierChanged = &commands.Refusal{Kind: commands.Conflict, Code: "key-identifier-changed",
		Message: "This import was started when the account had another key identifier. Start it anew with the same file."}
)

// Account is what the ledger's one account has set. The zero value is an account
// that nobody has set up.
type Account struct {
	KeyIdentifier string   // says which contact a row is about
	UsedBy        []string // imports that make contacts by it: the first ones, until one has made some
	Position      events.Position
}

// EvolveAccount gives the state after a recorded fact. It cannot fail.
func EvolveAccount(a Account, e events.Envelope) Account {
	switch fact := e.Event.(type) {
	case events.KeyIdentifierSet:
		a.KeyIdentifier, a.UsedBy = fact.Identifier, nil
	case events.KeyIdentifierUsed:
		a.UsedBy = append(slices.Clip(a.UsedBy), fact.ImportID)
	}
	a.Position = e.Position
	return a
}

// DecideAccount answers a command with the facts it causes: none when the command
// asks for what is so already. Whoever comes first to an account that nobody has
// set up decides its key identifier.
func DecideAccount(a Account, c commands.Command) ([]events.Event, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	switch c := c.(type) {
	case commands.SetKeyIdentifier:
		switch {
		case a.KeyIdentifier == c.Identifier:
			return nil, nil
		case c.Contacts:
			return nil, ErrContactsExist
		case c.Running != "":
			return nil, importRunning(c.Running)
		}
		return []events.Event{events.KeyIdentifierSet{Identifier: c.Identifier}}, nil
	case commands.UseKeyIdentifier:
		used := events.KeyIdentifierUsed{ImportID: c.ImportID}
		switch {
		case a.KeyIdentifier == "":
			return []events.Event{events.KeyIdentifierSet{Identifier: c.Identifier}, used}, nil
		case a.KeyIdentifier != c.Identifier:
			return nil, ErrKeyIdentifierChanged
		case slices.Contains(a.UsedBy, c.ImportID):
			return nil, nil
		}
		return []events.Event{used}, nil
	}
	return nil, fmt.Errorf("command %T is not one for the account", c)
}

func importRunning(id string) error {
	refusal := *ErrImportRunning
	refusal.Message = fmt.Sprintf("Import %s is running and may make contacts. Wait for its end, or cancel it first.", id)
	return &refusal
}

func openAccount(log Streams) *journal[Account] {
	return &journal[Account]{log: log, stream: events.AccountStream, evolve: EvolveAccount}
}

// LoadAccount folds the account's stream.
func LoadAccount(ctx context.Context, log Streams) (Account, error) {
	account := openAccount(log)
	err := account.catchUp(ctx)
	return account.state, err
}

// SetUpAccount gives an account that nobody has set up its key identifier, and
// returns the account as it is then.
func SetUpAccount(ctx context.Context, log Streams, meta events.Meta, keyIdentifier string) (Account, error) {
	account := openAccount(log)
	err := account.execute(ctx, meta, func(a Account) ([]events.Event, error) {
		if a.KeyIdentifier != "" {
			return nil, nil
		}
		return DecideAccount(a, commands.SetKeyIdentifier{Identifier: keyIdentifier})
	})
	return account.state, err
}

// SetKeyIdentifier changes the key identifier while no contact was made by the one
// so far and none can be. An import announces itself in the account's stream before
// its first row (UseKeyIdentifier), and the change is appended there behind what was
// looked at: so either it sees the import, or the import sees the change.
func SetKeyIdentifier(ctx context.Context, log Streams, meta events.Meta, identifier string) (Account, error) {
	account := openAccount(log)
	err := account.execute(ctx, meta, func(a Account) ([]events.Event, error) {
		c := commands.SetKeyIdentifier{Identifier: identifier}
		if a.KeyIdentifier != identifier {
			var err error
			if c.Contacts, c.Running, err = a.use(ctx, log); err != nil {
				return nil, err
			}
		}
		return DecideAccount(a, c)
	})
	return account.state, err
}

// UseKeyIdentifier announces an import that is about to decide its rows. It fails
// with ErrKeyIdentifierChanged where the import's key identifier is not the
// account's any more. Once contacts exist nothing can change, and nothing is
// appended.
func UseKeyIdentifier(ctx context.Context, log Streams, meta events.Meta, imp Import) error {
	return openAccount(log).execute(ctx, meta, func(a Account) ([]events.Event, error) {
		facts, err := DecideAccount(a, commands.UseKeyIdentifier{Identifier: imp.Started.KeyIdentifier, ImportID: imp.ID})
		if err != nil || len(facts) == 0 {
			return nil, err
		}
		if contacts, _, err := a.use(ctx, log); err != nil || contacts {
			return nil, err
		}
		return facts, nil
	})
}

// use tells what came of the imports that use the key identifier: whether there are
// contacts, and else an import that may yet make some. The latest is looked at
// first: it is there only because none before it had made any.
func (a Account) use(ctx context.Context, log Streams) (contacts bool, running string, err error) {
	for _, id := range slices.Backward(a.UsedBy) {
		accepted, ended, err := outcome(ctx, log, id)
		switch {
		case err != nil:
			return false, "", err
		case accepted:
			return true, "", nil
		case !ended:
			running = id
		}
	}
	return false, running, nil
}

// outcome reads an import up to its first accepted row, or to its end.
func outcome(ctx context.Context, log Streams, importID string) (accepted, ended bool, err error) {
	var decoder events.Decoder
	for recorded, err := range log.Read(ctx, events.ImportStream(importID), 0) {
		if err != nil {
			return false, false, fmt.Errorf("read import %s: %w", importID, err)
		}
		e, err := decoder.Decode(recorded)
		if err != nil {
			return false, false, err
		}
		switch e.Event.(type) {
		case events.RowAccepted:
			return true, false, nil
		case events.ImportCompleted, events.ImportCanceled, events.ImportFailed:
			return false, true, nil
		}
	}
	return false, false, nil
}
