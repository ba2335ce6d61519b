package api

import (
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// schemaOf describes a type in the OpenAPI document.
func schemaOf[T any](known huma.Registry) *huma.Schema {
	return known.Schema(reflect.TypeFor[T](), true, "")
}

func jsonOf[T any](known huma.Registry) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{"application/json": {Schema: schemaOf[T](known)}}
}

// schemaName is a type's name in the document: "importObject" is Import there.
func schemaName(t reflect.Type, hint string) string {
	return strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "Object")
}
