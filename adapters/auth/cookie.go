package auth

import "net/http"

// CookieName is the cookie of a session. Browsers take a __Host- cookie from https
// and from this machine only, for exactly this host, and never from a page of
// another one.
const CookieName = "__Host-importledger"

// Cookie carries a session's token. It ends with the browser: how long a session
// lasts is the server's to say.
func Cookie(token string) *http.Cookie {
	return &http.Cookie{Name: CookieName, Value: token, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// NoCookie takes it away.
func NoCookie() *http.Cookie {
	c := Cookie("") //nolint:gosec // G124: Cookie has set them
	c.MaxAge = -1
	return c
}
