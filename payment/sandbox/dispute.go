package sandbox

import (
	"time"

	"onsale/payment"
	"onsale/sequencer"
)

// evidenceTime is for how long evidence may be given.
const evidenceTime = 7 * 24 * time.Hour

// Dispute opens the dispute of a charge that was captured, or takes it on to a status, as buyers'
// banks do; false when nothing was captured. While it is not won its refunds are refused.
func (b *Books) Dispute(key string, to sequencer.DisputeStatus) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.byKey[key]
	if known == nil || known.CapturedAmount == 0 {
		return false
	}
	e := *known
	e.Dispute = sequencer.Dispute{Status: to, Amount: e.CapturedAmount, EvidenceBy: e.Dispute.EvidenceBy}
	if e.Dispute.EvidenceBy == 0 {
		e.Dispute.EvidenceBy = b.config.Clock().Add(evidenceTime).Truncate(time.Second).UnixNano()
	}
	if _, err := b.keep(e); err != nil {
		return false
	}
	b.notify(key, 1)
	return true
}

// disputeLater opens the dispute that a charge's method asks for, and lets it be decided.
func (b *Books) disputeLater(key string, does behaviour) {
	if does.disputed == sequencer.DisputeNone {
		return
	}
	b.finished.Go(func() {
		for _, to := range []sequencer.DisputeStatus{sequencer.DisputeNeedsResponse, does.disputed} {
			timer := time.NewTimer(does.disputeAfter)
			select {
			case <-timer.C:
				b.Dispute(key, to)
			case <-b.stop:
				timer.Stop()
				return
			}
			if to == does.disputed {
				return
			}
		}
	})
}

var _ payment.Provider = (*Books)(nil)
