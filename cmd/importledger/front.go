package main

import (
	"net/http"
	"strings"

	"importledger/adapters/api"
)

// front serves the API and the pages from one address: what api.md names is the
// API's, all else is for people.
type front struct {
	api http.Handler
	web http.Handler
}

// apiPaths begin the API's addresses; those that end with a slash, all below them.
var apiPaths = []string{"/people/", "/ops/", "/oauth2/", "/livez", "/readyz", "/openapi.json", "/docs", "/docs.css", api.AuditKeysPath}

func (f front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isAPI(r.URL.Path) {
		f.api.ServeHTTP(w, r)
		return
	}
	f.web.ServeHTTP(w, r)
}

func isAPI(path string) bool {
	for _, p := range apiPaths {
		if path == p || strings.HasSuffix(p, "/") && strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}
