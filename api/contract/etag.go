package contract

import (
	"fmt"
	"hash/fnv"
	"strings"

	"onsale/sequencer"
)

// Tags are made of the fields that the caller sees, with the same result on
// every replica and after every restart, so that a copy from one is known to
// another. They are weak, because as_of_seq changes while the rest does not.

// MixTag adds a part to a tag: FNV-1a's step on words, then a shift, so that
// high bits count too.
func MixTag(tag, part uint64) uint64 {
	tag = (tag ^ part) * 0x100000001b3
	return tag ^ tag>>29
}

// TextTag stands for a text.
func TextTag(text string) uint64 {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(text)) // never fails
	return hash.Sum64()
}

// FormatTag returns a tag as ETag says it.
func FormatTag(tag uint64) string { return fmt.Sprintf(`W/"%016x"`, tag) }

// SaleTag stands for what buyers see of a sale, but for how old the view is.
func SaleTag(v *sequencer.SaleView, now int64) uint64 {
	tag := uint64(v.Number)
	for _, part := range []uint64{
		uint64(v.Status(max(now, v.AsOfTime))), uint64(v.Quantity), uint64(v.Available), uint64(v.Waiting), v.ServedSeq,
		uint64(v.Price), uint64(v.StartsAt), uint64(v.Cap), TextTag(v.ID), TextTag(v.Item), TextTag(v.Currency),
	} {
		tag = MixTag(tag, part)
	}
	return tag
}

// OrderTag stands for what the buyer sees of an order, but for how old the view is.
func OrderTag(v *sequencer.OrderView) string { return FormatTag(orderTag(v)) }

// DetailTag stands for what a seller sees of it: that its money was taken, too.
func DetailTag(v *sequencer.OrderView) string {
	captured := uint64(0)
	if v.Captured {
		captured = 1
	}
	return FormatTag(MixTag(orderTag(v), captured))
}

func orderTag(v *sequencer.OrderView) uint64 {
	tag := v.Seq
	for _, part := range []uint64{uint64(v.State), uint64(v.Quantity), uint64(v.Position), uint64(v.Deadline), uint64(v.Attempts),
		uint64(v.VoidsDue), uint64(v.Voided), uint64(v.Reason), uint64(v.Bounced)<<32 | uint64(v.Failed), uint64(v.RefundReason), uint64(v.Acknowledged),
		uint64(v.Dispute.Status), uint64(v.Dispute.Amount), uint64(v.Dispute.EvidenceBy)} {
		tag = MixTag(tag, part)
	}
	for _, ticket := range v.Tickets {
		if !ticket.Revoked {
			tag = MixTag(tag, uint64(ticket.Number))
		}
	}
	for _, part := range v.Parts {
		tag = MixTag(tag, uint64(part.State)|uint64(part.Quantity)<<8|uint64(part.Reason)<<16)
	}
	return tag
}

// TagMatches reports whether an If-None-Match names the tag, compared weakly
// (RFC 9110, section 13.1.2).
func TagMatches(ifNoneMatch, tag string) bool {
	for candidate := range strings.SplitSeq(ifNoneMatch, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
