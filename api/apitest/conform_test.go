package apitest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"onsale/api/apitest"
)

// small is a description with one route and what every route may answer.
const small = `
openapi: 3.1.0
info: {title: small, version: '1'}
servers: [{url: 'http://a'}]
paths:
  /v1/things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string, pattern: '^[a-z]+$'}, example: cup}]
    get:
      security: [{token: [seller]}, {token: [auditor]}]
      parameters: [{name: n, in: query, schema: {type: integer}}]
      responses:
        '200':
          description: A thing.
          headers: {ETag: {required: true, schema: {type: string}}}
          content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}, examples: {one: {value: {id: cup, size: 1}}}}}
        '304': {description: The same., headers: {ETag: {required: true, schema: {type: string}}}}
        '503': {description: Not now., content: {text/plain: {schema: {type: string}}}}
    put:
      security: []
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}
      responses: {'204': {description: Done.}, '400': {description: Bad.}}
  /v1/api:
    get: {security: [], responses: {'200': {description: This., content: {text/event-stream: {schema: {type: integer}}}}, '414': {description: Long.}}}
components:
  securitySchemes: {token: {type: http, scheme: bearer}}
  responses:
    NotFound: {description: No such route., content: {application/json: {schema: {type: object, required: [code]}}}}
    MethodNotAllowed: {description: No such method., headers: {Allow: {required: true, schema: {type: string}}}}
  schemas:
    Thing:
      type: object
      required: [id]
      properties: {id: {type: string}, size: {type: integer}}
`

func load(t *testing.T, text string) *apitest.Document {
	t.Helper()
	d, err := apitest.Load(text, "/v1/api")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestCheck has exchanges that conform and, for each rule, one that does not.
func TestCheck(t *testing.T) {
	const tag = "ETag: x"
	for _, c := range []struct {
		name, request string
		status        int
		answer        string // header lines, an empty line, the body
		wrong         string // "" when it conforms
	}{
		{"good", "GET /v1/things/cup?n=1", 200, tag + "|Content-Type: application/json; charset=utf-8||" + `{"id":"cup"}`, ""},
		{"HEAD", "HEAD /v1/things/cup", 200, tag, ""},
		{"HEAD without a header", "HEAD /v1/things/cup", 200, "", "ETag"},
		{"no header", "GET /v1/things/cup", 200, "Content-Type: application/json||{}", "ETag"},
		{"no field", "GET /v1/things/cup", 200, tag + "|Content-Type: application/json||{}", "id"},
		{"type", "GET /v1/things/cup", 200, tag + "|Content-Type: application/json||" + `{"id":1}`, "string"},
		{"media type", "GET /v1/things/cup", 200, tag + "|Content-Type: text/html||<p>", "text/html"},
		{"status", "GET /v1/things/cup", 418, "", "status"},
		{"not modified", "GET /v1/things/cup", 304, tag, ""},
		{"not modified without a tag", "GET /v1/things/cup", 304, "", "ETag"},
		{"parameter's type", "GET /v1/things/cup?n=x", 200, tag + "|Content-Type: application/json||" + `{"id":"cup"}`, "n"},
		{"unknown parameter", "GET /v1/things/cup?m=1", 200, tag + "|Content-Type: application/json||" + `{"id":"cup"}`, `"m"`},
		{"unknown parameter refused", "GET /v1/things/cup?m=1", 503, "Content-Type: text/plain||no", ""},
		{"path", "GET /v1/things/CUP", 200, tag + "|Content-Type: application/json||" + `{"id":"cup"}`, "id"},
		{"body", `PUT /v1/things/cup {"id":"cup"}`, 204, "", ""},
		{"bad body taken", `PUT /v1/things/cup {"size":1}`, 204, "", "id"},
		{"bad body refused", `PUT /v1/things/cup {"size":1}`, 400, "", ""},
		{"a body that is not described", `PUT /v1/things/cup {"id":"cup"}`, 204, "Content-Type: text/plain||x", "none is described"},
		{"no route", "GET /v1/other", 404, `Content-Type: application/json||{"code":"not-found"}`, ""},
		{"no route, no code", "GET /v1/other", 404, `Content-Type: application/json||{}`, "code"},
		{"no route taken", "GET /v1/other", 200, "", "status"},
		{"no method", "POST /v1/api", 405, "Allow: GET", ""},
		{"no method, no Allow", "POST /v1/api", 405, "", "Allow"},
		{"any route", "GET /v1/other", 414, "", ""},
		{"a route that is not here", "GET /v1/things/cup", 404, `Content-Type: application/json||{"code":"not-found"}`, ""},
		{"another 404", "GET /v1/things/cup", 404, `Content-Type: application/json||{"code":"unknown-thing"}`, "status"},
	} {
		err := load(t, small).Check(exchange(c.request, c.status, c.answer))
		if (err != nil) != (c.wrong != "") || err != nil && (!errors.Is(err, apitest.ErrExchange) || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.wrong)
		}
	}
	anonymous := exchange("GET /v1/things/cup", 200, tag+`|Content-Type: application/json||{"id":"cup"}`)
	anonymous.Request.Header.Del("Authorization")
	if load(t, small).Check(anonymous) == nil {
		t.Error("a request without a token was taken, and conforms")
	}
}

// Of a route and status CheckFirst looks at the first exchange alone.
func TestCheckFirst(t *testing.T) {
	document, wrong := load(t, small), ""
	for _, asked := range []string{"GET /v1/things/cup", "GET /v1/things/plate", "PATCH /v1/things/cup"} {
		for _, status := range []int{200, 418} {
			if err := document.CheckFirst(exchange(asked, status, "Content-Type: text/plain||no thing")); err != nil {
				wrong += fmt.Sprint(asked, " ", status, ", ")
			}
		}
	}
	if want := "GET /v1/things/cup 200, GET /v1/things/cup 418, PATCH /v1/things/cup 200, PATCH /v1/things/cup 418, "; wrong != want {
		t.Errorf("looked at %s and not %s", wrong, want)
	}
}

// exchange reads "METHOD /target body" and "Name: value|Name: value||body".
func exchange(asked string, status int, answered string) *apitest.Exchange {
	method, rest, _ := strings.Cut(asked, " ")
	target, body, hasBody := strings.Cut(rest, " ")
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer x")
	if hasBody {
		request.Header.Set("Content-Type", "application/json")
	}
	lines, content, _ := strings.Cut(answered, "||")
	x := &apitest.Exchange{Request: request, Status: status, Header: http.Header{}, Body: []byte(content)}
	for line := range strings.SplitSeq(lines, "|") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			x.Header.Set(name, value)
		}
	}
	return x
}

// TestTransport: both bodies arrive as they were sent, what does not conform is
// reported, and a stream is not waited for.
func TestTransport(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/v1/api" {
			w.Header().Set("Content-Type", "text/event-stream")
			w.(http.Flusher).Flush()
			<-req.Context().Done()
			return
		}
		if body, _ := io.ReadAll(req.Body); string(body) != `{"id":"cup"}` {
			t.Errorf("the server read %q", body)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	}))
	defer server.Close()
	var reported []error
	client := &http.Client{Timeout: 5 * time.Second, Transport: &apitest.Transport{
		Check: load(t, small).Check, Base: http.DefaultTransport, Report: func(err error) { reported = append(reported, err) },
	}}
	defer client.CloseIdleConnections()
	response, err := client.Post(server.URL+"/v1/things/cup", "application/json", strings.NewReader(`{"id":"cup"}`))
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(response.Body); string(body) != "{}" || len(reported) != 1 || !errors.Is(reported[0], apitest.ErrExchange) {
		t.Errorf("read %q, reported %v", body, reported)
	}
	stream, err := client.Get(server.URL + "/v1/api")
	if err != nil || len(reported) != 1 {
		t.Fatalf("%v, reported %v", err, reported)
	}
	stream.Body.Close()
}

type thing struct {
	ID      string `json:"id"`
	Size    *int   `json:"size,omitempty"`
	Ignored int    `json:"-"`
}

// TestCompareFields has each difference once.
func TestCompareFields(t *testing.T) {
	d := load(t, small)
	if wrong := d.CompareFields("Thing", reflect.TypeFor[thing](), apitest.Answer); len(wrong) != 0 {
		t.Error(wrong)
	}
	type embedded struct{ thing }
	if wrong := d.CompareFields("Thing", reflect.TypeFor[embedded](), apitest.Answer); len(wrong) != 0 {
		t.Error(wrong)
	}
	for says, kind := range map[string]reflect.Type{
		"size is no field": reflect.TypeFor[struct {
			ID string `json:"id"`
		}](),
		"colour of struct": reflect.TypeFor[struct {
			thing
			Colour string `json:"colour,omitempty"`
		}](),
		`Thing.id is "string"`: reflect.TypeFor[struct {
			ID   bool `json:"id"`
			Size int  `json:"size,omitempty"`
		}](),
		"required is true, optional is true": reflect.TypeFor[struct {
			ID   string `json:"id,omitempty"`
			Size int    `json:"size,omitempty"`
		}](),
		"required is false, optional is false": reflect.TypeFor[struct {
			ID   string `json:"id"`
			Size int    `json:"size"`
		}](),
	} {
		wrong := d.CompareFields("Thing", kind, apitest.Answer)
		if len(wrong) != 1 || !errors.Is(wrong[0], apitest.ErrDocument) || !strings.Contains(wrong[0].Error(), says) {
			t.Errorf("%v, want %q", wrong, says)
		}
	}
	if wrong := d.CompareFields("Nothing", reflect.TypeFor[thing](), apitest.Answer); len(wrong) != 1 {
		t.Error("a schema that is not there is taken")
	}
}

func TestOperations(t *testing.T) {
	operations := load(t, small).Operations()
	if len(operations) != 3 || operations[1].Target() != "/v1/things/cup" || strings.Join(operations[1].Roles(), " ") != "auditor seller" ||
		operations[1].Servers[0].URL != "http://a" || operations[0].Roles() != nil {
		t.Errorf("operations %+v", operations)
	}
}

// TestLoad refuses what is not valid, examples included.
func TestLoad(t *testing.T) {
	for old, broken := range map[string]string{
		"{id: cup, size: 1}": "{id: cup, size: one}", "version: '1'": "versions: '1'", "NotFound:": "Unfound:", "/v1/api:": "/v1/apis:", "openapi: 3.1.0": "}",
	} {
		if _, err := apitest.Load(strings.Replace(small, old, broken, 1), "/v1/api"); !errors.Is(err, apitest.ErrDocument) {
			t.Errorf("with %s: %v", broken, err)
		}
	}
}
