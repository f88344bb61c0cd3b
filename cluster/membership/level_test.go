package membership

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"onsale/cluster/codes"
)

// The level is raised when all who are there speak it, and only then; who does not is named.
func TestFinalize(t *testing.T) {
	all := map[string]uint16{"n1": 3, "n2": 3, "n3": 3}
	for name, test := range map[string]struct {
		speaks map[string]uint16
		doors  map[string][]FrontEnd
		sick   string
		ask    uint16
		is     uint16 // afterwards
		refuse string // why it is refused
	}{
		"all speak more, any":        {speaks: all, is: 3},
		"all speak more, one":        {speaks: all, ask: 2, is: 2},
		"nobody does":                {is: 1},
		"what it is":                 {speaks: all, ask: 1, is: 1},
		"a node speaks less":         {speaks: map[string]uint16{"n1": 3, "n2": 2, "n3": 3}, is: 2},
		"more than a node speaks":    {speaks: map[string]uint16{"n1": 3, "n2": 2, "n3": 3}, ask: 3, is: 1, refuse: "node n2 (v1) speaks up to 2;"},
		"the leader speaks less":     {speaks: map[string]uint16{"n2": 3, "n3": 3}, ask: 2, is: 1, refuse: "node n1"},
		"a front-end speaks less":    {speaks: all, doors: map[string][]FrontEnd{"n3": {{ID: "f1", LevelMax: 2}, {ID: "f2", LevelMax: 1}}}, ask: 2, is: 1, refuse: "front-end f2 at node n3 speaks up to 1;"},
		"a front-end at the leader":  {speaks: all, doors: map[string][]FrontEnd{"n1": {{ID: "f1", LevelMax: 1}}}, is: 1},
		"a front-end that speaks it": {speaks: all, doors: map[string][]FrontEnd{"n1": {{ID: "f1", LevelMax: 2}}}, is: 2},
		"a node is away":             {speaks: all, sick: "n2", ask: 2, is: 1, refuse: "node n2 does not answer;"},
		"a node is away, any":        {speaks: all, sick: "n2", is: 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := voters("n1", "n2", "n3")
			c.speaks, c.doors, c.sick[test.sick] = test.speaks, test.doors, true
			m := c.manage(t)
			for range 2 { // it may be repeated
				_, err := m.Change(t.Context(), &Request{Step: "finalize", Level: test.ask, Actor: "otto"})
				refused := errors.Is(err, codes.ErrRefused) && IsRefusal(err) && strings.Contains(err.Error(), test.refuse)
				if test.refuse == "" && err != nil || test.refuse != "" && !refused {
					t.Errorf("%v", err)
				}
			}
			if c.level != test.is || slices.ContainsFunc(c.raisedBy, func(by string) bool { return by != "otto" }) || len(c.raisedBy) != int(test.is)-1 {
				t.Errorf("level %d, raised by %q; want level %d", c.level, c.raisedBy, test.is)
			}
		})
	}
}

// Health says the level, and the one that can be had.
func TestHealthReminds(t *testing.T) {
	c := voters("n1", "n2", "n3")
	c.speaks = map[string]uint16{"n1": 2, "n2": 2}
	m := c.manage(t)
	if h := m.Status(t.Context()).Health; h.Level != 1 || h.LevelAvailable != 0 {
		t.Errorf("n3 does not speak it: %+v", h)
	}
	c.set(func() { c.speaks["n3"] = 2 })
	if h := m.Status(t.Context()).Health; h.Level != 1 || h.LevelAvailable != 2 {
		t.Errorf("all speak it: %+v", h)
	}
	if _, err := m.Change(t.Context(), &Request{Step: "finalize"}); err != nil {
		t.Fatal(err)
	}
	if h := m.Status(t.Context()).Health; h.Level != 2 || h.LevelAvailable != 0 {
		t.Errorf("raised: %+v", h)
	}
}
