package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"

	"onsale/api/contract"
)

// CheckJSON refuses a body whose Content-Type is not JSON's.
func CheckJSON(contentType string) error {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil || mediaType != "application/json" {
		return contract.NewProblem(contract.UnsupportedMediaType, "send Content-Type: application/json")
	}
	return nil
}

// DecodeJSON reads a body into a value of the contract: one JSON object whose every
// field is known.
func DecodeJSON(body []byte, value any) error {
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
