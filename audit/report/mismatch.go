package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"onsale/api/contract"
)

// compare returns the numbers in which two reports differ, by name. Latency is
// not the journal's to know.
func compare(journal, replica *contract.Report) []contract.Mismatch {
	told, want := fields(journal), fields(replica)
	var list []contract.Mismatch
	for name, text := range want {
		if told[name] != text {
			list = append(list, contract.Mismatch{Field: name, Journal: told[name], Replica: text})
		}
	}
	for name, text := range told {
		if _, known := want[name]; !known {
			list = append(list, contract.Mismatch{Field: name, Journal: text})
		}
	}
	slices.SortFunc(list, func(a, b contract.Mismatch) int { return strings.Compare(a.Field, b.Field) })
	return list
}

// fields spells a report's fields under the names that JSON gives them.
func fields(r *contract.Report) map[string]string {
	plain := *r
	plain.Latency = nil
	encoded, err := json.Marshal(&plain)
	if err != nil { // the contract's types can always be marshalled
		panic("report: cannot encode a report: " + err.Error())
	}
	var tree map[string]json.RawMessage
	list := map[string]string{}
	if err := json.Unmarshal(encoded, &tree); err != nil {
		panic("report: cannot read a report back: " + err.Error())
	}
	flatten("", tree, list)
	return list
}

func flatten(prefix string, tree map[string]json.RawMessage, list map[string]string) {
	for name, value := range tree {
		var below map[string]json.RawMessage
		if value[0] == '{' && json.Unmarshal(value, &below) == nil {
			flatten(prefix+name+".", below, list)
			continue
		}
		list[prefix+name] = string(value)
	}
}

// faults are the contradictions of the journal with itself.
func (b *books) faults() []contract.Mismatch {
	var list []contract.Mismatch
	t := &b.total
	if sum := t.available + t.held + t.sold + t.withheld; sum != int64(b.view.Quantity) {
		list = append(list, contract.Mismatch{Field: "tickets.quantity", Journal: fmt.Sprint(sum), Replica: fmt.Sprint(b.view.Quantity)})
	}
	for _, level := range []struct {
		name  string
		count int64
	}{
		{"tickets.available", t.available}, {"tickets.held", t.held}, {"tickets.sold", t.sold},
		{"tickets.withheld", t.withheld}, {"waitlist.waiting", t.waiting},
	} {
		if level.count < 0 {
			list = append(list, contract.Mismatch{Field: level.name, Journal: fmt.Sprint(level.count), Replica: "0 or more"})
		}
	}
	for _, text := range b.faultList {
		list = append(list, contract.Mismatch{Field: "orders", Journal: text, Replica: "an order that was live"})
	}
	if unlisted := b.faultCount - uint64(len(b.faultList)); unlisted > 0 {
		list = append(list, contract.Mismatch{Field: "orders", Journal: fmt.Sprintf("%d more", unlisted), Replica: "none"})
	}
	return list
}
