package membership

import (
	"fmt"
	"time"
)

// What is the matter with buyers' money the newest state that a member has says. No state has
// since when: the member that noted it first counts, so that a start of another does not renew it.

// EvidenceDueSoon is for how long evidence may still be given when that is an alarm.
const EvidenceDueSoon = 48 * time.Hour

// first returns the earliest time that a member noted; nil when none did.
func (l *look) first(noted func(*NodeStatus) *time.Time) (first *time.Time) {
	for i := range l.Members {
		is := l.Members[i].Node
		if is == nil {
			continue
		}
		if at := noted(is); at != nil && (first == nil || at.Before(*first)) {
			first = at
		}
	}
	return first
}

func refundsFailed(l *look) finding {
	is := l.newest()
	if is == nil || is.RefundsFailed == 0 {
		return finding{}
	}
	return finding{l.first(func(s *NodeStatus) *time.Time { return s.RefundsFailedSince }),
		fmt.Sprintf("%d refunds failed for good, and no seller has taken note", is.RefundsFailed)}
}

func disputesOpen(l *look) finding {
	is := l.newest()
	if is == nil || is.DisputesOpen == 0 {
		return finding{}
	}
	return finding{l.first(func(s *NodeStatus) *time.Time { return s.DisputesSince }),
		fmt.Sprintf("buyers dispute %d charges, and the banks want a response", is.DisputesOpen)}
}

// evidenceDue counts from EvidenceDueSoon before the time of the first.
func evidenceDue(l *look) finding {
	is := l.newest()
	if is == nil || is.EvidenceBy == nil {
		return finding{}
	}
	since := is.EvidenceBy.Add(-EvidenceDueSoon)
	if l.now.Before(since) {
		return finding{}
	}
	return finding{&since, fmt.Sprintf("evidence for the first of %d disputes may be given until %s", is.DisputesOpen,
		is.EvidenceBy.UTC().Format(time.RFC3339))}
}
