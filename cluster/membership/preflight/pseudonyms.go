package preflight

import (
	"fmt"
	"slices"

	"onsale/cluster/membership"
)

// pseudonyms looks whether every process knows the sale's buyers by the same names.
func pseudonyms(q *Question) (found []Line) {
	own, first := q.Sale.PseudonymKey, ""
	judge := func(who string, keys []string) {
		if first == "" && len(keys) > 0 {
			first = keys[0]
		}
		switch {
		case own != "" && !slices.Contains(keys, own):
			found = append(found, Line{Verdict: Fail, Member: who, Detail: fmt.Sprintf("it has %s, the sale is under %s", membership.SpellKeys(keys), own),
				Action: "give it the --pseudonyms-file of the others, and restart it: it refuses the sale's buys"})
		case own == "" && len(keys) > 0:
			found = append(found, Line{Verdict: Fail, Member: who, Detail: fmt.Sprintf("it has %s, and the sale is under none: its buyers are written in clear", membership.SpellKeys(keys)),
				Action: "cancel the sale and create it again, or know that its log, journal and backups have names"})
		case len(keys) > 0 && keys[0] != first:
			found = append(found, Line{Verdict: Warning, Member: who, Detail: fmt.Sprintf("its newest key is %s, another process' %s", keys[0], first),
				Action: "bring the lines of the --pseudonyms-file into one order before a sale is created"})
		}
	}
	seen := map[string]bool{}
	for i := range q.Members {
		is := q.Members[i].Node
		if is == nil {
			continue
		}
		judge(is.NodeID, is.PseudonymKeys)
		for _, f := range is.FrontEnds {
			if !seen[f.ID] {
				judge(f.ID, f.PseudonymKeys)
			}
			seen[f.ID] = true
		}
	}
	if own == "" {
		return fine(found, "none: what is written has the users of the tokens")
	}
	return fine(found, "every process has the sale's key, "+own)
}
