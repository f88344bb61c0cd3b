package membership

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// pseudonymKeys: a member, or a front-end that is connected to it, has other keys of pseudonyms than
// the leader. Their order is no matter: it is changed process by process when a key is.
func pseudonymKeys(l *look, m *MemberStatus) finding {
	leader, is := l.leader(), m.Node
	if leader == nil || is == nil || len(leader.PseudonymKeys)+len(is.PseudonymKeys) == 0 {
		return finding{}
	}
	since := laterOf(is.PseudonymKeysAt, leader.PseudonymKeysAt)
	if !SameKeys(is.PseudonymKeys, leader.PseudonymKeys) {
		return finding{&since, fmt.Sprintf("%s has %s of pseudonyms, the leader %s %s", m.ID, SpellKeys(is.PseudonymKeys), leader.NodeID, SpellKeys(leader.PseudonymKeys))}
	}
	for _, f := range is.FrontEnds {
		if !SameKeys(f.PseudonymKeys, leader.PseudonymKeys) {
			return finding{&since, fmt.Sprintf("front-end %s at %s has %s of pseudonyms, the leader %s %s", f.ID, m.ID, SpellKeys(f.PseudonymKeys), leader.NodeID, SpellKeys(leader.PseudonymKeys))}
		}
	}
	return finding{}
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// SameKeys reports whether two lists have the same keys in any order.
func SameKeys(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// SpellKeys lists keys for people.
func SpellKeys(ids []string) string {
	switch len(ids) {
	case 0:
		return "no key"
	case 1:
		return "the key " + ids[0]
	}
	return "the keys " + strings.Join(ids, ", ")
}
