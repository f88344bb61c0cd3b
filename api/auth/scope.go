package auth

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"onsale/sequencer"
)

// SalePatternsMax bounds the patterns of a token's sales claim.
const SalePatternsMax = 64

// Scope says which sales a token is for. The zero value is every sale; it never changes.
type Scope struct {
	limited  bool
	patterns []string // as path.Match takes them
}

// Limited reports whether there are sales that the token is not for, or may be.
func (s *Scope) Limited() bool { return s.limited }

// Has reports whether the token is for the sale with an id.
func (s *Scope) Has(sale string) bool {
	return !s.limited || slices.ContainsFunc(s.patterns, func(pattern string) bool {
		match, _ := path.Match(pattern, sale)
		return match
	})
}

// String spells the patterns for a message.
func (s *Scope) String() string {
	if !s.limited {
		return "every sale"
	}
	return strings.Join(s.patterns, ", ")
}

// parseScope reads a sales claim: a list of patterns, an empty one for no sale at all. What is
// anything else is ErrBadToken: a limit that is not understood must not be none.
func parseScope(claim []byte) (Scope, error) {
	var patterns []string
	if err := json.Unmarshal(claim, &patterns); err != nil || patterns == nil {
		return Scope{}, fmt.Errorf("%w: sales must be a list of patterns", ErrBadToken)
	}
	return Scope{limited: true, patterns: patterns}, checkPatterns(patterns)
}

// claimOfSales returns the claim that parseScope reads; nil without patterns, for every sale.
func claimOfSales(patterns []string) (json.RawMessage, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	if err := checkPatterns(patterns); err != nil {
		return nil, err
	}
	return json.Marshal(patterns)
}

func checkPatterns(patterns []string) error {
	if len(patterns) > SalePatternsMax {
		return fmt.Errorf("%w: sales has %d patterns, at most %d are allowed", ErrBadToken, len(patterns), SalePatternsMax)
	}
	for _, pattern := range patterns {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" || len(pattern) > sequencer.SaleIDBytesMax {
			return fmt.Errorf("%w: sales has %q, which is no pattern of 1 to %d bytes such as arena*", ErrBadToken, pattern, sequencer.SaleIDBytesMax)
		}
	}
	return nil
}
