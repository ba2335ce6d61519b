// Package commands holds what can be asked of an import: the seven intents, with
// checks of their own shape only, and the one type of refusal. Whether a command
// is allowed in the state an import is in, package aggregate decides.
package commands
