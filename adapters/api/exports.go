package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Exports prove imports to whoever has nothing but a file.
type Exports interface {
	// Export writes all events of an import and signs them. It writes nothing before it
	// knows that there is one.
	Export(ctx context.Context, importID string, w io.Writer) error
	// Keys are those that exports were ever signed with, the newest first, and the id of
	// the ledger that they belong to.
	Keys(ctx context.Context) (instance string, keys []ExportKey, err error)
}

// ExportKey is a public key of Ed25519.
type ExportKey struct {
	ID      string // RFC 7638
	X       string // base64url
	Since   time.Time
	Current bool // signs exports now, of this process
}

// exportKeySet is a JSON Web Key Set (RFC 7517), of keys as RFC 8037 has them.
type exportKeySet struct {
	Instance string          `json:"instance" doc:"Of the ledger, as exports name it."`
	Keys     []exportKeyJSON `json:"keys" doc:"The newest first. Keys stay here for ever, so that exports signed by an older one still verify."`
}

type exportKeyJSON struct {
	Kty     string `json:"kty" enum:"OKP"`
	Crv     string `json:"crv" enum:"Ed25519"`
	X       string `json:"x" doc:"The key, base64url." example:"lJZrfAjkBXdfjrqUbL-u1oAz0tt2QxSBpFWRpVHIpxY"`
	Kid     string `json:"kid" doc:"Thumbprint of the key (RFC 7638)." example:"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"`
	Use     string `json:"use" enum:"sig"`
	Alg     string `json:"alg" enum:"EdDSA"`
	Since   int64  `json:"since" doc:"When it came to be used, Unix epoch, milliseconds." example:"1795500000000"`
	Current bool   `json:"current" doc:"Exports are signed with it now."`
}

// AuditKeysPath is where keys are published to people who have no token.
const AuditKeysPath = "/.well-known/importledger-audit-keys"

// exportSample is an export in the document.
const exportSample = `{"format":"importledger audit export","version":1,"instance":"9b2c…","import":"01JD8Z0Q4T9M3W5X7Y9A1B2C3D","file":{…},"exportedAt":1795500009000,"program":"1.4.0"}` + "\n" +
	`{"revision":0,"type":"ImportStarted","id":"0f0e…","data":"eyJuYW1l…","metadata":"eyJjaGFp…"}` + "\n…\n" +
	`{"events":20003,"state":"imported","rows":20000,"accepted":19800,"rejected":200,"chain":"q1X…"}` + "\n" +
	`{"sha256":"4be1…","key":"lJZr…","signature":"b0Fz…"}` + "\n"

func (a *API) addExports() {
	const route = "GET /people/imports/{id}/audit"
	register(a, operation{route: route, id: "export-import-audit", tag: "Imports",
		summary: "Export an import as one file that proves itself",
		about: "All events exactly as they were recorded, chained to each other, and signed by the ledger's key: `importledger audit verify` checks the file with nothing else at hand. " +
			"One JSON object a line: what it is about, each event, what they count, the signature. An answer that breaks off is not whole.",
		errors: []int{http.StatusNotFound}, stream: []string{ndjson}}, a.exportImport)
	if path := a.huma.OpenAPI().Paths["/people/imports/{id}/audit"]; path != nil && path.Get != nil {
		path.Get.Responses["200"].Content[ndjson].Example = exportSample
	}
	register(a, operation{route: "GET " + AuditKeysPath, id: "list-audit-keys", tag: "Audit", summary: "Get the public keys that exports are signed with",
		about: "A JSON Web Key Set: save it, and give it to `importledger audit verify --key`."}, a.exportKeys)
}

func (a *API) exportImport(_ context.Context, in *ImportPath) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		out := &attachment{w: w, mediaType: ndjson, name: in.ID + "-audit.jsonl"}
		err := a.exports.Export(r.Context(), in.ID, out)
		switch {
		case err != nil && !out.begun:
			a.fail(w, r, a.explain(r.Context(), err))
		case err != nil:
			a.cut(r, err)
		}
	}}, nil
}

func (a *API) exportKeys(ctx context.Context, _ *struct{}) (*struct{ Body exportKeySet }, error) {
	instance, keys, err := a.exports.Keys(ctx)
	set := exportKeySet{Instance: instance, Keys: []exportKeyJSON{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, exportKeyJSON{Kty: "OKP", Crv: "Ed25519", X: k.X, Kid: k.ID, Use: "sig", Alg: "EdDSA", Since: k.Since.UnixMilli(), Current: k.Current})
	}
	return &struct{ Body exportKeySet }{set}, err
}
