package web

// actionGroup is what the audit log tells about one kind of thing.
type actionGroup struct {
	Name    string
	Actions []action
}

// action is a name that the log uses, and how a person says it.
type action struct{ Name, Words string }

// actionGroups has all that is written down. What another version of the program wrote
// is shown under its own name.
var actionGroups = []actionGroup{
	{"Signing in", []action{
		{"user.signed-in", "Signed in"},
		{"user.sign-in-failed", "Failed to sign in"},
		{"user.sign-in-delayed", "Was slowed down at signing in"},
		{"user.signed-out", "Signed out"},
		{"session.revoked", "Ended a session"},
	}},
	{"Users", []action{
		{"user.invited", "Invited a user"},
		{"user.joined", "Answered an invitation"},
		{"user.role-changed", "Changed a role"},
		{"user.disabled", "Disabled a user"},
		{"user.enabled", "Enabled a user"},
		{"user.password-changed", "Changed a password"},
		{"user.password-reset", "Reset a password"},
	}},
	{"API clients", []action{
		{"client.created", "Created an API client"},
		{"client.secret-rotated", "Gave an API client another secret"},
		{"client.revoked", "Revoked an API client"},
		{"client.token-issued", "Got an access token"},
		{"client.secret-wrong", "Sent a wrong secret"},
		{"client.delayed", "Was slowed down after wrong secrets"},
	}},
	{"Requests", []action{
		{"request.token-refused", "Was refused: token not valid"},
		{"request.forbidden", "Was refused: right missing"},
		{"request.limited", "Was refused: too many requests"},
	}},
	{"Connectors and webhooks", []action{
		{"connector.created", "Created a connector"},
		{"connector.changed", "Changed a connector"},
		{"connector.removed", "Removed a connector"},
		{"connector.password-renewed", "Gave a connector another password"},
		{"webhook.created", "Created a webhook"},
		{"webhook.changed", "Changed a webhook"},
		{"webhook.removed", "Removed a webhook"},
		{"webhook.secret-rotated", "Gave a webhook another secret"},
	}},
	{"Operations", []action{
		{"projection.rebuilt", "Rebuilt a read model"},
		{"projection.rebuild-paused", "Paused a rebuild"},
		{"projection.rebuild-resumed", "Went on with a rebuild"},
		{"projection.rebuild-canceled", "Canceled a rebuild"},
		{"projection.rolled-back", "Rolled a read model back"},
		{"projection.retried", "Tried a stopped read model again"},
		{"rebuilds.limited", "Changed how fast rebuilds may go"},
	}},
}

// actionWords are those of an action, or its own name.
func actionWords(name string) string {
	for _, g := range actionGroups {
		for _, a := range g.Actions {
			if a.Name == name {
				return a.Words
			}
		}
	}
	return name
}

// scopeWords say what a scope lets somebody do.
var scopeWords = map[string]string{
	importsRead:   "see imports and their rows in error",
	importsWrite:  "import files and cancel imports",
	contactsRead:  "see contacts, segments and attributes",
	contactsWrite: "change segments and attributes",
	auditRead:     "see the history of imports, and files as they were uploaded",
	opsWrite:      "run the ledger: users, API clients, connectors, webhooks, read models",
}

// mayDo says a scope in words, or its name where it is another version's.
func mayDo(scope string) string {
	if words, ok := scopeWords[scope]; ok {
		return words
	}
	return scope
}
