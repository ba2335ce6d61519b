// Package commands holds what can be asked of the ledger: the seven intents of an
// import, those of segments, attributes and the account, with checks of their own
// shape only, and the one type of refusal. Whether a command is allowed in the
// state things are in, package aggregate decides.
package commands
