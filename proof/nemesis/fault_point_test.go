package main

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// Every place of a kind of process is dealt before any comes again, so that a run of some length
// strikes at all of them.
func TestPlaceDecks(t *testing.T) {
	decks, random := newPlaceDecks(), rand.New(rand.NewPCG(1, 1))
	for _, deck := range []*placeDeck{&decks.node, &decks.frontEnd, &decks.provider} {
		for round := range 3 {
			dealt := map[string]bool{}
			for range deck.all {
				place, _, _ := strings.Cut(deck.crash(random), "=")
				if dealt[place] {
					t.Errorf("round %d: %s is dealt again before all were", round, place)
				}
				dealt[place] = true
			}
		}
	}
}
