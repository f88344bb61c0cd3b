package raftfsm

import "testing"

// What a member says of its address counts until the log has another one of it, until it is
// not found there, and until it says that it is where the log has it.
func TestHeardAddresses(t *testing.T) {
	var h heardAddresses
	n2 := Member{ID: "n2", Address: "old:1"}
	at := func(m Member) string { address, _ := h.of(m); return address }
	if _, is := h.of(n2); is {
		t.Error("an address of a member that said nothing")
	}
	h.note(n2, "new:1")
	if at(n2) != "new:1" || at(Member{ID: "n3", Address: "old:1"}) != "" {
		t.Errorf("n2 at %q, n3 at %q", at(n2), at(Member{ID: "n3", Address: "old:1"}))
	}
	if _, is := h.of(Member{ID: "n2", Address: "newer:1"}); is {
		t.Error("what was heard before the log said something else counts on")
	}
	h.forget("n2", "elsewhere:1")
	if at(n2) != "new:1" {
		t.Error("forgotten for another address")
	}
	if h.forget("n2", "new:1"); at(n2) != "" {
		t.Error("still there, where it was not found")
	}
	h.note(n2, "new:1")
	if h.note(n2, "old:1"); at(n2) != "" {
		t.Error("still elsewhere, after it said that it is where the log has it")
	}
}
