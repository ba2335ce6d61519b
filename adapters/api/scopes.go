package api

// The scopes that a token can have. None is implied by another.
const (
	ImportsRead   = "imports:read"
	ImportsWrite  = "imports:write"
	ContactsRead  = "contacts:read"
	ContactsWrite = "contacts:write"
	AuditRead     = "audit:read" // histories and source files
	OpsWrite      = "ops:write"  // rebuild, connectors, users, API clients
)

// Scopes lists all of them.
func Scopes() []string {
	return []string{ImportsRead, ImportsWrite, ContactsRead, ContactsWrite, AuditRead, OpsWrite}
}

// Roles is the one table of what users may do: the scopes of each role.
func Roles() map[string][]string {
	return map[string][]string{
		"admin":   Scopes(),
		"editor":  {ImportsRead, ImportsWrite, ContactsRead, ContactsWrite},
		"auditor": {ImportsRead, ContactsRead, AuditRead},
		"viewer":  {ImportsRead, ContactsRead},
	}
}

// public marks a route that needs no token.
const public = "public"

// access says for every route who may call it: whoever has the scope, or all of several.
// With a route that is not listed the server does not start, nor with a line without its
// route.
var access = map[string]string{
	"POST /oauth2/token": public,
	"GET /livez":         public,
	"GET /readyz":        public,
	"GET /openapi.json":  public,
	"GET /docs":          public,
	"GET /docs.css":      public,

	"GET " + AuditKeysPath: public,

	"GET /people/imports":                    ImportsRead,
	"POST /people/imports":                   ImportsWrite,
	"GET /people/imports/{id}":               ImportsRead,
	"GET /people/imports/{id}/preview":       ImportsRead,
	"GET /people/imports/{id}/reading":       ImportsRead,
	"POST /people/imports/{id}/review":       ImportsRead,
	"PUT /people/imports/{id}/mapping":       ImportsWrite,
	"POST /people/imports/{id}/cancel":       ImportsWrite,
	"GET /people/imports/{id}/errors":        ImportsRead,
	"GET /people/imports/{id}/errors.csv":    ImportsRead,
	"GET /people/imports/{id}/progress":      ImportsRead,
	"GET /people/imports/{id}/history":       AuditRead,
	"GET /people/imports/{id}/at/{revision}": AuditRead,
	"GET /people/imports/{id}/source":        AuditRead,
	"GET /people/imports/{id}/audit":         AuditRead,
	"GET /people/imports/{id}/rows/{row}":    AuditRead,

	"POST /people/contacts":                      ContactsRead,
	"GET /people/contacts/count":                 ContactsRead,
	"GET /people/contacts/keyIdentifier":         ContactsRead,
	"PUT /people/contacts/keyIdentifier":         ContactsWrite,
	"GET /people/contacts/{identifier}":          ContactsRead,
	"GET /people/contacts/{identifier}/segments": ContactsRead,
	"GET /people/contacts/{identifier}/events":   ContactsRead,
	"GET /people/contacts/{identifier}/imports":  ContactsRead + " " + ImportsRead,

	"GET /people/contacts/{identifier}/provenance":             ContactsRead + " " + AuditRead,
	"GET /people/contacts/{identifier}/provenance/{attribute}": ContactsRead + " " + AuditRead,

	"GET /people/attributes":        ContactsRead,
	"POST /people/attributes":       ContactsWrite,
	"GET /people/attributes/{name}": ContactsRead,

	"GET /people/segments":                      ContactsRead,
	"POST /people/segments":                     ContactsWrite,
	"GET /people/segments/{id}":                 ContactsRead,
	"PUT /people/segments/{id}":                 ContactsWrite,
	"DELETE /people/segments/{id}":              ContactsWrite,
	"POST /people/segments/{id}/addContacts":    ContactsWrite,
	"POST /people/segments/{id}/deleteContacts": ContactsWrite,
	"GET /people/segments/{id}/history":         ContactsRead,
	"GET /people/segments/{id}/usage":           ContactsRead,
	"GET /people/segments/{id}/countContacts":   ContactsRead,
	"GET /people/segments/{id}/members":         ContactsRead,

	"GET /people/connectors":                OpsWrite,
	"POST /people/connectors":               OpsWrite,
	"POST /people/connectors/sample":        OpsWrite,
	"GET /people/connectors/{id}":           OpsWrite,
	"PUT /people/connectors/{id}":           OpsWrite,
	"DELETE /people/connectors/{id}":        OpsWrite,
	"POST /people/connectors/{id}/password": OpsWrite,
	"GET /people/connectors/{id}/activity":  OpsWrite,

	"GET /ops/projections":                        OpsWrite,
	"GET /ops/projections/{name}/event":           AuditRead,
	"POST /ops/projections/{name}/rebuild":        OpsWrite,
	"POST /ops/projections/{name}/rebuild/pause":  OpsWrite,
	"POST /ops/projections/{name}/rebuild/resume": OpsWrite,
	"POST /ops/projections/{name}/rebuild/cancel": OpsWrite,
	"POST /ops/projections/{name}/rollback":       OpsWrite,
	"POST /ops/projections/{name}/retry":          OpsWrite,
	"POST /ops/projections/verify":                OpsWrite,
	"GET /ops/rebuild-limit":                      OpsWrite,
	"PUT /ops/rebuild-limit":                      OpsWrite,

	"GET /ops/users":                  OpsWrite,
	"POST /ops/users":                 OpsWrite,
	"GET /ops/users/{user}":           OpsWrite,
	"PUT /ops/users/{user}":           OpsWrite,
	"POST /ops/users/{user}/password": OpsWrite,
	"GET /ops/sessions":               OpsWrite,
	"DELETE /ops/sessions/{id}":       OpsWrite,

	"GET /ops/clients":              OpsWrite,
	"POST /ops/clients":             OpsWrite,
	"GET /ops/clients/{id}":         OpsWrite,
	"DELETE /ops/clients/{id}":      OpsWrite,
	"POST /ops/clients/{id}/secret": OpsWrite,

	"GET /ops/webhooks":                                 OpsWrite,
	"POST /ops/webhooks":                                OpsWrite,
	"GET /ops/webhooks/{id}":                            OpsWrite,
	"PUT /ops/webhooks/{id}":                            OpsWrite,
	"DELETE /ops/webhooks/{id}":                         OpsWrite,
	"POST /ops/webhooks/{id}/rotate":                    OpsWrite,
	"GET /ops/webhooks/{id}/attempts":                   OpsWrite,
	"POST /ops/webhooks/{id}/attempts/{attempt}/resend": OpsWrite,

	"GET /ops/audit": OpsWrite,
}
