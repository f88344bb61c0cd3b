package raftfsm

import "testing"

// What a node cannot be without is asked for by the check of its configuration.
func TestConfigIsComplete(t *testing.T) {
	whole := testConfig(t, "n1")
	if err := whole.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, without := range map[string]func(*Config){
		"DataDir": func(c *Config) { c.DataDir = "" }, "NodeID": func(c *Config) { c.NodeID = "" },
		"Fatal": func(c *Config) { c.Fatal = nil }, "Clock": func(c *Config) { c.Clock = nil },
		"Logger": func(c *Config) { c.Logger = nil }, "Files": func(c *Config) { c.Files = nil },
	} {
		c := whole
		if without(&c); c.Validate() == nil {
			t.Errorf("a node without %s was taken", name)
		}
	}
}
