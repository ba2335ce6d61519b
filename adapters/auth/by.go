package auth

import (
	"net/netip"
	"slices"

	"importledger/commands"
)

// By is on whose behalf something is asked for.
type By struct {
	ID      string     // of the user or API client; empty: nobody known yet, or the program itself
	Scopes  []string   // what they may do themselves
	Address netip.Addr // where they are; the zero value: not known
	Request string     // id of the request
}

// ErrBeyondYou is returned to those who would hand out more than they have.
var ErrBeyondYou = &commands.Refusal{Kind: commands.Forbidden, Code: "scope-not-yours",
	Message: "You can give others only what you may do yourself: this needs somebody with all the scopes concerned."}

// hasAll refuses to hand out scopes that the one who asks does not have.
func (b By) hasAll(scopes []string) error {
	for _, s := range scopes {
		if !slices.Contains(b.Scopes, s) {
			return ErrBeyondYou
		}
	}
	return nil
}
