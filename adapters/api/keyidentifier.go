package api

import (
	"context"
	"net/http"

	"importledger/commands"
	"importledger/projections"
)

// Account is what the ledger's one account has set.
type Account interface {
	// KeyIdentifier is the attribute that tells contacts apart.
	KeyIdentifier(ctx context.Context) (string, error)
	SetKeyIdentifier(ctx context.Context, identifier string) error
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

var errContactsExist = &commands.Refusal{Kind: commands.Conflict, Code: "contacts-exist",
	Message: "The key identifier can be changed only while there are no contacts."}

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

func (a *API) setKeyIdentifier(ctx context.Context, in *keyIdentifierRequest) (*struct{ Body keyIdentifierObject }, error) {
	now, err := a.account.KeyIdentifier(ctx)
	if err != nil {
		return nil, err
	}
	asked := in.Body.Identifier
	if asked != now {
		n, err := projections.CountContacts(ctx, a.db)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			return nil, errContactsExist
		}
		if err := a.account.SetKeyIdentifier(ctx, asked); err != nil {
			return nil, err
		}
	}
	return &struct{ Body keyIdentifierObject }{keyIdentifierObject{asked}}, nil
}
