package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"onsale/api/contract"
)

// decode reads the request's body into a value of the contract: one JSON object
// whose every field is known.
func (x *exchange) decode(value any) error {
	mediaType, _, err := mime.ParseMediaType(x.request.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return contract.NewProblem(contract.UnsupportedMediaType, "send Content-Type: application/json")
	}
	body, err := io.ReadAll(x.request.Body)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return contract.NewProblem(contract.BodyTooLarge, fmt.Sprintf("the body has more than %d bytes", tooLarge.Limit))
	}
	if err != nil {
		return contract.NewProblem(contract.BadRequest, "the body could not be read")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		return badJSON(err)
	}
	if decoder.More() {
		return contract.NewProblem(contract.BadRequest, "the body has more than one JSON value")
	}
	return nil
}

// noBody refuses a body where none belongs: who sends one expects it to matter.
func (x *exchange) noBody() error {
	if n, _ := io.ReadFull(x.request.Body, make([]byte, 1)); n > 0 {
		return contract.NewProblem(contract.BadRequest, "this route takes no body")
	}
	return nil
}

// badJSON says what is wrong with a body, in the caller's words.
func badJSON(err error) error {
	if wrongType, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return contract.BadParameter(wrongType.Field, fmt.Sprintf("%s cannot be %s, it must be %s", wrongType.Field, wrongType.Value, wrongType.Type))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return contract.NewProblem(contract.BadRequest, "the body is not a whole JSON object")
	}
	return contract.NewProblem(contract.BadRequest, "the body: "+strings.TrimPrefix(err.Error(), "json: "))
}
