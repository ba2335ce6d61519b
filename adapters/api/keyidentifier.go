package api

import (
	"context"
	"net/http"

	"importledger/aggregate"
	"importledger/events"
	"importledger/projections"
)

// Account is what the ledger's one account has set.
type Account interface {
	// KeyIdentifier is the attribute that tells contacts apart.
	KeyIdentifier(ctx context.Context) (string, error)
	// SetKeyIdentifier changes it while there are no contacts and no import can make
	// any; the answer is where in the log it was set last.
	SetKeyIdentifier(ctx context.Context, meta events.Meta, identifier string) (events.Position, error)
}

type writtenKeyIdentifier struct {
	Position string `header:"X-Ledger-Position"`
	Body     keyIdentifierObject
}

// keyIdentifierObject has a capital letter, as the People API has it.
type keyIdentifierObject struct {
	Identifier string `json:"Identifier" enum:"email,phone,externalId"`
}

type keyIdentifierRequest struct {
	Body struct {
		Identifier string `json:"identifier" enum:"email,phone,externalId"`
	} `nameHint:"KeyIdentifierRequest"`
}

func (a *API) addKeyIdentifier() {
	register(a, operation{route: "GET /people/contacts/keyIdentifier", id: "get-key-identifier", tag: "Contacts",
		summary: "Get the attribute that tells contacts apart", tagged: true}, a.getKeyIdentifier)
	register(a, operation{route: "PUT /people/contacts/keyIdentifier", id: "set-key-identifier", tag: "Contacts",
		summary: "Set the attribute that tells contacts apart, while there are none", errors: []int{http.StatusConflict}}, a.setKeyIdentifier)
}

func (a *API) getKeyIdentifier(ctx context.Context, _ *struct{}) (*struct{ Body keyIdentifierObject }, error) {
	key, err := a.account.KeyIdentifier(ctx)
	return &struct{ Body keyIdentifierObject }{keyIdentifierObject{key}}, err
}

func (a *API) setKeyIdentifier(ctx context.Context, in *keyIdentifierRequest) (*writtenKeyIdentifier, error) {
	asked := in.Body.Identifier
	now, err := a.account.KeyIdentifier(ctx)
	if err != nil {
		return nil, err
	}
	if asked != now {
		if err := a.mayChangeKeyIdentifier(ctx); err != nil {
			return nil, err
		}
	}
	position, err := a.account.SetKeyIdentifier(ctx, a.meta(ctx), asked)
	if err != nil {
		return nil, err
	}
	return &writtenKeyIdentifier{Position: position.String(), Body: keyIdentifierObject{asked}}, nil
}

// mayChangeKeyIdentifier looks at what the read models know. The account decides by
// the log; but an import whose rows have not begun yet would only fail then.
func (a *API) mayChangeKeyIdentifier(ctx context.Context) error {
	contacts, err := projections.CountContacts(ctx, a.db)
	if err != nil {
		return err
	}
	importing, err := projections.ImportingIDs(ctx, a.db)
	switch {
	case err != nil:
		return err
	case contacts > 0:
		return aggregate.ErrContactsExist
	case len(importing) > 0:
		return aggregate.ErrImportRunning
	}
	return nil
}
