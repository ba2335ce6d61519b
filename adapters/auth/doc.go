// Package auth knows who may call: it checks API clients' secrets, and issues and
// verifies access tokens (OAuth 2.0 client credentials, RFC 6749 §4.4).
//
// What lives here is secrets and tokens. How they travel over HTTP does not, nor
// what a scope allows. No secret is kept in clear, cached or logged.
package auth
