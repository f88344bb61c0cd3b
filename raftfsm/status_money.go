package raftfsm

import (
	"time"

	"onsale/sequencer"
)

// Money is what is the matter with buyers' money, as of a status' Seq.
type Money struct {
	// RefundsFailed counts the refunds that failed for good and of which no seller has taken note.
	RefundsFailed int `json:"refunds_failed,omitempty"`
	// DisputesOpen counts the disputes that need a response, and EvidenceBy is until when it may
	// be given for the first of them; nil for no time.
	DisputesOpen int        `json:"disputes_open,omitempty"`
	EvidenceBy   *time.Time `json:"dispute_evidence_by,omitempty"`
}

func moneyOf(state *sequencer.State) Money {
	counts, by := state.DisputeCounts()
	m := Money{RefundsFailed: state.RefundsFailedCount(), DisputesOpen: counts[sequencer.DisputeNeedsResponse]}
	if by != 0 {
		at := time.Unix(0, by).UTC()
		m.EvidenceBy = &at
	}
	return m
}
