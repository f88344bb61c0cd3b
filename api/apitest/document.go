package apitest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// ErrDocument is returned when a document is not valid, or lacks what is looked for.
var ErrDocument = errors.New("bad description")

// Document is a description of an API. It may be used by many at once.
type Document struct {
	doc      *openapi3.T
	router   routers.Router
	unrouted *routers.Route // what requests are answered that no route takes
	servers  openapi3.Servers
	seen     sync.Map // method, path and status of what CheckFirst has looked at
}

// Operation is one route of a document.
type Operation struct {
	Method, Path string
	*openapi3.Operation
	// Servers are its own, else those of the path, else the document's.
	Servers openapi3.Servers
	// Parameters are the path's and the operation's own.
	Parameters openapi3.Parameters
}

// Load reads a document and validates it, its examples too. unrouted is the path of
// a GET whose problems every route may answer with. ErrDocument.
func Load(text, unrouted string) (*Document, error) {
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	d := &Document{doc: doc, servers: doc.Servers}
	if err := d.servers.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	doc.Servers = nil // a test's servers listen elsewhere
	// A router validates what it is made of; once is enough, for it takes a second.
	if d.router, err = legacy.NewRouter(doc, openapi3.EnableMultiError(), openapi3.EnableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if err := validateHeaders(doc); err != nil {
		return nil, err
	}
	return d, d.collectUnrouted(unrouted)
}

// validateHeaders looks at what the library does not: the examples of headers.
func validateHeaders(doc *openapi3.T) error {
	for name, header := range doc.Components.Headers {
		if err := header.Value.Schema.Value.VisitJSON(header.Value.Example, openapi3.EnableJSONSchema2020()); err != nil {
			return fmt.Errorf("%w: the example of header %s: %w", ErrDocument, name, err)
		}
	}
	return nil
}

// collectUnrouted makes a route of the answers that do not depend on one.
func (d *Document) collectUnrouted(path string) error {
	item, notFound, notAllowed := d.doc.Paths.Value(path), d.doc.Components.Responses["NotFound"], d.doc.Components.Responses["MethodNotAllowed"]
	if item == nil || item.Get == nil || notFound == nil || notAllowed == nil {
		return fmt.Errorf("%w: it lacks GET %s, or the responses NotFound and MethodNotAllowed", ErrDocument, path)
	}
	responses := openapi3.NewResponses()
	responses.Delete("default")
	for status, response := range item.Get.Responses.Map() {
		if status >= "400" {
			responses.Set(status, response)
		}
	}
	responses.Set("404", notFound)
	responses.Set("405", notAllowed)
	d.unrouted = &routers.Route{Spec: d.doc, Path: path, PathItem: item, Method: http.MethodGet, Operation: &openapi3.Operation{Responses: responses}}
	return nil
}

// Operations returns every route, by path and method.
func (d *Document) Operations() []Operation {
	var all []Operation
	for path, item := range d.doc.Paths.Map() {
		servers := item.Servers
		if len(servers) == 0 {
			servers = d.servers
		}
		for method, operation := range item.Operations() {
			own := servers
			if operation.Servers != nil {
				own = *operation.Servers
			}
			parameters := slices.Concat(item.Parameters, operation.Parameters)
			all = append(all, Operation{Method: method, Path: path, Operation: operation, Servers: own, Parameters: parameters})
		}
	}
	slices.SortFunc(all, func(a, b Operation) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	return all
}

// Target returns a path of the operation, made of its parameters' examples.
func (o *Operation) Target() string {
	target := o.Path
	for _, p := range o.Parameters {
		if p.Value.In == openapi3.ParameterInPath {
			target = strings.ReplaceAll(target, "{"+p.Value.Name+"}", fmt.Sprint(p.Value.Example))
		}
	}
	return target
}

// Roles returns the roles one of which a caller needs; none when everybody may call.
func (o *Operation) Roles() []string {
	var roles []string
	if o.Security == nil {
		return nil
	}
	for _, alternative := range *o.Security {
		for _, names := range alternative {
			roles = append(roles, names...)
		}
	}
	slices.Sort(roles)
	return roles
}

// Schema returns a schema by name. ErrDocument.
func (d *Document) Schema(name string) (*openapi3.Schema, error) {
	if ref := d.doc.Components.Schemas[name]; ref != nil {
		return ref.Value, nil
	}
	return nil, fmt.Errorf("%w: there is no schema %s", ErrDocument, name)
}

// Enum returns the values of a schema of strings. ErrDocument.
func (d *Document) Enum(name string) ([]string, error) {
	schema, err := d.Schema(name)
	if err != nil {
		return nil, err
	}
	var values []string
	for _, value := range schema.Enum {
		values = append(values, fmt.Sprint(value))
	}
	return values, nil
}
