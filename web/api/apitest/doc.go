// Package apitest is a client that a public generator, oapi-codegen, made from the OpenAPI document, so that the tests
// of the API use it as other people's programs do. Nothing of it is part of Labhook.
//
// The generator stands in no go.mod: it would bring a dozen modules for a run now and then. Its version is in the line
// below. The tests compare the document with the sum of the one that the client was made from, and .ci/run makes the
// client anew and compares that.
//
// Place in the flow: only the tests of web/api know it.
package apitest

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config oapi-codegen.yaml ../testdata/openapi-3.0.json
//go:generate sh -c "sha256sum <../testdata/openapi-3.0.json >document.sum"
