package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

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
// field is known by exactly its name and comes once, in valid UTF-8, and nothing behind it.
func DecodeJSON(body []byte, value any) error {
	if first := bytes.TrimLeft(body, " \t\r\n"); len(first) > 0 && first[0] != '{' {
		return contract.NewProblem(contract.BadRequest, "the body is not a JSON object")
	}
	if err := json.Unmarshal(body, value, json.RejectUnknownMembers(true)); err != nil {
		return badJSON(err)
	}
	return nil
}

// badJSON says what is wrong with a body, in the caller's words.
func badJSON(err error) error {
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return badSyntax(syntax)
	}
	wrong, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return contract.NewProblem(contract.BadRequest, "the body: "+err.Error())
	}
	field := fieldAt(wrong.JSONPointer)
	switch {
	case errors.Is(wrong, json.ErrUnknownName):
		return contract.BadParameter(field, fmt.Sprintf("the body: unknown field %q", field))
	case wrong.Err != nil && !errors.Is(wrong.Err, strconv.ErrRange) && !errors.Is(wrong.Err, strconv.ErrSyntax):
		return contract.BadParameter(field, fmt.Sprintf("%s: %v", field, wrong.Err))
	}
	found := wrong.JSONKind.String()
	if len(wrong.JSONValue) > 0 {
		found += " " + string(wrong.JSONValue)
	}
	return contract.BadParameter(field, fmt.Sprintf("%s cannot be %s, it must be %s", field, found, wrong.GoType))
}

func badSyntax(err *jsontext.SyntacticError) error {
	switch field := fieldAt(err.JSONPointer); {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return contract.BadParameter(field, fmt.Sprintf("the body: the field %q comes more than once", field))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return contract.NewProblem(contract.BadRequest, "the body is not a whole JSON object")
	}
	return contract.NewProblem(contract.BadRequest, fmt.Sprintf("the body: at byte %d: %v", err.ByteOffset, err.Err))
}

// fieldAt returns the fields that lead to a place, with dots between them.
func fieldAt(at jsontext.Pointer) string {
	return strings.Join(slices.Collect(at.Tokens()), ".")
}
