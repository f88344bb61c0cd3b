package peer

import (
	"errors"
	"testing"
)

// Each side hears which keys of pseudonyms the other one has. Where nodes have some, a front-end that
// has none is let in nowhere, as those of before are not; nodes meet whatever they have, because a
// cluster whose file is being changed must go on.
func TestPseudonymKeys(t *testing.T) {
	some, others := PseudonymKeys{7, 9}, PseudonymKeys{8}
	for name, c := range map[string]struct {
		role         Role
		caller, node PseudonymKeys
		err          error
	}{
		"a front-end without":                 {FrontEnd, PseudonymKeys{}, some, ErrPseudonyms},
		"a front-end without, nor has a node": {FrontEnd, PseudonymKeys{}, PseudonymKeys{}, nil},
		"a front-end with others":             {FrontEnd, others, some, nil},
		"a front-end with, and a node not":    {FrontEnd, some, PseudonymKeys{}, nil},
		"a node without":                      {Node, PseudonymKeys{}, some, nil},
		"a node with others":                  {Node, others, some, nil},
	} {
		t.Run(name, func(t *testing.T) {
			listening, calling := configOf("n1", Node, lineage("a")), configOf("x2", c.role, lineage("a"))
			listening.PseudonymKeys, calling.PseudonymKeys = c.node, c.caller
			l, _ := serve(t, listening)
			here, there, err := meet(t, l, &calling, Forward, "n1")
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Fatalf("answered %v, want %v", err, c.err)
			}
			if err == nil && (here.Peer.PseudonymKeys != c.node || there.Peer.PseudonymKeys != c.caller) {
				t.Errorf("heard %v and %v", here.Peer.PseudonymKeys, there.Peer.PseudonymKeys)
			}
		})
	}
}
