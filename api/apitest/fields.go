package apitest

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Direction is who writes a JSON object.
type Direction bool

// The directions. What a server may leave out the description must call optional,
// and what it always writes required; of a request the handler decides.
const (
	Answer  Direction = false
	Request Direction = true
)

// field is a field of a struct as JSON knows it.
type field struct {
	name     string
	kind     reflect.Type // without pointers
	optional bool
}

// CompareFields returns an ErrDocument for every difference between the schema with a
// name and a Go type: fields that one of them lacks, other types, and fields that
// are required here and optional there. It follows the types of fields.
func (d *Document) CompareFields(name string, kind reflect.Type, direction Direction) []error {
	schema, err := d.Schema(name)
	if err != nil {
		return []error{err}
	}
	return compareStruct(name, schema, kind, direction)
}

func compareStruct(at string, schema *openapi3.Schema, kind reflect.Type, direction Direction) []error {
	var wrong []error
	properties, required := flatten(schema)
	known := map[string]bool{}
	for _, f := range fieldsOf(kind) {
		known[f.name] = true
		property := properties[f.name]
		switch {
		case property == nil:
			wrong = append(wrong, fmt.Errorf("%w: %s.%s of %v is not in the schema", ErrDocument, at, f.name, kind))
			continue
		case direction == Answer && required[f.name] == f.optional, direction == Request && required[f.name] && f.optional:
			wrong = append(wrong, fmt.Errorf("%w: %s.%s of %v: required is %v, optional is %v", ErrDocument, at, f.name, kind, required[f.name], f.optional))
		}
		wrong = append(wrong, compareType(at+"."+f.name, property, f.kind, direction)...)
	}
	for property := range properties {
		if !known[property] {
			wrong = append(wrong, fmt.Errorf("%w: %s.%s is no field of %v", ErrDocument, at, property, kind))
		}
	}
	return wrong
}

// flatten returns the properties of a schema and of all that it includes.
func flatten(schema *openapi3.Schema) (properties map[string]*openapi3.Schema, required map[string]bool) {
	properties, required = map[string]*openapi3.Schema{}, map[string]bool{}
	for _, part := range schema.AllOf {
		inherited, needed := flatten(part.Value)
		for name, property := range inherited {
			properties[name] = property
		}
		for name := range needed {
			required[name] = true
		}
	}
	for name, property := range schema.Properties {
		if properties[name] == nil || typeOf(property.Value) != "" {
			properties[name] = property.Value
		}
	}
	for _, name := range schema.Required {
		required[name] = true
	}
	return properties, required
}

// fieldsOf returns the fields that encoding/json writes, embedded structs' too.
func fieldsOf(kind reflect.Type) []field {
	var fields []field
	for f := range kind.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			fields = append(fields, fieldsOf(f.Type)...)
		case name != "-" && name != "" && f.IsExported():
			fields = append(fields, fieldOf(name, strings.Split(options, ","), f.Type))
		}
	}
	return fields
}

func fieldOf(name string, options []string, kind reflect.Type) field {
	if slices.Contains(options, "string") {
		kind = reflect.TypeFor[string]()
	}
	return field{name, plain(kind), slices.Contains(options, "omitempty")}
}

func plain(kind reflect.Type) reflect.Type {
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	return kind
}

// compareType compares one value's type, and what it consists of.
func compareType(at string, schema *openapi3.Schema, kind reflect.Type, direction Direction) []error {
	want := jsonType(kind)
	if got := typeOf(schema); got != want {
		return []error{fmt.Errorf("%w: %s is %q, %v is written as %q", ErrDocument, at, got, kind, want)}
	}
	switch {
	case want == openapi3.TypeArray:
		return compareType(at+"[]", schema.Items.Value, plain(kind.Elem()), direction)
	case want == openapi3.TypeObject && kind.Kind() == reflect.Struct:
		return compareStruct(at, schema, kind, direction)
	case want == openapi3.TypeObject && schema.AdditionalProperties.Schema != nil:
		return compareType(at+"{}", schema.AdditionalProperties.Schema.Value, plain(kind.Elem()), direction)
	}
	return nil
}

// typeOf returns a schema's type, but for null; that of what it includes when it has
// none of its own.
func typeOf(schema *openapi3.Schema) string {
	for _, name := range schema.Type.Slice() {
		if name != openapi3.TypeNull {
			return name
		}
	}
	for _, part := range schema.AllOf {
		if name := typeOf(part.Value); name != "" {
			return name
		}
	}
	return ""
}

func jsonType(kind reflect.Type) string {
	own := reflect.PointerTo(kind)
	switch {
	case own.Implements(reflect.TypeFor[encoding.TextMarshaler]()), own.Implements(reflect.TypeFor[json.Marshaler]()):
		return openapi3.TypeString // times and durations
	case kind.Kind() == reflect.Bool:
		return openapi3.TypeBoolean
	case kind.Kind() == reflect.String:
		return openapi3.TypeString
	case kind.Kind() == reflect.Float32, kind.Kind() == reflect.Float64:
		return openapi3.TypeNumber
	case kind.Kind() == reflect.Slice, kind.Kind() == reflect.Array:
		return openapi3.TypeArray
	case kind.Kind() == reflect.Struct, kind.Kind() == reflect.Map:
		return openapi3.TypeObject
	}
	return openapi3.TypeInteger
}
