package sandbox

import (
	"strconv"
	"strings"
	"time"

	"onsale/sequencer"
)

// delayMax bounds what a method may ask to wait.
const delayMax = 10 * time.Minute

// behaviour is what a payment method makes the sandbox do.
type behaviour struct {
	reason  sequencer.PayReason // of a decline; ReasonNone authorises
	delay   time.Duration       // before the outcome
	silent  bool                // the answer is lost
	never   bool                // there will be no outcome
	asks    bool                // the buyer must authenticate first; delay 0 is for ever
	notices int                 // webhooks that are sent
	refusal sequencer.PayReason // of every refund, at once
	// bounces refunds are taken, and fail bounceAfter later.
	bounces     uint8
	bounceAfter time.Duration
	kept        string // the method, when it says what becomes of the money, or asks the buyer
	// disputed is what a dispute comes to that is opened disputeAfter the capture; it is decided
	// as long after that.
	disputed     sequencer.DisputeStatus
	disputeAfter time.Duration
}

// behaviourOf reads a payment method.
func behaviourOf(method string) behaviour {
	declines := map[string]sequencer.PayReason{
		"tok_decline": sequencer.ReasonDeclined, "tok_insufficient_funds": sequencer.ReasonInsufficientFunds,
		"tok_expired": sequencer.ReasonExpiredMethod, "tok_wrong_details": sequencer.ReasonWrongDetails,
		"tok_authentication": sequencer.ReasonAuthenticationRequired, "tok_limit": sequencer.ReasonLimitExceeded,
	}
	if reason, known := declines[method]; known {
		return behaviour{reason: reason, notices: 1}
	}
	switch method {
	case "tok_accept":
		return behaviour{notices: 1}
	case "tok_lost":
		return behaviour{silent: true, notices: 1}
	case "tok_never":
		return behaviour{silent: true, never: true}
	case "tok_double_webhook":
		return behaviour{notices: 2}
	}
	if method == "tok_3ds" {
		return behaviour{notices: 1, asks: true, kept: method}
	}
	if delay, ok := delayOf(method, "tok_3ds_passes_"); ok {
		return behaviour{notices: 1, asks: true, delay: delay, kept: method}
	}
	if delay, ok := delayOf(method, "tok_3ds_fails_"); ok {
		return behaviour{notices: 1, asks: true, delay: delay, kept: method, reason: sequencer.ReasonAuthenticationRequired}
	}
	if method == "tok_refund_refused" {
		return behaviour{notices: 1, refusal: sequencer.ReasonRefundRefused, kept: method}
	}
	for prefix, to := range map[string]sequencer.DisputeStatus{
		"tok_disputed_": sequencer.DisputeNeedsResponse, "tok_disputed_won_": sequencer.DisputeWon, "tok_disputed_lost_": sequencer.DisputeLost,
	} {
		if delay, ok := delayOf(method, prefix); ok {
			return behaviour{notices: 1, disputed: to, disputeAfter: delay, kept: method}
		}
	}
	if delay, ok := delayOf(method, "tok_refund_fails_"); ok {
		return behaviour{notices: 1, bounces: 1, bounceAfter: delay, kept: method}
	}
	if delay, ok := delayOf(method, "tok_refund_always_fails_"); ok {
		return behaviour{notices: 1, bounces: sequencer.RefundsMax, bounceAfter: delay, kept: method}
	}
	if delay, ok := delayOf(method, "tok_delay_"); ok {
		return behaviour{delay: delay, notices: 1}
	}
	if delay, ok := delayOf(method, "tok_late_"); ok {
		return behaviour{delay: delay, silent: true, notices: 1}
	}
	return behaviour{reason: sequencer.ReasonUnknownMethod, notices: 1}
}

func delayOf(method, prefix string) (time.Duration, bool) {
	text, found := strings.CutPrefix(method, prefix)
	text, unit := strings.CutSuffix(text, "ms")
	n, err := strconv.ParseUint(text, 10, 32)
	delay := time.Duration(n) * time.Millisecond
	return delay, found && unit && err == nil && delay <= delayMax
}
