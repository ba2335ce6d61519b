// Package auth knows who may come in: people by name and password, who are then
// known by their session; programs by client id and secret, who get access tokens
// (OAuth 2.0 client credentials, RFC 6749 §4.4). It keeps wrong secrets slow, and
// writes down who came, who was turned away and what was changed.
//
// What lives here is users, sessions, clients, secrets, tokens, limits and the audit
// log, each with its own tables of schema ledger: a change and its audit entry are
// one transaction. How requests are served does not live here, nor what a scope
// allows. No secret is kept in clear, cached or logged.
package auth
