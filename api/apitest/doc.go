// Package apitest holds exchanges and Go types to an OpenAPI 3.1 document, and issues
// the tests' tokens. Tests use it; nothing that runs does.
//
// An exchange conforms when its route is in the document, its status is one that
// the operation has, and headers and body are what that answer says. A request that
// was answered with 2xx must conform too: what the document forbids, the handler
// has to refuse. Requests that no route takes have the answers that every route has,
// and not-found and method-not-allowed.
//
// The trade-off: a document is compiled again for each check, some milliseconds, so
// this is for tests of routes and not for load.
package apitest
