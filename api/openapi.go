package api

import (
	"crypto/sha256"
	_ "embed"
	"fmt"
	"net/http"

	"onsale/api/contract"
	"onsale/api/strict"
)

// openAPI describes every route of both listeners. It is kept by hand; tests hold
// it to the handlers.
//
//go:embed openapi.yaml
var openAPI string

// OpenAPI returns the description of the HTTP API: an OpenAPI 3.1 document in YAML.
func OpenAPI() string { return openAPI }

const (
	// openAPIPath is where both listeners hand the description out, without a token.
	openAPIPath = "/v1/openapi.yaml"
	// openAPIMediaType is RFC 9512's.
	openAPIMediaType = "application/yaml"
	// openAPICacheControl: it changes with the program only.
	openAPICacheControl = "public, max-age=300"
)

// description is the document as a listener sends it.
type description struct {
	body []byte // never changed
	tag  string // ETag, strong: the same for the same bytes on every node
}

func newDescription() description {
	sum := sha256.Sum256([]byte(openAPI))
	return description{body: []byte(openAPI), tag: fmt.Sprintf(`"%x"`, sum[:8])}
}

// openAPI answers GET /v1/openapi.yaml. Who is busy selling refuses it as a view.
func (p *Public) openAPI(r *request) error {
	if problem := r.query.Read(r.raw, 0); problem != nil {
		return problem
	}
	if err := p.shed(r, p.config.ShedViewsLoad, shedView); err != nil {
		return err
	}
	headers := &r.ctx.Response.Header
	headers.Set("Cache-Control", openAPICacheControl)
	headers.Set("ETag", p.description.tag)
	if contract.TagMatches(string(r.header.IfNoneMatch), p.description.tag) {
		r.notModified()
		return nil
	}
	headers.SetContentType(openAPIMediaType)
	r.ctx.Response.SetBodyRaw(p.description.body) // not copied
	return nil
}

// openAPI answers GET /v1/openapi.yaml.
func (p *Private) openAPI(w http.ResponseWriter, req *http.Request) {
	var query strict.Query
	if problem := query.Read([]byte(req.URL.RawQuery), 0); problem != nil {
		req.Context().Value(exchangeKey{}).(*exchange).fail(problem)
		return
	}
	headers := w.Header()
	headers.Set("Cache-Control", openAPICacheControl)
	headers.Set("ETag", p.description.tag)
	headers.Set("X-Content-Type-Options", "nosniff")
	if contract.TagMatches(req.Header.Get("If-None-Match"), p.description.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	headers.Set("Content-Type", openAPIMediaType)
	_, _ = w.Write(p.description.body) // a caller who left cannot be told
}
