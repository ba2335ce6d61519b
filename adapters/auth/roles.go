package auth

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"importledger/commands"
)

// Admin is the role that a ledger always has somebody in.
const Admin = "admin"

// Roles say what each role may do: its scopes.
type Roles map[string][]string

// check makes sure that a role exists.
func (r Roles) check(role string) error {
	if _, ok := r[role]; ok {
		return nil
	}
	return &commands.Refusal{Kind: commands.Unacceptable, Code: "role-unknown",
		Message: fmt.Sprintf("There is no such role. The roles are %s.", strings.Join(slices.Sorted(maps.Keys(r)), ", "))}
}
