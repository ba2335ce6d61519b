package api

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// sampleKeys are what keys look like in examples, wherever they occur: one import of
// one file, as it would be answered.
var sampleKeys = map[string]any{ //nolint:gosec // G101: none of them opens anything
	"id": "01JD8Z0Q4T9M3W5X7Y9A1B2C3D", "nxId": "08da6d8c-95fd-8b12-a4b0-d9e8e13e6746", "importId": "01JD8Z0Q4T9M3W5X7Y9A1B2C3D",
	"segmentId": "01JD8Z0Q5A7B9C1D3E5F7G9H1J", "userId": "01JD8YZZ3V5W7X9Y1Z3A5B7C9D", "modifiedBy": "01JD8YZZ3V5W7X9Y1Z3A5B7C9D", "actor": "01JD8YZZ3V5W7X9Y1Z3A5B7C9D",
	"name": "contacts.csv", "description": "Customers of the spring fair", "header": "E-mail", "attribute": "email", "field": "mapping[0].attribute",
	"email": "ann@example.org", "phone": "32478112233", "externalId": "C-1042", "language": "fr", "city": "Gent", "smsCapable": true, "unsubscribed": false,
	"createdAt": 1795500000000, "createdAtNaxai": 1795500000000, "modifiedAt": 1795500004000, "at": 1795500000000, "expiresAt": 1795759200000,
	"separator": ";", "encoding": "utf-8", "size": 1234567, "sha256": "09fd87f9188cbe06d43b8283a8ae7158bd49b39e939c4708267b0276a21d976d",
	"columns": 10, "rows": 20000, "rowToImport": 20000, "rowsImported": 12000, "rowsInError": 13, "acceptable": 19987, "inError": 13, "repeated": 4,
	"revision": 12014, "row": 7, "column": "E-mail", "value": "ann at example.org", "samples": []any{"ann@example.org", "bob@example.org"}, "lines": true,
	"state": "importing", "failedReason": nil, "lastError": nil, "rebuild": nil, "eventName": nil, "defaultCountry": "BE", "corrects": nil,
	"totalRecord": 120, "page": 2, "pageSize": 50, "returnedRecord": 50, "remainingRecord": 20, "count": 20000,
	"position": "184467", "head": "184467", "lag": 0, "eventsPerSecond": 41250.5, "percent": 40, "checked": 12, "rowsUnaccounted": 0, "differences": 0,
	"summary": "Row 7 accepted as contact 08da6d8c.", "message": "This is not an e-mail address, such as name@example.com, of at most 254 characters.",
	"Identifier": "email", "identifier": "phone", "keyIdentifier": "email", "condition": nil, "idempotencyKey": "spring-fair-1",
	"access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…", "expires_in": 900, "scope": "imports:read imports:write", "client_id": "shop", "client_secret": "…",
	"error_description": "The client id or secret is wrong, or the client is disabled.", "error": nil,
	"username": "erp", "host": "import.example.org", "port": 2022, "hostKeyFingerprint": "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDfS4LzYq6b1mJ2Zc8", "password": "…",
	"publicKeys": []any{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1x…"}, "files": []any{}, "date": "2026-11-26", "added": 40, "removed": 2, "change": 38, "current": 1238,
	"ids": []any{"08da6d8c-95fd-8b12-a4b0-d9e8e13e6746"}, "segmentIds": []any{}, "campaignIds": []any{}, "broadcastIds": []any{}, "rebuilding": []any{"contact_state"},
	"reason": "wrong file", "ready": true, "draining": false, "live": true, "reachable": true, "enabled": true,
}

// sampleTypes are whole examples of types whose keys do not all go together.
var sampleTypes = map[string]any{
	"SegmentRef":  map[string]any{"segmentId": "01JD8Z0Q5A7B9C1D3E5F7G9H1J"},
	"MappingItem": map[string]any{"header": "E-mail", "attribute": "email"},
	"File": map[string]any{"separator": ";", "name": "contacts.csv", "size": 1234567, "sha256": "09fd87f9188cbe06d43b8283a8ae7158bd49b39e939c4708267b0276a21d976d",
		"encoding": "utf-8", "columns": 10},
	"ContactsSearch": map[string]any{"condition": map[string]any{
		"all": []any{
			map[string]any{"attribute": map[string]any{"field": "city", "operator": "eq", "value": "Gent"}},
			map[string]any{"event": map[string]any{"name": "bought", "count": 2, "countBoundary": "at-least", "timeBoundary": "within-last", "periodBoundary": "month", "intervalBoundary": 6,
				"properties": map[string]any{"all": []any{map[string]any{"name": "price", "operator": "gt", "value": 50}}}}},
		},
		"any": []any{
			map[string]any{"attribute": map[string]any{"field": "unsubscribed", "operator": "is-false"}},
			map[string]any{"attribute": map[string]any{"field": "createdAt", "operator": "is-timestamp-after", "value": "2026-01-31"}},
		},
	}},
	"RecordedEvent": map[string]any{"revision": 8, "type": "RowAccepted", "at": 1795500000000, "actor": "importledger", "summary": "Row 7 accepted as contact 08da6d8c.",
		"data": map[string]any{"row": 7, "line": 8, "contact": map[string]any{"nxId": "08da6d8c-95fd-8b12-a4b0-d9e8e13e6746", "attributes": map[string]any{"email": "ann@example.org"}}}},
	"ErrorAnswer": map[string]any{"error": map[string]any{"code": "mapping-invalid", "message": "This mapping does not fit the file.",
		"details": []any{map[string]any{"field": "mapping[1].attribute", "column": "City", "code": "attribute-unknown", "message": "There is no attribute of this name. Create it, or choose another."}}}},
	"TokenRefusal": map[string]any{"error": "invalid_client", "error_description": "The client id or secret is wrong, or the client is disabled."},
}

// sampleTexts are examples of what is not JSON.
var sampleTexts = map[string]string{
	"text/csv":  "E-mail;City\nann@example.org;Gent\n",
	eventStream: "id: 12014\ndata: {\"id\":\"01JD8Z0Q4T9M3W5X7Y9A1B2C3D\",\"state\":\"importing\",…}\n\n",
	ndjson:      "{\"revision\":0,\"type\":\"ImportStarted\",…}\n{\"revision\":1,\"type\":\"ColumnsMapped\",…}\n",
}

// addExamples gives every request and every answer of the document an example,
// made from its schema.
func addExamples(doc *huma.OpenAPI) {
	for _, item := range doc.Paths {
		for _, op := range operationsOf(item) {
			if op.RequestBody != nil {
				addExample(doc, op.RequestBody.Content)
			}
			for _, response := range op.Responses {
				addExample(doc, response.Content)
			}
		}
	}
}

func operationsOf(item *huma.PathItem) map[string]*huma.Operation {
	all := map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodDelete: item.Delete, http.MethodPatch: item.Patch}
	for method, op := range all {
		if op == nil {
			delete(all, method)
		}
	}
	return all
}

func addExample(doc *huma.OpenAPI, content map[string]*huma.MediaType) {
	for name, media := range content {
		if media.Example != nil {
			continue
		}
		if text, ok := sampleTexts[name]; ok {
			media.Example = text
		} else {
			media.Example = exampleOf(doc.Components.Schemas, media.Schema, "", 8)
		}
	}
}

// exampleOf makes an example of a schema, for a key where it belongs to one.
func exampleOf(known huma.Registry, s *huma.Schema, key string, depth int) any {
	if s.Ref != "" {
		if whole, ok := sampleTypes[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]; ok {
			return whole
		}
		s = known.SchemaFromRef(s.Ref)
	}
	if len(s.Examples) > 0 {
		return s.Examples[0]
	}
	sample, given := sampleKeys[key]
	switch {
	case len(s.Enum) > 0:
		if given && slices.Contains(s.Enum, sample) {
			return sample
		}
		return s.Enum[0]
	case given && suits(s, sample):
		return sample
	case len(s.OneOf) > 0:
		return exampleOf(known, s.OneOf[0], key, depth-1)
	}
	switch s.Type {
	case huma.TypeObject:
		made := map[string]any{}
		for name, property := range s.Properties {
			if depth > 0 || slices.Contains(s.Required, name) {
				made[name] = exampleOf(known, property, name, depth-1)
			}
		}
		return made
	case huma.TypeArray:
		return []any{exampleOf(known, s.Items, key, depth-1)}
	case huma.TypeInteger, huma.TypeNumber:
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 1
	case huma.TypeBoolean:
		return cmp.Or(s.Default, any(true))
	case huma.TypeString:
		return cmp.Or(s.Default, any("…"))
	}
	return map[string]any{}
}

// suits tells whether a sample is of a schema's type.
func suits(s *huma.Schema, sample any) bool {
	switch sample := sample.(type) {
	case nil:
		return s.Nullable
	case string:
		return s.Type == huma.TypeString
	case bool:
		return s.Type == huma.TypeBoolean
	case int:
		return s.Type == huma.TypeInteger || s.Type == huma.TypeNumber
	case float64:
		return s.Type == huma.TypeNumber
	case []any:
		return s.Type == huma.TypeArray && (len(sample) == 0 || suits(s.Items, sample[0]))
	}
	return false
}

// indented writes an example as the page shows it.
func indented(example any) string {
	if text, ok := example.(string); ok {
		return text
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(example); err != nil {
		return ""
	}
	return text.String()
}
