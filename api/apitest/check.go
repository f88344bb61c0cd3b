package apitest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"onsale/internal/ticket"
)

// ErrExchange is returned when an exchange is not what the document says.
var ErrExchange = errors.New("not as described")

// Exchange is one request and its answer.
type Exchange struct {
	Request *http.Request // with its body, when it had one
	Status  int
	Header  http.Header
	Body    []byte // of the answer
	// Streamed says that the answer's body goes on and is not in Body.
	Streamed bool
}

// options are the library's: every status must be in the document, and a request
// that needs a token must bring one.
func options() *openapi3filter.Options {
	return &openapi3filter.Options{
		IncludeResponseStatus: true, RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true,
		AuthenticationFunc: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
			if in.RequestValidationInput.Request.Header.Get("Authorization") == "" {
				return in.NewError(nil)
			}
			return nil
		},
	}
}

// Check holds an exchange to the document: its answer always, its request when that
// was taken (2xx). ErrExchange.
func (d *Document) Check(x *Exchange) error {
	request, route, parameters := d.find(x)
	in := &openapi3filter.RequestValidationInput{Request: request, PathParams: parameters, Route: route, Options: options()}
	err := d.checkAnswer(in, x)
	if err == nil && x.Status < 300 {
		err = checkRequest(in)
	}
	if err != nil {
		return fmt.Errorf("%w: %s %s, answered %d: %w", ErrExchange, x.Request.Method, x.Request.URL.RequestURI(), x.Status, err)
	}
	return nil
}

// CheckFirst holds the first exchange of each route and status to the document, and takes
// the others unseen: the library compiles every schema again each time, which is most of
// what a check costs. It is for short runs. ErrExchange.
func (d *Document) CheckFirst(x *Exchange) error {
	_, route, _ := d.find(x)
	if _, seen := d.seen.LoadOrStore(fmt.Sprint(x.Request.Method, " ", route.Path, " ", x.Status), true); seen {
		return nil
	}
	return d.Check(x)
}

// find returns the request as the document has it, its route and that one's parameters.
func (d *Document) find(x *Exchange) (request *http.Request, route *routers.Route, parameters map[string]string) {
	request = x.Request
	if request.Method == http.MethodHead { // answered as GET is, without the body
		request = request.Clone(request.Context())
		request.Method = http.MethodGet
	}
	route, parameters, err := d.router.FindRoute(request)
	if err != nil || x.unrouted() {
		return request, d.unrouted, nil
	}
	return request, route, parameters
}

// unrouted reports whether the answer says that no route took the request.
func (x *Exchange) unrouted() bool {
	var problem struct {
		Code string `json:"code"`
	}
	if x.Status != http.StatusNotFound && x.Status != http.StatusMethodNotAllowed || json.Unmarshal(x.Body, &problem) != nil {
		return false
	}
	return problem.Code == "not-found" || problem.Code == "method-not-allowed"
}

// checkAnswer looks at status, headers and body. The library takes every 304 unseen,
// so that the answer is shown to it as another's.
func (d *Document) checkAnswer(in *openapi3filter.RequestValidationInput, x *Exchange) error {
	response := in.Route.Operation.Responses.Status(x.Status)
	if response == nil {
		return fmt.Errorf("the status is not in the description; body %s", x.Body)
	}
	alone := openapi3.NewResponses()
	alone.Set(strconv.Itoa(http.StatusOK), response)
	own := *in
	own.Route = &routers.Route{Spec: d.doc, Operation: &openapi3.Operation{Responses: alone}}
	answer := &openapi3filter.ResponseValidationInput{RequestValidationInput: &own, Status: http.StatusOK, Header: x.Header, Options: options()}
	picture := mediaType(x.Header) == ticket.PictureType // the library knows no such bodies
	answer.Options.ExcludeResponseBody = x.Streamed || x.Request.Method == http.MethodHead || picture
	if err := openapi3filter.ValidateResponse(context.Background(), answer.SetBodyBytes(x.Body)); err != nil {
		return err
	}
	if len(response.Value.Content) == 0 && len(x.Body) > 0 {
		return fmt.Errorf("a body where none is described: %s", x.Body)
	}
	if _, described := response.Value.Content[mediaType(x.Header)]; !described && len(x.Body) > 0 {
		return fmt.Errorf("the media type %q is not described", x.Header.Get("Content-Type"))
	}
	return nil
}

func mediaType(header http.Header) string {
	name, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return name
}

// checkRequest looks at a request that was taken. The library does not mind query
// parameters that it does not know.
func checkRequest(in *openapi3filter.RequestValidationInput) error {
	for name := range in.Request.URL.Query() {
		named := func(p *openapi3.ParameterRef) bool {
			return p.Value.In == openapi3.ParameterInQuery && p.Value.Name == name
		}
		if !slices.ContainsFunc(in.Route.Operation.Parameters, named) && !slices.ContainsFunc(in.Route.PathItem.Parameters, named) {
			return fmt.Errorf("the parameter %q is not in the description, and was taken", name)
		}
	}
	if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
		return fmt.Errorf("taken, although the description forbids it: %w", err)
	}
	return nil
}
