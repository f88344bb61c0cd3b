// Package payment speaks to payment providers, the one place where two systems must
// agree.
//
// # The protocol
//
// A Desk runs beside each node and works while its node leads. For one attempt to pay
// an order:
//
//  1. pay_begin is committed: the order is paying, the attempt has a number, and the
//     order's tickets are safe until the provider's word is known.
//  2. the provider authorises the amount under a key that is the order's uid and the
//     attempt's number, so that asking twice charges once.
//  3. pay_result is committed: paid, or reserved again. Now the buyer is answered.
//  4. the money is captured, and pay_captured is committed.
//
// # What if we die here?
//
// Before 1 is committed: nothing happened. After 1, before or after 2: the order is
// paying in every replica's state. The next leader's desk finds it among the unsettled
// orders and asks the provider by the key: authorised becomes accepted, declined
// becomes rejected; an attempt that the provider never heard of, or that stays without
// an outcome for AbandonAfter, is cancelled there first — from then on the provider
// refuses that key for ever, so that an authorisation of the dead leader that is still
// on its way can charge nobody — and only then is the order reserved again. After 3:
// the order shows that its capture is due, and capturing twice captures once. After
// 4's capture, before its commit: the same.
//
// Money that came for nothing (a success that became known after its order was gone,
// a refund by the seller, a cancelled sale) is in the state as a void that is due,
// until the provider has said that it is void or refunded.
//
// Two desks may work at once for a moment, when a leader does not know yet that it
// leads no more. Every step at the provider may be repeated, and the provider gives
// the steps of one key one order; every commit goes through the one log. So what they
// do together is what one of them would have done.
//
// # Trade-offs
//
// That an attempt is given up is not in the log before it is cancelled. Who sent a
// cancellation and heard no answer accepts that attempt no more; but a leader that loses
// its office then cannot tell its successor. If the attempt, which had no outcome for
// AbandonAfter, is authorised in just that moment, accepted and captured by the successor,
// and the cancellation arrives only then, the tickets are paid and the money is back.
// Reconciling names it. A commit before each cancellation would close that gap.
package payment
