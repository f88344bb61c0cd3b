package strict

import (
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
)

// A body has one reading, and what is wrong with it is said by name.
func TestDecodeJSON(t *testing.T) {
	type body struct {
		Name  string          `json:"name"`
		Count uint8           `json:"count"`
		At    *time.Time      `json:"at,omitempty"`
		Inner struct{ A int } `json:"inner"`
	}
	for text, want := range map[string]struct{ parameter, says string }{
		`{"name":"x","count":3}`:                {},
		` {"name":"x","inner":{"A":1}} ` + "\n": {},
		`{}`:                                    {},
		``:                                      {"", "not a whole JSON object"},
		`{"name":"x"`:                           {"", "not a whole JSON object"},
		`{"name":"x"}]`:                         {"", "at byte"},
		`{"name":"x"}{}`:                        {"", "at byte"},
		`{"name":"x"} x`:                        {"", "at byte"},
		`[{"name":"x"}]`:                        {"", "not a JSON object"},
		`null`:                                  {"", "not a JSON object"},
		`"x"`:                                   {"", "not a JSON object"},
		`{"name":"x","name":"y"}`:               {"name", "more than once"},
		`{"name":"x","n\u0061me":"y"}`:          {"name", "more than once"},
		`{"inner":{"A":1,"A":2}}`:               {"inner.A", "more than once"},
		`{"Name":"x"}`:                          {"Name", "unknown field"},
		`{"nAme":"x","name":"y"}`:               {"nAme", "unknown field"},
		`{"inner":{"a":1}}`:                     {"inner.a", "unknown field"},
		`{"other":1}`:                           {"other", "unknown field"},
		`{"count":-1}`:                          {"count", "count cannot be number -1, it must be uint8"},
		`{"count":256}`:                         {"count", "count cannot be number 256"},
		`{"count":"3"}`:                         {"count", "count cannot be string"},
		`{"count":1.5}`:                         {"count", "count cannot be number 1.5"},
		`{"at":"tomorrow"}`:                     {"at", "at"},
		"{\"name\":\"\xff\"}":                   {"", "UTF-8"},
		`{"name":"\ud800"}`:                     {"", "surrogate"},
	} {
		var into body
		err := DecodeJSON([]byte(text), &into)
		if want.says == "" {
			if err != nil {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		problem := contract.ProblemOf(err)
		if err == nil || problem.Code != "bad-request" || problem.Parameter != want.parameter || !strings.Contains(problem.Detail, want.says) {
			t.Errorf("%q: %v (parameter %q), want %q about %q", text, err, problem.Parameter, want.says, want.parameter)
		}
	}
}
