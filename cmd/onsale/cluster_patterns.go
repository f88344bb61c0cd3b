package main

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// checkRouting refuses a table in which the sale with some id would be two clusters': which of
// them sells it would depend on which one was reached first. A cluster without patterns serves
// what no other one's patterns match, so there can be one such cluster.
func checkRouting(wanted map[string]clusterEntry) error {
	names := slices.Sorted(maps.Keys(wanted))
	for i, name := range names {
		for _, other := range names[:i] {
			own, others := wanted[name].Sales, wanted[other].Sales
			if len(own) == 0 && len(others) == 0 {
				return fmt.Errorf("the clusters %s and %s both serve every sale; one of them needs the patterns of its own: "+
					"sales = [\"tour-*\"]", other, name)
			}
			if err := checkOverlap(other, others, name, own); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkOverlap(name string, patterns []string, other string, others []string) error {
	for _, a := range patterns {
		for _, b := range others {
			if overlap(a, b) {
				return fmt.Errorf("the sale patterns %q of cluster %s and %q of cluster %s overlap; "+
					"each sale must be one cluster's", a, name, b, other)
			}
		}
	}
	return nil
}

// serving returns which sales a cluster of the table serves; nil for all.
func serving(wanted map[string]clusterEntry, name string) func(sale string) bool {
	if own := wanted[name].Sales; len(own) > 0 {
		return func(sale string) bool { return matchesAny(own, sale) }
	}
	var others []string
	for other, entry := range wanted {
		if other != name {
			others = append(others, entry.Sales...)
		}
	}
	if len(others) == 0 {
		return nil
	}
	return func(sale string) bool { return !matchesAny(others, sale) }
}

func matchesAny(patterns []string, sale string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		match, _ := path.Match(pattern, sale)
		return match
	})
}

// saleIDBytes are those that a sale's id can have.
const saleIDBytes = "abcdefghijklmnopqrstuvwxyz0123456789-_."

// patternPart is * of a pattern, or the bytes that one place of an id may have.
type patternPart struct {
	star  bool
	bytes string // of saleIDBytes
}

// matches says whether some id can have the part: none has an A.
func (p patternPart) matches() bool { return p.star || p.bytes != "" }

// patternParts splits a pattern that path.Match takes. What one place means, path.Match says
// itself.
func patternParts(pattern string) (parts []patternPart) {
	for pattern != "" {
		end := placeEnd(pattern)
		place := pattern[:end]
		pattern = pattern[end:]
		if place == "*" {
			parts = append(parts, patternPart{star: true})
			continue
		}
		part := patternPart{}
		for _, b := range saleIDBytes {
			if match, _ := path.Match(place, string(b)); match {
				part.bytes += string(b)
			}
		}
		parts = append(parts, part)
	}
	return parts
}

// placeEnd returns the length of a pattern's first place: [a-z], \a, or a character.
func placeEnd(pattern string) int {
	switch pattern[0] {
	case '\\':
		return min(2, len(pattern))
	case '[':
		for i := 1; i < len(pattern); i++ {
			switch pattern[i] {
			case '\\':
				i++
			case ']':
				return i + 1
			}
		}
		return len(pattern)
	}
	return 1
}

// overlap says whether some id matches both patterns. Ids that are longer than any sale's
// count too: such patterns are refused although no sale could show it.
func overlap(a, b string) bool {
	first, second := patternParts(a), patternParts(b)
	// both[j] says, for the parts of a from i on and those of b from j on, whether some text
	// matches both; it is made from the ends of the patterns to their beginnings.
	both := make([]bool, len(second)+1)
	for i := len(first); i >= 0; i-- {
		behind := slices.Clone(both) // the same for i+1
		for j := len(second); j >= 0; j-- {
			both[j] = overlapAt(first[i:], second[j:], behind, both, j)
		}
	}
	return both[0]
}

// overlapAt is one step: behind[j] and behind[j+1] leave a's first part out, both[j+1] leaves
// b's first part out.
func overlapAt(a, b []patternPart, behind, both []bool, j int) bool {
	switch {
	case len(a) == 0 && len(b) == 0:
		return true
	case len(a) > 0 && a[0].star && (behind[j] || len(b) > 0 && b[0].matches() && both[j+1]):
		return true // a's star matches nothing, or b's first part too
	case len(b) > 0 && b[0].star && (both[j+1] || len(a) > 0 && a[0].matches() && behind[j]):
		return true
	case len(a) == 0 || len(b) == 0 || a[0].star || b[0].star:
		return false
	}
	return strings.ContainsAny(a[0].bytes, b[0].bytes) && behind[j+1]
}
