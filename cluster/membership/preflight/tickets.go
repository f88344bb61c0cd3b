package preflight

import (
	"fmt"
	"maps"
	"slices"

	"onsale/cluster/membership"
)

// tickets looks whether all members sign tickets with the same keys: a code that one of them signs is
// no ticket at a door that has the keys of another. A member of an older program does not say.
func tickets(q *Question) (found []Line) {
	first, of := "", ""
	for _, id := range slices.Sorted(maps.Keys(q.Facts)) {
		switch keys := q.Facts[id].TicketKeys; {
		case keys == "":
		case first == "":
			first, of = keys, id
		case keys != first:
			found = append(found, Line{Verdict: Fail, Member: id, Detail: fmt.Sprintf("it has %s for tickets, %s has %s", spellTicketKeys(keys), of, spellTicketKeys(first)),
				Action: "give every node the same --ticket-key-file, in one order, and reload them"})
		}
	}
	switch {
	case len(found) > 0 || first == "":
		return found
	case first == membership.NoTicketKeys:
		return []Line{{Verdict: Warning, Detail: "no node has keys: tickets have numbers and no codes",
			Action: "make a key with onsale ticket key and give it to every node, or know why not"}}
	}
	return []Line{{Verdict: OK, Detail: "every node signs with the same keys, " + first}}
}

// spellTicketKeys says of which file a node's keys are.
func spellTicketKeys(fingerprint string) string {
	if fingerprint == membership.NoTicketKeys {
		return "no keys"
	}
	return "keys " + fingerprint
}
